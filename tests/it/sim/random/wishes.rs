//! What the manifests of a scenario ask for beside its engine, drawn from the seed; decides nothing.

use std::time::Duration;

use serde_json::json;

use crate::sim::rolling;
use crate::sim::world::World;

/// The file of the service that comes first.
const BASE: &str = "base.yaml";

/// Tags of its images; the last one crashes.
const BASE_TAGS: [&str; 4] = ["v1", "v2", "v3", "crashing"];

/// Where the person's word is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    Nobody,
    /// Before a rollout starts.
    Before,
    /// In the middle: a `PAUSE` hook, or `CodeDeploy`'s wait before traffic moves.
    Within,
}

/// What becomes of what a person changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heals {
    Default,
    Off,
    Notify,
    After,
    Immediate,
}

/// What a scenario's manifests ask for.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "none of them excludes another"
)]
pub(super) struct Wishes {
    /// Whether a window closes now and then (`stage::closed`).
    pub(super) windows: bool,
    /// Whether it ends what has moved nothing then.
    pub(super) overrun: bool,
    /// Whether a rollout in flight finishes before a newer one starts.
    pub(super) finish: bool,
    pub(super) asks: Asks,
    /// Whether somebody answers in the end.
    pub(super) answered: bool,
    /// Whether nobody's answer within a pause means to go back.
    pub(super) refusing: bool,
    pub(super) heals: Heals,
    /// How often `CodeDeploy` tries again.
    pub(super) retries: usize,
    /// Whether one-off tasks run before and after.
    pub(super) tasks: bool,
    /// Whether another service comes first.
    pub(super) ordered: bool,
    /// Whether the count is a scaler's.
    pub(super) scaled: bool,
    /// Whether scaling rests during deployments.
    pub(super) suspends: bool,
    /// Whether a second daemon runs now and then.
    pub(super) doubled: bool,
    /// Whether a service of `CodeDeploy` moves over to a strategy of ECS's own.
    pub(super) moves: bool,
}

/// How long an approval counts, and how long a pause lasts.
pub(super) const PATIENCE: Duration = Duration::from_mins(10);

/// How long [`Heals::After`] leaves a change alone.
const LEFT_ALONE: Duration = Duration::from_mins(5);

impl Wishes {
    /// Those of a seed.
    pub(super) fn of(seed: u64, code_deploy: bool) -> Self {
        let mut luck = fastrand::Rng::with_seed(seed ^ 0x5eed);
        let mut one_in = |many: u8| luck.u8(..many) == 0;
        let windows = one_in(3);
        let overrun = one_in(2);
        let (before, within) = (one_in(5), one_in(4));
        let heals = match (one_in(2), one_in(2), one_in(2)) {
            (true, ..) => Heals::Default,
            (_, true, true) => Heals::Off,
            (_, true, false) => Heals::Notify,
            (_, false, true) => Heals::After,
            (_, false, false) => Heals::Immediate,
        };
        Self {
            windows,
            overrun: windows && overrun,
            finish: one_in(4),
            asks: match (before, within) {
                (true, _) => Asks::Before,
                (false, true) => Asks::Within,
                (false, false) => Asks::Nobody,
            },
            answered: one_in(2),
            refusing: one_in(2),
            heals,
            retries: match (code_deploy && one_in(3), one_in(3)) {
                (false, _) => 0,
                (true, true) => 2,
                (true, false) => 1,
            },
            tasks: one_in(4),
            ordered: one_in(6),
            scaled: one_in(5),
            suspends: one_in(2),
            doubled: one_in(5),
            moves: code_deploy && one_in(3),
        }
    }

    /// What stands beside the spec of the service, but for more lines of its `rollout`.
    pub(super) fn beside(&self, more: &str) -> String {
        let mut rollout = more.to_owned();
        let mut add = |asked: bool, line: &str| {
            if asked {
                rollout.push_str(line);
            }
        };
        add(self.finish, "  inFlight: finish\n");
        add(self.asks == Asks::Before, "  approval: {timeout: 10m}\n");
        add(self.retries > 0, &format!("  retries: {}\n", self.retries));
        add(
            self.tasks,
            "  tasks:\n    preDeploy: [{name: migrate, command: [./migrate], timeout: 2m}]\n    \
             postDeploy: [{name: smoke, command: [./smoke], timeout: 2m}]\n",
        );
        add(self.ordered, "  dependsOn: [worker]\n");
        let mut text = String::new();
        if !rollout.is_empty() {
            text.push_str(&format!("rollout:\n{rollout}"));
        }
        let heal = match self.heals {
            Heals::Default => return text,
            Heals::Off => "off",
            Heals::Notify => "notify",
            Heals::After => "{after: 5m}",
            Heals::Immediate => "immediate",
        };
        text.push_str(&format!("sync:\n  selfHeal: {heal}\n"));
        text
    }

    /// The lifecycle hook of ECS's that waits for a person, behind another one.
    pub(super) fn pause(&self, seed: u64) -> String {
        if self.asks != Asks::Within {
            return String::new();
        }
        let stages = [
            "POST_SCALE_UP",
            "POST_TEST_TRAFFIC_SHIFT",
            "POST_PRODUCTION_TRAFFIC_SHIFT",
        ];
        let stage = stages[usize::try_from(seed / 15 % 3).unwrap()];
        format!(
            ", {{targetType: PAUSE, lifecycleStages: [{stage}], timeoutConfiguration: {{timeoutInMinutes: 10, action: CONTINUE}}}}"
        )
    }

    /// The manifests beside the service's.
    pub(super) fn write(&self, world: &World, service: &str) {
        if self.ordered {
            let manifests = rolling::manifests(rolling::BREAKER);
            world.write(
                BASE,
                &manifests.replace("desiredCount: 2", "desiredCount: 1"),
            );
            for tag in BASE_TAGS {
                let mut image = json!({"repository": "nova/worker", "tags": [tag]});
                if tag == "crashing" {
                    image["crash"] = json!(1);
                }
                world.image(&image);
            }
        }
        if self.scaled {
            let sync = if self.suspends {
                "sync: {suspendDuringDeployments: true}\n"
            } else {
                ""
            };
            world.write(
                "scaling.yaml",
                &format!(
                    "apiVersion: evenkeel.dev/v1alpha1\nkind: ScalableTarget\nmetadata: {{name: scaled}}\n\
                     spec: {{ServiceRef: {service}, MinCapacity: 2, MaxCapacity: 5}}\n{sync}"
                ),
            );
        }
    }

    /// Ships another image of the service that comes first.
    pub(super) fn ship_base(world: &World, from: &str, to: &str) {
        let image = |tag: &str| format!("image: nova/worker:{tag}}}");
        world.edit(BASE, &image(from), &image(to));
    }

    /// A tag of it by chance, another than this one; broken ones are rarer.
    pub(super) fn base_tag(luck: &mut fastrand::Rng, other_than: &str) -> &'static str {
        let all: Vec<&str> = BASE_TAGS
            .into_iter()
            .filter(|tag| *tag != other_than)
            .collect();
        all[luck.usize(..all.len())]
    }

    /// How long what a person deployed stays, at least; `None` for ever.
    pub(super) fn left_alone(&self) -> Option<Duration> {
        match self.heals {
            Heals::Off | Heals::Notify => None,
            Heals::Default => Some(Duration::from_mins(10)),
            Heals::After => Some(LEFT_ALONE),
            Heals::Immediate => Some(Duration::ZERO),
        }
    }

    /// The same of a count that a person set.
    pub(super) fn count_left_alone(&self) -> Option<Duration> {
        match self.heals {
            _ if self.scaled => Some(Duration::ZERO),
            Heals::Default => Some(Duration::ZERO),
            _ => self.left_alone(),
        }
    }
}
