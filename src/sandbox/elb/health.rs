//! The targets of target groups and their health over time. Not the operations on them (see
//! `targets`).
//!
//! States: a target of a group in use goes `initial` -> `healthy` or `unhealthy`; of a group that no
//! listener or rule names it is `unused`; deregistered it is `draining`, then gone.
//!
//! Invariant: `State::next_deadline` is the minimum of all targets' deadlines.

use super::super::Time;
use super::{HealthCheck, Rule, State, TargetGroup};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Where a target stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Initial,
    Healthy,
    Unhealthy,
    Unused,
    Draining,
    Unavailable,
}

impl Health {
    /// The state's name in the service model.
    fn name(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
            Self::Unused => "unused",
            Self::Draining => "draining",
            Self::Unavailable => "unavailable",
        }
    }

    /// `TargetHealth` of a target that is asked for but not registered.
    pub(super) fn not_registered() -> Value {
        json!({
            "State": "unused",
            "Reason": "Target.NotRegistered",
            "Description": "Target is not registered to the target group"
        })
    }

    /// The member `TargetHealth`, reasons as the service model lists them.
    pub(super) fn describe(self) -> Value {
        let (reason, text) = match self {
            Self::Healthy => return json!({ "State": self.name() }),
            Self::Initial => (
                "Elb.RegistrationInProgress",
                "Target registration is in progress",
            ),
            Self::Unhealthy => ("Target.FailedHealthChecks", "Health checks failed"),
            Self::Unused => (
                "Target.NotInUse",
                "Target group is not configured to receive traffic from the load balancer",
            ),
            Self::Draining => (
                "Target.DeregistrationInProgress",
                "Target deregistration is in progress",
            ),
            Self::Unavailable => (
                "Target.HealthCheckDisabled",
                "Health checks are not enabled for this target group",
            ),
        };
        json!({ "State": self.name(), "Reason": reason, "Description": text })
    }
}

/// One target of a group.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) zone: String,
    pub(super) health: Health,
    /// Whether the application passes health checks.
    answers: bool,
    /// When `health` changes on its own.
    deadline: Option<Time>,
}

/// The state a target enters when its group takes up checking it, and until when.
fn first_state(
    check: &HealthCheck,
    in_use: bool,
    answers: bool,
    now: Time,
) -> (Health, Option<Time>) {
    if !in_use {
        (Health::Unused, None)
    } else if !check.enabled {
        (Health::Unavailable, None)
    } else {
        (Health::Initial, Some(now + check.verdict_after(answers)))
    }
}

impl TargetGroup {
    /// The deregistration delay, in milliseconds; 300 s unless the attribute says otherwise.
    fn drain_time(&self) -> Time {
        self.attributes
            .get("deregistration_delay.timeout_seconds")
            .and_then(|seconds| seconds.parse::<Time>().ok())
            .unwrap_or(300)
            * 1000
    }
}

impl State {
    /// Registers a target. `answers`: the application passes health checks.
    pub fn register_target(
        &mut self,
        tg_arn: &str,
        id: &str,
        port: u16,
        az: &str,
        answers: bool,
        now: Time,
    ) {
        self.clock = self.clock.max(now);
        let in_use = !self.load_balancers_of(tg_arn).is_empty();
        let Some(group) = self.target_groups.get_mut(tg_arn) else {
            return;
        };
        let key = (id.to_owned(), port);
        let known = group.targets.get(&key);
        if known.is_some_and(|t| t.health != Health::Draining && t.answers == answers) {
            return;
        }
        let (health, deadline) = first_state(&group.health_check, in_use, answers, now);
        group.targets.insert(
            key,
            Target {
                zone: az.to_owned(),
                health,
                answers,
                deadline,
            },
        );
        self.plan_next();
    }

    /// Takes a target out of service: `draining` for the deregistration delay, then gone. A target
    /// that got no traffic is gone at once.
    pub fn deregister_target(&mut self, tg_arn: &str, id: &str, port: u16, now: Time) {
        let Some(group) = self.target_groups.get_mut(tg_arn) else {
            return;
        };
        let delay = group.drain_time();
        let key = (id.to_owned(), port);
        let Some(target) = group.targets.get_mut(&key) else {
            return;
        };
        match target.health {
            Health::Draining => {}
            Health::Unused => {
                group.targets.remove(&key);
            }
            _ => {
                target.health = Health::Draining;
                target.deadline = Some(now + delay);
            }
        }
        self.plan_next();
    }

    /// The name of a target's state: `initial`, `healthy`, `unhealthy`, `unused`, `draining` or
    /// `unavailable`; `None` when it is not registered.
    pub fn target_state(&self, tg_arn: &str, id: &str, port: u16) -> Option<String> {
        let group = self.target_groups.get(tg_arn)?;
        let target = group.targets.get(&(id.to_owned(), port))?;
        Some(target.health.name().to_owned())
    }

    /// Whether a target of this id passes health checks in any target group: what is known about
    /// an address that is registered a second time by hand.
    pub(super) fn answers(&self, id: &str, port: u16) -> bool {
        self.target_groups
            .values()
            .filter_map(|group| group.targets.get(&(id.to_owned(), port)))
            .any(|target| target.answers)
    }

    /// Advances target health to `now`.
    pub fn tick(&mut self, now: Time) {
        self.clock = self.clock.max(now);
        if self.next_deadline.is_none_or(|next| next > now) {
            return;
        }
        for group in self.target_groups.values_mut() {
            group.targets.retain(|_, target| {
                if target.deadline.is_none_or(|deadline| deadline > now) {
                    return true;
                }
                target.deadline = None;
                let verdict = if target.answers {
                    Health::Healthy
                } else {
                    Health::Unhealthy
                };
                let drained = target.health == Health::Draining;
                target.health = verdict;
                !drained
            });
        }
        self.plan_next();
    }

    /// After listeners or rules changed: targets of groups that came into use start being checked,
    /// those of groups that fell out of use stop.
    pub(super) fn refresh_use(&mut self, now: Time) {
        self.clock = self.clock.max(now);
        let used: BTreeSet<String> = self.rules.values().flat_map(Rule::groups).collect();
        for group in self.target_groups.values_mut() {
            let in_use = used.contains(&group.arn);
            for target in group.targets.values_mut() {
                let was_unused = target.health == Health::Unused;
                if target.health != Health::Draining && was_unused == in_use {
                    (target.health, target.deadline) =
                        first_state(&group.health_check, in_use, target.answers, now);
                }
            }
        }
        self.plan_next();
    }

    fn plan_next(&mut self) {
        let targets = self
            .target_groups
            .values()
            .flat_map(|group| group.targets.values());
        self.next_deadline = targets.filter_map(|target| target.deadline).min();
    }
}
