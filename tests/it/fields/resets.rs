//! Every member that goes back to a default: declared, no longer declared, and then as on a resource
//! that never had it; and nothing is written any more.

use std::collections::BTreeSet;
use std::time::Duration;

use evenkeel::catalogue;
use evenkeel::kinds::{Reset, resets};
use evenkeel::model::{Kind, Service};
use serde_json::{Value, json};

use super::cases::{self, manifest};
use super::{Live, settled};
use crate::sim::world::{World, pass};

/// Ten polls.
const TEN_PASSES: Duration = Duration::from_mins(10);

/// A row, a resource that declares its member, and the same without.
struct Case {
    kind: Kind,
    row: &'static Reset,
    name: String,
    with: Value,
    without: Value,
    /// What stands beside the spec that declares it.
    beside: Value,
}

impl Case {
    /// The manifest, which declares the member or does not.
    fn manifest(&self, declares: bool) -> String {
        let spec = if declares { &self.with } else { &self.without };
        let text = manifest(self.kind, &self.name, spec);
        let mut document: Value = serde_json::from_str(text.trim_start_matches("---\n")).unwrap();
        if declares {
            let members = document.as_object_mut().unwrap();
            members.extend(self.beside.as_object().unwrap().clone());
        }
        format!("---\n{document}\n")
    }
}

/// Rows whose first value of the catalogue's cases is the default.
const SECOND: [&str; 8] = [
    "/HealthCheckEnabled",
    "/HealthCheckProtocol",
    "/IpAddressType",
    "/availabilityZoneRebalancing",
    "/deploymentConfiguration/deploymentCircuitBreaker/resetOnHealthyTask",
    "/outdatedInstancesStrategy",
    "/UnhealthyThresholdCount",
    "/propagateTags",
];

/// Rows that are tried by hand, with the member's value, or that cannot be tried and why.
const BY_HAND: &[(Kind, &str, &str)] = &[
    (
        Kind::DeploymentGroup,
        "/terminationHookEnabled",
        "refused for ECS unless it is false, the default",
    ),
    (
        Kind::TargetGroup,
        "/HealthCheckEnabled",
        "always on for the targets of ECS",
    ),
    (
        Kind::LoadBalancer,
        "/attributes/health_check_logs.s3.enabled",
        "the simulated AWS lacks it",
    ),
];

fn of(kind: Kind) -> Vec<Case> {
    let tried = resets(kind).iter().filter(|row| {
        !BY_HAND
            .iter()
            .any(|(other, path, _)| *other == kind && *path == row.path)
    });
    tried
        .enumerate()
        .map(|(index, row)| case(kind, row, index))
        .collect()
}

fn case(kind: Kind, row: &'static Reset, index: usize) -> Case {
    let name = format!("case-{index}");
    let base = super::world::base(kind, index);
    if let Some(key) = row.path.strip_prefix("/attributes/") {
        let (spec, value) = attribute(kind, key, base);
        let beside = json!({"attributes": [{"Key": key, "Value": value}]});
        return Case {
            kind,
            row,
            name,
            with: spec.clone(),
            without: spec,
            beside,
        };
    }
    let beside = match row.path {
        "/lifecyclePolicyText" => {
            json!({"lifecyclePolicyText": {"rules": [{"rulePriority": 1, "description": "x".repeat(60),
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9}, "action": {"type": "expire"}}]}})
        }
        "/policyText" => json!({"policyText": {"Version": "2012-10-17", "Statement": []}}),
        _ => json!({}),
    };
    if beside != json!({}) {
        return Case {
            kind,
            row,
            name,
            with: base.clone(),
            without: base,
            beside,
        };
    }
    let variant = usize::from(SECOND.contains(&row.path));
    let mut with = cases::spec(kind, &catalogue_path(row.path), index, variant);
    match row.path {
        "/deploymentConfiguration/minimumHealthyPercent" => {
            with["deploymentConfiguration"]["minimumHealthyPercent"] = json!(50);
        }
        "/settings" => {
            with["settings"] = json!([{"name": "containerInsights", "value": "enhanced"}]);
        }
        _ => {}
    }
    let mut without = with.clone();
    if row.path == "/imageTagMutabilityExclusionFilters" {
        // AWS takes none of the two without the other.
        without
            .as_object_mut()
            .unwrap()
            .remove("imageTagMutability");
    }
    let (parent, member) = row.path.rsplit_once('/').unwrap();
    let parent = without
        .pointer_mut(parent)
        .unwrap_or_else(|| panic!("{} {with}", row.path));
    assert!(
        parent.as_object_mut().unwrap().remove(member).is_some(),
        "{} {with}",
        row.path
    );
    Case {
        kind,
        row,
        name,
        with,
        without,
        beside,
    }
}

/// `/a/0/b` → `a[].b`.
fn catalogue_path(pointer: &str) -> String {
    pointer
        .trim_start_matches('/')
        .replace("/0/", "[].")
        .replace('/', ".")
}

/// A resource that has the attribute, and another value than the default.
fn attribute(kind: Kind, key: &str, mut spec: Value) -> (Value, &'static str) {
    let network = [
        "deregistration_delay.connection",
        "preserve_client_ip",
        "proxy_protocol",
        "target_health_state",
        "dns_record",
        "tcp.",
    ];
    let cross_zone = kind == Kind::LoadBalancer && key.starts_with("load_balancing.cross_zone");
    if cross_zone || network.iter().any(|start| key.starts_with(start)) {
        match kind {
            Kind::TargetGroup => spec["Protocol"] = json!("TCP"),
            Kind::LoadBalancer => spec["Type"] = json!("network"),
            _ => {
                spec["LoadBalancerRef"] = json!("net");
                spec["Protocol"] = json!("TCP");
                spec["DefaultActions"] = json!([{"Type": "forward", "TargetGroupRef": "streams"}]);
            }
        }
    }
    let value = match key.rsplit('.').next().unwrap() {
        "timeout_seconds" | "duration_seconds" | "count" | "draining_interval_seconds" => "70",
        "seconds" => "90",
        "percentage" => "50",
        "anomaly_mitigation" => "on",
        "type" if key == "stickiness.type" => "app_cookie",
        "type" => "least_outstanding_requests",
        "desync_mitigation_mode" => "strictest",
        "mode" => "preserve",
        "client_routing_policy" => "availability_zone_affinity",
        _ if [
            "routing.http2",
            "routing.http.response.server",
            "target_health_state.unhealthy.connection",
        ]
        .iter()
        .any(|start| key.starts_with(start)) =>
        {
            "false"
        }
        _ => "true",
    };
    (spec, value)
}

/// What is live of each case at its row's path; what says nothing is null.
async fn values(world: &World, kind: Kind, cases: &[Case]) -> Vec<Value> {
    let specs: Vec<&Value> = cases.iter().map(|case| &case.without).collect();
    let live = Live::read(world, kind, &specs).await;
    let mut all = Vec::new();
    for case in cases {
        let document = live.of(&case.without).unwrap();
        let text = |member: &str| document[member].as_str().unwrap().to_owned();
        let value = if let Some(key) = case.row.path.strip_prefix("/attributes/") {
            let (operation, member) = match kind {
                Kind::TargetGroup => ("DescribeTargetGroupAttributes", "TargetGroupArn"),
                Kind::LoadBalancer => ("DescribeLoadBalancerAttributes", "LoadBalancerArn"),
                _ => ("DescribeListenerAttributes", "ListenerArn"),
            };
            let input = json!({ member: text(member) });
            let answer = world.person.call(Service::Elb, operation, input).await;
            let bag = answer["Attributes"].as_array().unwrap();
            bag.iter().find(|one| one["Key"] == key).unwrap()["Value"].clone()
        } else if case.row.path.ends_with("olicyText") {
            let operation = match case.row.path {
                "/policyText" => "GetRepositoryPolicy",
                _ => "GetLifecyclePolicy",
            };
            let input = json!({"repositoryName": text("repositoryName")});
            world
                .person
                .try_call(Service::Ecr, operation, input)
                .await
                .unwrap_or_default()
        } else {
            document.pointer(case.row.path).cloned().unwrap_or_default()
        };
        all.push(plain(value));
    }
    all
}

/// A value without what says nothing: AWS answers "off" also where nothing was ever set.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members
                .into_iter()
                .map(|(name, value)| (name, plain(value)));
            let members: serde_json::Map<_, _> =
                members.filter(|(_, value)| !value.is_null()).collect();
            if members.is_empty() {
                Value::Null
            } else {
                Value::Object(members)
            }
        }
        Value::Array(items) if items.is_empty() || items == [json!("None")] => Value::Null,
        Value::Bool(false) => Value::Null,
        Value::String(text) if text == "false" || text == "off" || text == "DEFAULT" => Value::Null,
        other => other,
    }
}

fn write(world: &World, kind: Kind, cases: &[Case], declares: bool) {
    let mut text = String::new();
    for (kind, name, spec) in super::world::surroundings(kind) {
        text.push_str(&manifest(kind, name, &serde_json::from_str(spec).unwrap()));
    }
    for case in cases {
        text.push_str(&super::world::companions(kind, &case.name));
        text.push_str(&case.manifest(declares));
    }
    world.write("all.yaml", &text);
}

/// Declares every row's member, takes it away again, and compares with a world that never had it.
async fn there_and_back(kind: Kind) {
    let cases = of(kind);
    let never = World::of(&[]).await;
    write(&never, kind, &cases, false);
    let daemon = never.daemon().await;
    settled(&daemon, false).await;
    daemon.kill();
    let never = values(&never, kind, &cases).await;

    let world = World::of(&[]).await;
    write(&world, kind, &cases, true);
    let daemon = world.daemon().await;
    settled(&daemon, false).await;
    let declared = values(&world, kind, &cases).await;
    write(&world, kind, &cases, false);
    daemon.look().await;
    pass(Duration::from_mins(2)).await;
    settled(&daemon, false).await;
    let back = values(&world, kind, &cases).await;
    let writes = world.writes().len();
    pass(TEN_PASSES).await;
    assert_eq!(
        world.writes().len(),
        writes,
        "{:?}",
        &world.writes()[writes..]
    );
    daemon.kill();

    let mut wrong = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let path = case.row.path;
        if declared[index] == never[index] {
            wrong.push(format!(
                "{path}: {} is the default, so this shows nothing",
                never[index]
            ));
        }
        if back[index] != never[index] {
            wrong.push(format!(
                "{path}: {} came back as {}, and never declared it is {}",
                declared[index], back[index], never[index]
            ));
        }
    }
    assert!(wrong.is_empty(), "{kind}:\n{}", wrong.join("\n"));
}

macro_rules! kinds {
    ($( $name:ident $kind:ident, )*) => { $(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            there_and_back(Kind::$kind).await;
        }
    )* };
}

kinds! {
    members_of_clusters_go_back Cluster,
    members_of_image_repositories_go_back ImageRepository,
    members_of_target_groups_go_back TargetGroup,
    members_of_load_balancers_go_back LoadBalancer,
    members_of_listeners_go_back Listener,
    members_of_listener_rules_go_back ListenerRule,
    members_of_services_go_back Service,
    members_of_deployment_groups_go_back DeploymentGroup,
}

/// A code stands in tags at AWS: two members of one code would be reset for each other.
#[test]
fn every_row_is_a_member_of_its_own() {
    for kind in Kind::ALL {
        let (mut codes, mut paths) = (BTreeSet::new(), BTreeSet::new());
        for row in resets(kind) {
            assert!(codes.insert(row.code), "{kind}: {} twice", row.code);
            assert!(paths.insert(row.path), "{kind}: {} twice", row.path);
            let short = (2..=3).contains(&row.code.len());
            let plain = row
                .code
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
            assert!(short && plain, "{kind}: {}", row.code);
            let beside = row.path.starts_with("/attributes/") || row.path.ends_with("olicyText");
            let known = catalogue::root(kind)
                .at(&catalogue_path(row.path))
                .is_some();
            assert!(beside || known, "{kind}: {}", row.path);
        }
        // All of a kind's codes fit a tag with room for a dozen keys.
        assert!(codes.len() * 4 + 2 + 61 <= 256, "{kind}: {}", codes.len());
    }
    for (kind, path, why) in BY_HAND {
        assert!(
            resets(*kind).iter().any(|row| row.path == *path),
            "{path}: {why}"
        );
    }
}
