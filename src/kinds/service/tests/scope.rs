//! Every combination of a small scope under `CODE_DEPLOY`, against an oracle that is written down
//! independently of the planner, and the invariants that hold whatever the combination is.

use serde_json::{Value, json};

use super::super::rules::ALLOWED_UNDER_CODE_DEPLOY;
use super::bench::{CLUSTER, NOW, SERVICE, attempt};
use super::{Bench, Payload, deployment};
use crate::kinds::service::DECLARED_TAG;
use crate::kinds::service::supersede::TAG as SUPERSEDED_TAG;
use crate::model::{Moment, Outcome, Plan, Seen, Wait};

/// The group's last deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    None,
    Unknown,
    /// Ours, in flight; `Ready` if it waits for a person.
    Flying(Payload, &'static str),
    Foreign,
    Rollback,
    /// Ours, over.
    Ended(Payload, &'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Present,
    Absent,
    Unknown,
    NoManifest,
}

/// Whether the history was read when the planner may want it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum History {
    Read,
    Unknown,
    NotRead,
}

/// The retry annotation: none, given since the history was made, or part of what was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retry {
    None,
    New,
    Tried,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    live: Payload,
    desired: Payload,
    tag: Option<Payload>,
    last: Last,
    /// An older deployment, over.
    before: Option<(Payload, &'static str)>,
    group: Group,
    history: History,
    retry: Retry,
    drifting_minutes: Option<i64>,
    tasks_missing: bool,
    count_differs: bool,
}

const GRACE_MINUTES: i64 = 10;

/// The attempts' digests: computed once, they are the same in every case.
struct Digests {
    plain: [String; 2],
    retried: [String; 2],
}

impl Digests {
    fn new() -> Self {
        let of = |retry| Payload::ALL.map(|payload| attempt(payload, "CODE_DEPLOY", retry));
        Self {
            plain: of(None),
            retried: of(Some("again")),
        }
    }

    /// The digest of an attempt that was made in the past.
    fn past(&self, case: &Case, payload: Payload) -> &str {
        match case.retry {
            Retry::Tried => &self.retried[payload as usize],
            Retry::None | Retry::New => &self.plain[payload as usize],
        }
    }

    /// The digest of the declared attempt.
    fn declared(&self, case: &Case) -> &str {
        match case.retry {
            Retry::None => &self.plain[case.desired as usize],
            Retry::New | Retry::Tried => &self.retried[case.desired as usize],
        }
    }
}

fn cases() -> impl Iterator<Item = Case> {
    let mut lasts = vec![Last::None, Last::Unknown, Last::Foreign, Last::Rollback];
    for payload in Payload::ALL {
        lasts
            .extend(["Created", "InProgress", "Ready"].map(|status| Last::Flying(payload, status)));
        lasts.extend(["Succeeded", "Failed", "Stopped"].map(|status| Last::Ended(payload, status)));
    }
    let befores = [
        None,
        Some((Payload::A, "Failed")),
        Some((Payload::B, "Failed")),
        Some((Payload::B, "Succeeded")),
    ];
    let groups = [
        Group::Present,
        Group::Absent,
        Group::Unknown,
        Group::NoManifest,
    ];
    let histories = [History::Read, History::Unknown, History::NotRead];
    let mut cases = Vec::new();
    for live in Payload::ALL {
        for desired in Payload::ALL {
            for tag in [None, Some(Payload::A), Some(Payload::B)] {
                for &last in &lasts {
                    for before in befores {
                        for group in groups {
                            for history in histories {
                                // An older deployment is seen in the history only, and without a group there is
                                // nothing to see.
                                if before.is_some() && history != History::Read
                                    || group != Group::Present
                                        && (last != Last::None
                                            || before.is_some()
                                            || history != History::Read)
                                {
                                    continue;
                                }
                                for retry in [Retry::None, Retry::New, Retry::Tried] {
                                    let case = Case {
                                        live,
                                        desired,
                                        tag,
                                        last,
                                        before,
                                        group,
                                        history,
                                        retry,
                                        drifting_minutes: None,
                                        tasks_missing: false,
                                        count_differs: false,
                                    };
                                    cases.push(case);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    cases.into_iter().flat_map(|case| {
        // Drift is a matter of payloads that differ, missing tasks of those that do not.
        let variants: &[(Option<i64>, bool, bool)] = if case.live == case.desired {
            &[
                (None, false, false),
                (None, true, false),
                (None, false, true),
            ]
        } else {
            &[
                (None, false, false),
                (Some(1), false, true),
                (Some(GRACE_MINUTES), false, true),
                (Some(60), true, false),
            ]
        };
        variants.iter().map(
            move |&(drifting_minutes, tasks_missing, count_differs)| Case {
                drifting_minutes,
                tasks_missing,
                count_differs,
                ..case
            },
        )
    })
}

fn last(case: &Case, digests: &Digests) -> Option<Value> {
    match case.last {
        Last::None | Last::Unknown => None,
        Last::Flying(payload, status) | Last::Ended(payload, status) => {
            Some(deployment("d-9", digests.past(case, payload), status))
        }
        Last::Foreign => Some(
            json!({"deploymentId": "d-9", "status": "InProgress", "creator": "user", "description": "by hand"}),
        ),
        Last::Rollback => Some(json!({"deploymentId": "d-9", "status": "InProgress",
            "creator": "codeDeployRollback", "rollbackInfo": {"rollbackTriggeringDeploymentId": "d-8"}})),
    }
}

fn plan(case: &Case, digests: &Digests) -> Plan {
    let mut bench = Bench::blue_green(case.desired, case.live);
    if case.retry != Retry::None {
        bench.retry("again");
    }
    if let Some(tag) = case.tag {
        let tag = digests.past(case, tag).to_owned();
        bench.tag(&tag);
    }
    bench.drifting_since = case
        .drifting_minutes
        .map(|minutes| Moment(NOW.0 - minutes * 60_000));
    if case.tasks_missing {
        bench.live()["runningCount"] = json!(1);
        bench.observed.stop_reasons = vec!["Essential container in task exited".to_owned()];
    }
    if case.count_differs {
        bench.live()["desiredCount"] = json!(5);
    }
    let last = last(case, digests);
    bench.observed.deployment = match case.last {
        Last::Unknown => Some(Seen::Unknown("timeout".to_owned())),
        _ => last.clone().map(Seen::Present),
    };
    bench.observed.history = match case.history {
        History::NotRead => None,
        History::Unknown => Some(Seen::Unknown("timeout".to_owned())),
        History::Read => {
            let before = case
                .before
                .map(|(payload, status)| deployment("d-1", digests.past(case, payload), status));
            Some(Seen::Present(last.into_iter().chain(before).collect()))
        }
    };
    match case.group {
        Group::Present => {}
        Group::Absent => bench.observed.group = Some(Seen::Absent),
        Group::Unknown => bench.observed.group = Some(Seen::Unknown("timeout".to_owned())),
        Group::NoManifest => bench.without_group_manifest(),
    }
    // Without a group nothing of its deployments is read.
    if case.group != Group::Present {
        bench.observed.deployment = None;
        bench.observed.history = None;
    }
    bench.plan()
}

/// What the case comes to, by the rules as a person would state them.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent answers of an oracle"
)]
struct Oracle {
    in_flight: bool,
    unknown: bool,
    /// The newest attempt of what is declared ended badly.
    tried_badly: bool,
    /// ... and is the newest rollout at all.
    newest_badly: bool,
    deploys: bool,
    /// What is in flight makes room.
    stops: bool,
}

fn oracle(case: &Case) -> Oracle {
    let seen = case.group == Group::Present;
    let differs = case.live != case.desired;
    let in_flight = seen && matches!(case.last, Last::Flying(..) | Last::Foreign | Last::Rollback);
    let unknown = case.group == Group::Unknown
        || seen && case.last == Last::Unknown
        || seen && differs && !in_flight && case.history != History::Read;
    // A new retry text is an attempt that nobody has made.
    let mine = |payload: Payload| payload == case.desired && case.retry != Retry::New;
    let bad = |status: &str| matches!(status, "Failed" | "Stopped");
    let newest_badly = seen
        && case.history == History::Read
        && match case.last {
            Last::Ended(payload, status) => mine(payload) && bad(status),
            Last::None | Last::Unknown => case
                .before
                .is_some_and(|(payload, status)| mine(payload) && bad(status)),
            Last::Flying(..) | Last::Foreign | Last::Rollback => false,
        };
    let tried_badly = newest_badly
        || seen
            && case.history == History::Read
            && !matches!(case.last, Last::Ended(payload, _) if mine(payload))
            && case
                .before
                .is_some_and(|(payload, status)| mine(payload) && bad(status));
    let recorded = case.tag == Some(case.desired) && case.retry != Retry::New;
    // What succeeded last is what is live, unless somebody's deployment came after it.
    let succeeded = match case.last {
        Last::Ended(payload, "Succeeded") => Some(payload),
        _ => case
            .before
            .filter(|(_, status)| *status == "Succeeded")
            .map(|(payload, _)| payload),
    };
    let left_by_us = succeeded.is_some_and(|payload| payload != case.desired);
    let in_grace = recorded
        && !left_by_us
        && case
            .drifting_minutes
            .is_none_or(|minutes| minutes < GRACE_MINUTES);
    Oracle {
        in_flight,
        unknown,
        tried_badly,
        newest_badly,
        deploys: seen && differs && !in_flight && !unknown && !tried_badly && !in_grace,
        // Whether traffic has moved is not known here of what has begun.
        stops: seen
            && matches!(case.last, Last::Flying(payload, "Created") if !mine(payload))
            && (!differs || case.history == History::Read && !tried_badly && !in_grace),
    }
}

#[test]
fn every_combination_is_decided_as_the_rules_say() {
    let digests = Digests::new();
    let (mut all, mut deployed, mut converged) = (0, 0, 0);
    for case in cases() {
        let plan = plan(&case, &digests);
        let oracle = oracle(&case);
        let creates = plan
            .steps
            .iter()
            .filter(|step| step.call.operation == "CreateDeployment")
            .count();
        assert_eq!(creates, usize::from(oracle.deploys), "{case:?}\n{plan:?}");
        if creates == 1 {
            assert_eq!(plan.steps.len(), 1, "{case:?}");
        }
        if oracle.unknown {
            assert_eq!(plan.steps, [], "unknown is inert: {case:?}");
            assert_eq!(plan.outcome.reason(), "ObservationUnknown", "{case:?}");
        }
        let stops = plan
            .steps
            .iter()
            .filter(|step| step.call.operation == "StopDeployment")
            .count();
        assert_eq!(stops, usize::from(oracle.stops), "{case:?}\n{plan:?}");
        if oracle.in_flight && !oracle.stops {
            let moved_on = matches!(
                plan.outcome,
                Outcome::Waiting(
                    Wait::RolloutInProgress | Wait::ForeignDeployment | Wait::ApprovalPending,
                    _
                )
            );
            assert!(moved_on && plan.rollout.is_some(), "{case:?}\n{plan:?}");
        }
        let may_converge = case.live == case.desired
            && !oracle.in_flight
            && !oracle.unknown
            && !oracle.newest_badly
            && !case.tasks_missing;
        if plan.outcome == Outcome::Converged {
            assert!(
                may_converge && plan.steps.is_empty() && plan.drift.is_empty(),
                "{case:?}\n{plan:?}"
            );
            converged += 1;
        } else if may_converge && plan.steps.is_empty() {
            panic!("at rest and not converged: {case:?}\n{plan:?}");
        }
        if oracle.tried_badly
            && case.live != case.desired
            && plan.steps.is_empty()
            && !oracle.in_flight
            && !oracle.unknown
        {
            assert!(
                matches!(plan.outcome.reason(), "RolloutFailed" | "Quarantined"),
                "{case:?}\n{plan:?}"
            );
        }
        only_this_service(&case, &digests, &plan);
        all += 1;
        deployed += creates;
    }
    assert!(
        all > 10_000 && deployed > 1_000 && converged > 100,
        "{all} {deployed} {converged}"
    );
}

/// No step names anything but this service, and none sends a member that is equal or not allowed.
fn only_this_service(case: &Case, digests: &Digests, plan: &Plan) {
    for step in &plan.steps {
        let input = &step.call.input;
        match step.call.operation {
            "CreateDeployment" => {
                assert_eq!(input["applicationName"], "AppECS-web");
                assert_eq!(input["deploymentGroupName"], "DgpECS-web");
                let spec = input["revision"]["appSpecContent"]["content"]
                    .as_str()
                    .unwrap();
                assert!(
                    spec.contains(case.desired.task_definition()),
                    "{case:?}\n{spec}"
                );
                let description = input["description"].as_str().unwrap();
                assert!(
                    description.contains(digests.declared(case)),
                    "{case:?}\n{description}"
                );
            }
            "UpdateService" => {
                assert_eq!(
                    (&input["cluster"], &input["service"]),
                    (&json!(CLUSTER), &json!("web"))
                );
                let members = input
                    .as_object()
                    .unwrap()
                    .keys()
                    .filter(|name| !matches!(name.as_str(), "cluster" | "service"));
                for member in members {
                    assert!(
                        ALLOWED_UNDER_CODE_DEPLOY.contains(&member.as_str()),
                        "{case:?}: {member}"
                    );
                    assert!(
                        case.count_differs && member == "desiredCount",
                        "{case:?}: {member} does not differ"
                    );
                }
            }
            "StopDeployment" => assert_eq!(input["deploymentId"], "d-9"),
            "TagResource" if input["tags"][0]["key"] == SUPERSEDED_TAG => {
                assert_eq!(input["resourceArn"], SERVICE);
                assert_eq!(input["tags"][0]["value"], "d-9");
            }
            "TagResource" => {
                assert_eq!(input["resourceArn"], SERVICE);
                assert_eq!(
                    input["tags"],
                    json!([{"key": DECLARED_TAG, "value": digests.declared(case)}]),
                    "{case:?}"
                );
            }
            other => panic!("{other} is not for a service: {case:?}"),
        }
    }
}
