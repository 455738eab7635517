//! The exposition of a sample status, and the table against `docs/metrics.md`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::model::{
    Block, Drift, Hold, HoldScope, Key, Moment, Outcome, Rollout, RolloutStage, Tasks, Wait,
};
use crate::status::{
    CommitStatus, OrphanStatus, PartStatus, PruneStatus, ResourceStatus, RolloutLimit,
    SourceStatus, WakeStatus,
};

/// Two services, one mid-rollout and one in quarantine, and a target group that differs.
fn sample() -> Status {
    let resource = |outcome| ResourceStatus {
        since: Moment(1_000_000),
        tasks: Some(Tasks {
            desired: 2,
            running: 2,
            pending: 1,
        }),
        arn: Some("arn:aws:ecs:eu-west-1:123456789012:service/nova/auth".to_owned()),
        service: Some(("nova".to_owned(), "auth".to_owned())),
        file: "services/auth.yaml".to_owned(),
        ..ResourceStatus::new(outcome, Moment(1_100_500))
    };
    let drift = vec![Drift {
        path: "/Port".to_owned(),
        live: json!(80),
        desired: json!(81),
        reset: false,
    }];
    let mut auth = resource(Outcome::Waiting(Wait::RolloutInProgress, "d-1".to_owned()));
    auth.rollout = Some(Rollout {
        id: "d-ABCDEF123".to_owned(),
        ours: true,
        stage: RolloutStage::Shifting,
        events: Vec::new(),
        weights: Some((90.0, 10.0)),
        superseded: false,
    });
    let mut cart = resource(Outcome::Blocked(
        Block::Quarantined,
        "failed as d-2".to_owned(),
    ));
    cart.service = Some(("nova".to_owned(), "cart \"2\"".to_owned()));
    cart.drift.clone_from(&drift);
    cart.hold = Some(Hold::read(HoldScope::Cluster, String::new(), ""));
    let mut group = resource(Outcome::Converged);
    group.tasks = None;
    group.service = None;
    group.drift = drift;
    Status {
        account: Some("123456789012".to_owned()),
        region: "eu-west-1".to_owned(),
        source: SourceStatus {
            address: "manifests".to_owned(),
            last_success: Some(Moment(1_000_000)),
            valid: 3,
            invalid: 1,
            revision: "abc".to_owned(),
            ..SourceStatus::default()
        },
        resources: [
            (Key::new(Kind::Service, "auth"), auth),
            (Key::new(Kind::Service, "cart"), cart),
            (Key::new(Kind::TargetGroup, "auth-blue"), group),
        ]
        .into(),
        heartbeat: Moment(1_200_000),
        first_cycle_done: true,
        ..Status::default()
    }
}

/// Calls every recorder once.
fn record(metrics: &Metrics) {
    let took = Duration::from_millis(20);
    metrics.aws_called("ecs", "DescribeServices", "ok", took);
    metrics.aws_called("ecs", "DescribeServices", "something new", took);
    metrics.aws_waited("ecs-service-read", Duration::ZERO);
    metrics.pass_started(Kind::Service);
    metrics.pass_started(Kind::Service);
    metrics.pass_ended(Kind::Service, "error", took);
    metrics.pass_failed(Kind::Service, "AccessDenied", true);
    metrics.pass_panicked(Kind::Cluster);
    metrics.max_workers(8);
    metrics.queue_added(false);
    metrics.queue_added(true);
    metrics.queue_depth(3);
    metrics.queue_waited(took);
    metrics.queue_worked(took);
    metrics.queue_unfinished(Duration::from_secs(5), Duration::from_secs(4));
    metrics.source_fetched("manifests", "directory", "not_modified", took);
    metrics.resync_requested("signal", "all");
    metrics.deployment_ended("nova", "auth", "code_deploy", "failed");
    metrics.deployment_ended("nova", "gone", "code_deploy", "failed");
    metrics.self_healed("nova", "auth", Kind::TargetGroup);
    metrics.self_heal_suppressed("nova", "auth", "grace");
    metrics.window_overridden("nova", "auth");
}

fn assert_lines(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(
            text.lines().any(|have| have == *line),
            "no line `{line}` in\n{text}"
        );
    }
}

#[test]
fn what_happened_is_counted() {
    let metrics = Metrics::new();
    record(&metrics);
    assert_lines(
        &metrics.render(&sample()),
        &[
            r#"evenkeel_aws_api_requests_total{code="ok",operation="DescribeServices",service="ecs"} 1"#,
            r#"evenkeel_aws_api_requests_total{code="other",operation="DescribeServices",service="ecs"} 1"#,
            r#"evenkeel_aws_api_requests_total{code="throttled",operation="DescribeServices",service="ecs"} 0"#,
            r#"evenkeel_aws_api_request_duration_seconds_bucket{operation="DescribeServices",service="ecs",le="0.025"} 2"#,
            r#"evenkeel_aws_api_rate_limiter_wait_seconds_count{bucket="ecs-service-read"} 1"#,
            r#"controller_runtime_active_workers{controller="service"} 1"#,
            r#"controller_runtime_reconcile_total{controller="service",result="error"} 1"#,
            r#"controller_runtime_terminal_reconcile_errors_total{controller="service"} 1"#,
            r#"controller_runtime_reconcile_panics_total{controller="cluster"} 1"#,
            r#"controller_runtime_reconcile_panics_total{controller="service"} 0"#,
            r#"controller_runtime_max_concurrent_reconciles{controller="evenkeel"} 8"#,
            r#"evenkeel_reconcile_errors_total{controller="service",reason="AccessDenied"} 1"#,
            r#"evenkeel_reconcile_errors_total{controller="listener",reason="AccessDenied"} 0"#,
            r#"workqueue_adds_total{controller="evenkeel",name="evenkeel"} 2"#,
            r#"workqueue_retries_total{controller="evenkeel",name="evenkeel"} 1"#,
            r#"workqueue_depth{controller="evenkeel",name="evenkeel"} 3"#,
            r#"workqueue_unfinished_work_seconds{controller="evenkeel",name="evenkeel"} 5"#,
            r#"workqueue_longest_running_processor_seconds{controller="evenkeel",name="evenkeel"} 4"#,
            r#"evenkeel_source_fetch_total{kind="directory",result="not_modified",source="manifests"} 1"#,
            r#"evenkeel_source_fetch_total{kind="directory",result="error",source="manifests"} 0"#,
            r#"evenkeel_forced_resyncs_total{scope="all",trigger="signal"} 1"#,
            r#"evenkeel_deployments_total{account="123456789012",region="eu-west-1",cluster="nova",service="auth",strategy="code_deploy",result="failed"} 1"#,
            r#"evenkeel_deployments_total{account="123456789012",region="eu-west-1",cluster="nova",service="auth",strategy="rolling",result="successful"} 0"#,
            r#"evenkeel_self_heals_total{account="123456789012",region="eu-west-1",cluster="nova",service="auth",kind="target_group"} 1"#,
            r#"evenkeel_self_heal_suppressed_total{account="123456789012",region="eu-west-1",cluster="nova",service="auth",reason="grace"} 1"#,
            r#"evenkeel_window_overrides_total{account="123456789012",region="eu-west-1",cluster="nova",service="auth"} 1"#,
        ],
    );
}

#[test]
fn what_is_follows_from_the_status() {
    let text = Metrics::new().render(&sample());
    let of = |metric: &str, service: &str, own: &str, value: &str| {
        format!(
            r#"{metric}{{account="123456789012",region="eu-west-1",cluster="nova",service="{service}"{own}}} {value}"#
        )
    };
    let cart = r#"cart \"2\""#;
    let lines = [
        of(
            "evenkeel_service_sync_status",
            "auth",
            r#",status="OutOfSync""#,
            "1",
        ),
        of(
            "evenkeel_service_sync_status",
            "auth",
            r#",status="Synced""#,
            "0",
        ),
        of(
            "evenkeel_service_health_status",
            "auth",
            r#",status="Progressing""#,
            "1",
        ),
        of(
            "evenkeel_service_health_status",
            cart,
            r#",status="Degraded""#,
            "1",
        ),
        of("evenkeel_service_quarantined", "auth", "", "0"),
        of("evenkeel_service_quarantined", cart, "", "1"),
        of(
            "evenkeel_service_drift_fields",
            cart,
            r#",kind="service""#,
            "1",
        ),
        of("evenkeel_service_pending_tasks", "auth", "", "1"),
        of(
            "evenkeel_service_last_observed_timestamp_seconds",
            "auth",
            "",
            "1100.5",
        ),
        of("evenkeel_deployment_in_progress", "auth", "", "1"),
        of("evenkeel_deployment_in_progress", cart, "", "0"),
        of(
            "evenkeel_deployment_phase",
            "auth",
            r#",phase="Shifting""#,
            "1",
        ),
        of(
            "evenkeel_deployment_phase",
            "auth",
            r#",phase="Baking""#,
            "0",
        ),
        of(
            "evenkeel_deployment_traffic_ratio",
            "auth",
            r#",role="preview""#,
            "0.1",
        ),
    ];
    assert_lines(&text, &lines.each_ref().map(String::as_str));
    assert_lines(
        &text,
        &[
            r#"evenkeel_services{account="123456789012",region="eu-west-1",cluster="nova"} 2"#,
            r#"evenkeel_resources{kind="service",outcome="Blocked",reason="Quarantined"} 1"#,
            r#"evenkeel_resources{kind="cluster",outcome="Converged",reason="Succeeded"} 0"#,
            r#"evenkeel_drift_fields{kind="target_group"} 1"#,
            r#"evenkeel_source_manifests{source="manifests",state="invalid"} 1"#,
            r#"evenkeel_source_up_to_date{source="manifests"} 1"#,
            r#"evenkeel_source_last_success_timestamp_seconds{source="manifests"} 1000"#,
            r#"evenkeel_source_revision_info{source="manifests",revision="abc"} 1"#,
            r#"evenkeel_heartbeat_timestamp_seconds{loop="reconcile"} 1200"#,
            r#"evenkeel_last_forced_resync_timestamp_seconds{stage="requested"} 0"#,
            "evenkeel_ready 1",
        ],
    );
    assert!(
        !text.contains("d-ABCDEF123") && !text.contains("arn:aws"),
        "an id is a label:\n{text}"
    );
}

#[test]
fn two_manifests_for_one_service_give_each_series_once() {
    let mut status = sample();
    let twin = status.resources[&Key::new(Kind::Service, "auth")].clone();
    status
        .resources
        .insert(Key::new(Kind::Service, "auth-again"), twin);
    let metrics = Metrics::new();
    metrics.deployment_ended("nova", "auth", "by hand", "failed");
    let text = metrics.render(&status);
    let series: Vec<&str> = text
        .lines()
        .filter_map(|line| Some(line.rsplit_once(' ')?.0))
        .collect();
    let once: BTreeSet<&str> = series.iter().copied().collect();
    assert_eq!(series.len(), once.len());
    assert!(
        text.contains(r#"strategy="other",result="failed"} 1"#),
        "{text}"
    );
}

#[test]
fn the_series_of_a_removed_service_vanish() {
    let metrics = Metrics::new();
    record(&metrics);
    let mut status = sample();
    assert!(!metrics.render(&status).contains("gone"));
    assert!(metrics.render(&status).contains(r#"service="auth""#));
    status.resources.remove(&Key::new(Kind::Service, "auth"));
    assert!(!metrics.render(&status).contains(r#"service="auth""#));
}

#[test]
fn the_exposition_has_exactly_the_rows_of_the_table() {
    let metrics = Metrics::new();
    record(&metrics);
    let mut status = sample();
    status.source.parts = vec![PartStatus {
        trouble: Some(("Unreachable", "no answer".to_owned())),
        commit: Some(CommitStatus::default()),
        ..PartStatus::default()
    }];
    status.wake = Some(WakeStatus {
        reached: true,
        ..WakeStatus::default()
    });
    status.prune = Some(PruneStatus {
        orphans: vec![OrphanStatus {
            state: "stays",
            reason: "InUse",
            ..OrphanStatus::default()
        }],
        ..PruneStatus::default()
    });
    status.rollout_limits = vec![RolloutLimit {
        label: "tier".to_owned(),
        value: "web".to_owned(),
        most: 2,
        taken: 1,
        waiting: 0,
    }];
    let text = metrics.render(&status);
    assert!(text.contains("evenkeel_wake_queue_up 1"), "{text}");
    let places = r#"evenkeel_rollouts{label="tier",value="web",state="in_flight"} 1"#;
    assert!(text.contains(places), "{text}");
    let orphans = r#"evenkeel_prune_orphans{state="stays",reason="InUse"} 1"#;
    assert!(text.contains(orphans), "{text}");
    let typed: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .collect();
    let rows: Vec<String> = table::ALL
        .iter()
        .map(|row| format!("{} {}", row.name, row.kind))
        .collect();
    assert_eq!(typed, rows.iter().map(String::as_str).collect());
}

#[test]
fn every_bounded_series_exists_before_anything_happens() {
    let text = Metrics::new().render(&Status::default());
    for name in [
        "evenkeel_reconcile_errors_total",
        "evenkeel_forced_resyncs_total",
        "evenkeel_resources",
        "controller_runtime_reconcile_panics_total",
        "workqueue_longest_running_processor_seconds",
        "evenkeel_source_last_success_timestamp_seconds",
    ] {
        assert!(
            text.lines().any(|line| line.starts_with(name)),
            "no {name} in\n{text}"
        );
    }
}

#[test]
fn names_and_labels_follow_the_conventions() {
    for row in table::ALL {
        let name = row.name;
        assert_eq!(
            row.kind == "counter",
            name.ends_with("_total"),
            "{name} is a {}",
            row.kind
        );
        assert_eq!(
            row.kind == "histogram",
            !row.buckets.is_empty(),
            "{name} is a {}",
            row.kind
        );
        if row.kind == "histogram" {
            assert!(name.ends_with("_seconds"), "{name} has no base unit");
        }
        assert!(row.buckets.is_sorted(), "{name}: {:?}", row.buckets);
        for banned in ["id", "arn", "digest", "message", "error"] {
            assert!(
                !row.labels.contains(&banned),
                "{name} has the unbounded label {banned}"
            );
        }
        let info_only = row.labels.contains(&"revision") || row.labels.contains(&"file");
        assert!(
            !info_only || name.ends_with("_info"),
            "{name}: {:?}",
            row.labels
        );
    }
}

/// `UPDATE_DOCS=1 cargo test metrics` writes the table of the file instead of comparing it.
#[test]
fn the_documentation_is_the_table() {
    const HEAD: &str = "| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let actual = std::fs::read_to_string(&file).unwrap();
    let (preamble, _) = actual
        .split_once(HEAD)
        .expect("docs/metrics.md has no table");
    let mut expected = format!("{preamble}{HEAD}");
    for row in table::ALL {
        let (name, kind, labels, help) = (row.name, row.kind, row.labels.join(", "), row.help);
        writeln!(expected, "| `{name}` | {kind} | {labels} | {help} |").unwrap();
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        return std::fs::write(&file, &expected).unwrap();
    }
    assert_eq!(
        actual, expected,
        "docs/metrics.md is out of date: UPDATE_DOCS=1 cargo test metrics"
    );
}
