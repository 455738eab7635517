//! Every member path of the catalogue, from a manifest to AWS and back.
//!
//! For each path a manifest declares the member (and as little else as is valid); the daemon makes
//! the resource at the simulated AWS, through the real SDK clients. Then: the creating call carried
//! the value, AWS reads it back, a plan has nothing to do and nothing is written any more, and
//! another value is noticed. Many cases share one world.

mod cases;
mod document;
mod ignored;
mod random;
mod readback;
mod resets;
mod unknown;
mod values;
mod world;

use std::collections::BTreeSet;
use std::time::Duration;

use evenkeel::controller::{Preview, preview};
use evenkeel::kinds::Policy;
use evenkeel::manifest::{LoadOptions, Severity, load};
use evenkeel::model::{Key, Kind, Outcome};
use evenkeel::source::Dir;
use serde_json::Value;

use self::cases::Case;
use self::readback::Live;
use self::values::Exclusion;
use crate::sim::world::{World, outcomes, pass};

/// Longer than the registration of all task definitions takes, at one a second.
const SETTLED: Duration = Duration::from_mins(10);

/// Two polls and the reads that go with them: whatever is not settled would be written in it.
const QUIET: Duration = Duration::from_mins(3);

/// Writes the surroundings and the cases, each with this spec.
fn write(world: &World, kind: Kind, cases: &[Case], spec: impl Fn(&Case) -> Value) {
    let mut text = String::new();
    for (kind, name, spec) in self::world::surroundings(kind) {
        text.push_str(&cases::manifest(
            kind,
            name,
            &serde_json::from_str(spec).unwrap(),
        ));
    }
    for case in cases {
        text.push_str(&self::world::companions(kind, &case.name));
        text.push_str(&case.manifest(&spec(case)));
    }
    world.write("all.yaml", &text);
}

/// What a fresh process would do.
async fn planned(world: &World) -> Preview {
    let files = Dir::new(world.folder.path()).read().unwrap().files;
    let loaded = load(&files, &LoadOptions::default());
    let errors = loaded
        .diagnostics
        .iter()
        .filter(|one| one.severity == Severity::Error);
    let findings: Vec<String> = errors
        .map(|one| format!("{} {}: {}", one.path, one.line, one.message))
        .collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    world.person.aws().account().await.unwrap();
    preview(
        world.person.aws(),
        world.clock.clone(),
        Policy::default(),
        loaded.set,
    )
    .await
}

/// Waits until nothing moves any more.
async fn settled(daemon: &crate::sim::world::Daemon, may_be_blocked: bool) {
    settled_within(daemon, may_be_blocked, SETTLED).await;
}

async fn settled_within(
    daemon: &crate::sim::world::Daemon,
    may_be_blocked: bool,
    within: Duration,
) {
    let reached = |status: &evenkeel::status::Status| {
        status.first_cycle_done
            && !status.resources.is_empty()
            && status.resources.values().all(|one| {
                one.outcome == Outcome::Converged
                    || (may_be_blocked && matches!(one.outcome, Outcome::Blocked(..)))
            })
    };
    let waiting = async {
        while !reached(&daemon.board.read()) {
            pass(Duration::from_secs(5)).await;
        }
    };
    assert!(
        tokio::time::timeout(within, waiting).await.is_ok(),
        "not settled:\n{}",
        outcomes(&daemon.board.read())
    );
}

/// Runs the cases of a kind: so many, and so many of them changed in place.
async fn round_trip(kind: Kind, figures: (usize, usize)) {
    let cases = cases::of(kind);
    let world = World::of(&[]).await;
    write(&world, kind, &cases, |case| case.before.clone());
    planned(&world).await; // no finding
    let daemon = world.daemon().await;
    settled(&daemon, false).await;

    let mut wrong = Vec::new();
    let specs: Vec<&Value> = cases.iter().map(|case| &case.before).collect();
    let live = Live::read(&world, kind, &specs).await;
    for case in &cases {
        let sent = readback::sent(&world, case, &case.before);
        check(case, &case.before, "sent", sent.as_ref(), &mut wrong);
        check(
            case,
            &case.before,
            "live",
            live.of(&case.before),
            &mut wrong,
        );
    }
    let writes = world.writes().len();
    pass(QUIET).await;
    assert_eq!(
        world.writes().len(),
        writes,
        "{:?}",
        &world.writes()[writes..]
    );
    for (key, plan) in planned(&world).await {
        if !plan.steps.is_empty() || plan.outcome != Outcome::Converged {
            wrong.push(format!(
                "{key}: the second plan is not empty: {}",
                plan.outcome
            ));
        }
    }

    let changed: Vec<Case> = cases
        .iter()
        .filter(|case| case.after.is_some())
        .cloned()
        .collect();
    let after = |case: &Case| case.after.clone().unwrap_or_else(|| case.before.clone());
    write(&world, kind, &cases, after);
    let plans = planned(&world).await;
    let mut mendable = Vec::new();
    for case in &changed {
        let key = Key::new(kind, &case.name);
        match &plans[&key].outcome {
            Outcome::Converged => {
                wrong.push(format!("{}: another value is not noticed", case.label()));
            }
            Outcome::Blocked(..) => {}
            _ => mendable.push(case),
        }
    }
    daemon.look().await;
    pass(Duration::from_mins(2)).await;
    settled(&daemon, true).await;
    let specs: Vec<&Value> = mendable
        .iter()
        .map(|case| case.after.as_ref().unwrap())
        .collect();
    let live = Live::read(&world, kind, &specs).await;
    for (case, spec) in mendable.iter().zip(&specs) {
        if let Some(updated) = readback::updated(&world, case, spec) {
            check(
                case,
                spec,
                "sent with the update",
                Some(&updated),
                &mut wrong,
            );
        }
        check(
            case,
            spec,
            "live after the change",
            live.of(spec),
            &mut wrong,
        );
    }
    let writes = world.writes().len();
    pass(QUIET).await;
    assert_eq!(
        world.writes().len(),
        writes,
        "{:?}",
        &world.writes()[writes..]
    );
    daemon.kill();
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
    // The figures of docs/measurements.md.
    assert_eq!((cases.len(), mendable.len()), figures, "{kind}");
}

/// Checks that every declared value of the path is in a document.
fn check(case: &Case, spec: &Value, what: &str, found: Option<&Value>, wrong: &mut Vec<String>) {
    let Some(found) = found else {
        wrong.push(format!("{}: {what}: nothing", case.label()));
        return;
    };
    let there = document::at(found, &case.path);
    let declared = document::at(spec, &case.path);
    let nothing = there.iter().all(|value| value.is_null());
    if nothing && (declared.is_empty() || !declared.iter().all(|value| is_empty(value))) {
        wrong.push(format!(
            "{}: {what}: absent, declared {declared:?}",
            case.label()
        ));
        return;
    }
    for value in declared {
        let scalars: Vec<&Value> = match value {
            Value::Object(_) => continue,
            Value::Array(items) => items
                .iter()
                .filter(|item| !item.is_object() && !item.is_array())
                .collect(),
            scalar => vec![scalar],
        };
        let flat: Vec<&Value> = there
            .iter()
            .flat_map(|one| {
                one.as_array()
                    .map_or_else(|| vec![*one], |items| items.iter().collect())
            })
            .collect();
        for scalar in scalars {
            if !flat.iter().any(|one| document::same(scalar, one)) {
                wrong.push(format!(
                    "{}: {what}: {there:?}, declared {scalar}",
                    case.label()
                ));
            }
        }
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
        || value.as_object().is_some_and(serde_json::Map::is_empty)
}

macro_rules! kinds {
    ($( $name:ident $kind:ident $figures:expr, )*) => { $(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            round_trip(Kind::$kind, $figures).await;
        }
    )* };
}

kinds! {
    clusters Cluster (27, 25),
    image_repositories ImageRepository (14, 9),
    task_definitions TaskDefinition (169, 163),
    target_groups TargetGroup (22, 14),
    load_balancers LoadBalancer (19, 16),
    listeners Listener (64, 63),
    listener_rules ListenerRule (87, 86),
    services Service (164, 157),
    deployment_groups DeploymentGroup (42, 33),
    scalable_targets ScalableTarget (10, 7),
    scaling_policies ScalingPolicy (105, 102),
}

#[test]
fn the_list_of_exclusions_has_no_stale_entry() {
    let mut seen = BTreeSet::new();
    let (mut paths, mut excluded) = (0, 0);
    for kind in Kind::ALL {
        let all = cases::paths(kind);
        paths += all.len();
        excluded += all
            .iter()
            .filter(|path| !values::is_tried(kind, path))
            .count();
    }
    for Exclusion {
        kind, path, why, ..
    } in values::exclusions()
    {
        assert!(
            cases::paths(kind).iter().any(|known| known == path),
            "{kind} has no {path}"
        );
        assert!(
            seen.insert((kind, path)),
            "{kind} {path} stands there twice"
        );
        assert!(why.len() > 10, "{kind} {path}: {why}");
    }
    // The figures of docs/measurements.md.
    assert_eq!((paths, excluded), (761, 38));
}
