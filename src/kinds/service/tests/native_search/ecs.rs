//! A small pure ECS that shifts traffic, and the person beside it: what they hold, how they move, and what a
//! pass is shown of them. It knows who started what, which AWS does not tell; that is what the search
//! judges the planner by.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::super::bench::{NOW, target_group};
use super::super::native::{RULE, bench, deployment, weigh};
use super::super::{Bench, Payload};
use crate::kinds::service::{DECLARED_TAG, Observed, intent, native};
use crate::model::{Moment, Seen};

/// A payload and the number of the retry annotation's text; 0 for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Attempt {
    pub(super) payload: Payload,
    pub(super) retry: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Side {
    Blue,
    Green,
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Blue => Self::Green,
            Self::Green => Self::Blue,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
        }
    }
}

/// Where production traffic goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Traffic {
    To(Side),
    Split,
    Nowhere,
}

/// Where a deployment stands. Before the shift nothing of production moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum State {
    Pending,
    ScalingUp,
    Paused,
    Shifting,
    Baking,
    CleaningUp,
    GoingBack,
    Successful,
    RolledBack,
    RollbackFailed,
    /// Stopped by the circuit breaker or an alarm, without going back.
    Struck,
    /// Stopped because another one was started.
    Superseded,
}

impl State {
    pub(super) fn in_flight(self) -> bool {
        matches!(
            self,
            Self::Pending
                | Self::ScalingUp
                | Self::Paused
                | Self::Shifting
                | Self::Baking
                | Self::CleaningUp
                | Self::GoingBack
        )
    }

    pub(super) fn before_traffic(self) -> bool {
        matches!(self, Self::Pending | Self::ScalingUp | Self::Paused)
    }

    pub(super) fn bad(self) -> bool {
        matches!(self, Self::RolledBack | Self::RollbackFailed | Self::Struck)
    }

    /// `status` and `lifecycleStage`.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Pending => ("PENDING", "PRE_SCALE_UP"),
            Self::ScalingUp => ("IN_PROGRESS", "SCALE_UP"),
            Self::Paused => ("IN_PROGRESS", "POST_TEST_TRAFFIC_SHIFT"),
            Self::Shifting => ("IN_PROGRESS", "PRODUCTION_TRAFFIC_SHIFT"),
            Self::Baking => ("IN_PROGRESS", "BAKE_TIME"),
            Self::CleaningUp => ("IN_PROGRESS", "CLEAN_UP"),
            Self::GoingBack => ("ROLLBACK_IN_PROGRESS", "SCALE_UP"),
            Self::Successful => ("SUCCESSFUL", "CLEAN_UP"),
            Self::RolledBack => ("ROLLBACK_SUCCESSFUL", "SCALE_UP"),
            Self::RollbackFailed => ("ROLLBACK_FAILED", "SCALE_UP"),
            Self::Struck => ("STOPPED", "BAKE_TIME"),
            Self::Superseded => ("STOPPED", "SCALE_UP"),
        }
    }

    /// What AWS may make of it next.
    fn next(self) -> &'static [Self] {
        match self {
            Self::Pending => &[Self::ScalingUp, Self::GoingBack],
            Self::ScalingUp => &[
                Self::Paused,
                Self::GoingBack,
                Self::Struck,
                Self::RollbackFailed,
            ],
            Self::Paused => &[Self::Shifting, Self::GoingBack],
            Self::Shifting => &[Self::Baking, Self::GoingBack, Self::Struck],
            Self::Baking => &[
                Self::CleaningUp,
                Self::GoingBack,
                Self::Struck,
                Self::RollbackFailed,
            ],
            Self::CleaningUp => &[Self::Successful],
            Self::GoingBack => &[Self::RolledBack, Self::RollbackFailed],
            _ => &[],
        }
    }
}

/// A service deployment, and who started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Deployment {
    pub(super) id: u8,
    pub(super) payload: Payload,
    pub(super) side: Side,
    pub(super) state: State,
    /// The retry text of the attempt of ours that it is; nothing if a person started it.
    pub(super) ours: Option<u8>,
}

/// The service at AWS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ecs {
    /// Oldest first; the first one made the service and ended well.
    pub(super) history: Vec<Deployment>,
    /// Whether AWS has forgotten the first one (it keeps ninety days).
    pub(super) forgotten: bool,
    pub(super) traffic: Traffic,
    /// Whether the tasks that serve are healthy.
    pub(super) healthy: bool,
    /// `evenkeel.dev/declared`.
    pub(super) declared: Option<Attempt>,
    /// `evenkeel.dev/starting`: the attempt, and the deployment that was the newest then.
    pub(super) starting: Option<(Attempt, Option<u8>)>,
    /// The same of that deployment, where it was to make room.
    pub(super) older: Option<(Attempt, Option<u8>)>,
}

impl Ecs {
    /// A service that runs A on the blue side.
    pub(super) fn new(ours: bool) -> Self {
        let first = Deployment {
            id: 0,
            payload: Payload::A,
            side: Side::Blue,
            state: State::Successful,
            ours: ours.then_some(0),
        };
        Self {
            history: vec![first],
            forgotten: false,
            traffic: Traffic::To(Side::Blue),
            healthy: true,
            declared: None,
            starting: None,
            older: None,
        }
    }

    pub(super) fn shown(&self) -> &[Deployment] {
        &self.history[usize::from(self.forgotten)..]
    }

    pub(super) fn newest(&self) -> &Deployment {
        self.history.last().unwrap()
    }

    /// The one whose tasks serve.
    pub(super) fn serving(&self) -> &Deployment {
        let good = |one: &&Deployment| one.state == State::Successful;
        self.history.iter().rev().find(good).unwrap()
    }

    /// The one that the service shows as its own.
    pub(super) fn primary(&self) -> &Deployment {
        let newest = self.newest();
        match newest.state {
            State::GoingBack | State::RolledBack => self.serving(),
            _ => newest,
        }
    }

    /// Whether production traffic goes where the tasks are, as a deployment leaves it.
    pub(super) fn is_legal(&self) -> bool {
        self.traffic == Traffic::To(self.serving().side)
    }

    /// The newest verdict on a payload. One that was superseded says nothing.
    pub(super) fn verdict(&self, payload: Payload) -> Option<&Deployment> {
        let says = |one: &&Deployment| one.payload == payload && one.state != State::Superseded;
        self.shown().iter().rev().find(says)
    }

    /// Starts a deployment; what is in flight makes room, and its traffic goes back.
    pub(super) fn start(&mut self, payload: Payload, ours: Option<u8>) {
        if self.newest().state.in_flight() {
            self.history.last_mut().unwrap().state = State::Superseded;
            self.traffic = Traffic::To(self.serving().side);
        }
        let one = Deployment {
            id: self.newest().id + 1,
            payload,
            side: self.serving().side.other(),
            state: State::Pending,
            ours,
        };
        self.history.push(one);
    }

    /// What AWS may make of the deployment in flight.
    pub(super) fn moves(&self) -> Vec<Self> {
        let newest = *self.newest();
        let back = self.serving().side;
        let moved = |state: &State| {
            let mut next = self.clone();
            next.history.last_mut().unwrap().state = *state;
            match state {
                State::Shifting => next.traffic = Traffic::Split,
                State::Baking => next.traffic = Traffic::To(newest.side),
                State::GoingBack => next.traffic = Traffic::To(back),
                _ => {}
            }
            next
        };
        newest.state.next().iter().map(moved).collect()
    }

    fn document(&self, one: Deployment) -> Value {
        let (status, stage) = match one.state {
            State::Superseded if self.newest().state == State::Pending => ("STOP_REQUESTED", ""),
            state => state.names(),
        };
        let mut document = deployment(&one.id.to_string(), one.payload, status, one.side.name());
        document["lifecycleStage"] = json!(stage);
        let share = match one.state {
            State::Shifting => 10.0,
            State::Baking | State::CleaningUp | State::Successful => 100.0,
            _ => 0.0,
        };
        document["targetServiceRevision"]["requestedProductionTrafficWeight"] = json!(share);
        if one.state == State::Struck {
            document["deploymentCircuitBreaker"] =
                json!({"status": "TRIGGERED", "failureCount": 3, "threshold": 3});
        }
        if one.state == State::Paused {
            document["lifecycleHookDetails"] = json!([{"hookId": "ecs-pause-1", "targetType": "PAUSE", "status": "AWAITING_ACTION"}]);
        }
        document
    }

    /// What a pass reads, by the rules of `observe`.
    pub(super) fn bench(&self, desired: Attempt, waited: bool, names: &Names) -> Bench {
        let shown: Vec<Value> = self
            .shown()
            .iter()
            .rev()
            .map(|one| self.document(*one))
            .collect();
        let primary = self.primary();
        let mut bench = bench(desired.payload, primary.payload, Vec::new());
        give_retry(&mut bench, desired.retry);
        let flying = self.newest().state.in_flight();
        let rollout = match primary.state {
            State::Successful => "COMPLETED",
            State::Struck | State::RollbackFailed => "FAILED",
            _ => "IN_PROGRESS",
        };
        let service = bench.live();
        service["deployments"][0]["rolloutState"] = json!(rollout);
        let mut revisions = vec![json!({"arn": self.serving().id.to_string()})];
        if flying || primary.id != self.serving().id {
            let other = json!({"id": "ecs-svc/2", "status": "ACTIVE"});
            service["deployments"].as_array_mut().unwrap().push(other);
            revisions.push(json!({"arn": self.newest().id.to_string()}));
        }
        service["currentServiceRevisions"] = Value::from(revisions);
        if flying {
            service["currentServiceDeployment"] = shown[0]["serviceDeploymentArn"].clone();
        }
        let tags = service["tags"].as_array_mut().unwrap();
        if let Some(attempt) = self.declared {
            tags.push(json!({"key": DECLARED_TAG, "value": names.digest(attempt)}));
        }
        let marks = [self.starting, self.older].into_iter().flatten();
        let marks = marks.map(|(attempt, after)| {
            let after = after.map_or("none".to_owned(), |id| id.to_string());
            format!("{} after {after}", names.digest(attempt))
        });
        let marks: Vec<String> = marks.collect();
        if !marks.is_empty() {
            tags.push(json!({"key": intent::TAG, "value": marks.join(" ")}));
        }
        weigh(
            &mut bench,
            match self.traffic {
                Traffic::To(Side::Blue) => [100, 0],
                Traffic::To(Side::Green) => [0, 100],
                Traffic::Split => [50, 50],
                Traffic::Nowhere => [0, 0],
            },
        );
        bench.drifting_since = waited.then_some(Moment(NOW.0 - 3_600_000));
        self.read(&mut bench, &shown);
        bench
    }

    /// Leaves out what `observe` would not have read.
    fn read(&self, bench: &mut Bench, shown: &[Value]) {
        let service = bench.live().clone();
        let unrest = native::unrest(&bench.view(), &service);
        let alone = !native::only_revision(&service).is_empty();
        let serving = self.document(*self.serving())["revision"].clone();
        let observed = &mut bench.observed;
        observed.service_deployments = unrest
            .moving
            .then(|| Seen::Present(Value::from(shown.to_vec())));
        observed.serving = alone.then_some(Seen::Present(serving));
        let newest = self.newest().state;
        let bad = !newest.in_flight() && newest != State::Successful;
        observed.health.clear();
        let shifts = unrest.differs || unrest.moving && bad;
        if !shifts && unrest.moving && newest.in_flight() {
            return;
        }
        for side in [Side::Blue, Side::Green] {
            let baked = matches!(newest, State::Baking | State::CleaningUp);
            let runs = side == self.serving().side || (baked && side == self.newest().side);
            let targets = if self.healthy && runs {
                json!([{"TargetHealth": {"State": "healthy"}}])
            } else {
                json!([{"TargetHealth": {"State": "unhealthy"}}])
            };
            observed
                .health
                .insert(target_group(side.name()), Seen::Present(targets));
        }
    }
}

/// The same observations with one read that failed, and which it is.
pub(super) fn blinded(bench: &Bench) -> Vec<(&'static str, Observed)> {
    let unknown = || Seen::Unknown("ThrottlingException".to_owned());
    let mut all = Vec::new();
    let mut with = |what, change: &dyn Fn(&mut Observed)| {
        let mut observed = bench.observed.clone();
        change(&mut observed);
        all.push((what, observed));
    };
    with("service", &|seen| {
        seen.service = Seen::Unknown("no".to_owned());
    });
    with("rules", &|seen| {
        seen.rules.insert(RULE.to_owned(), unknown());
    });
    if bench.observed.service_deployments.is_some() {
        with("deployments", &|seen| {
            seen.service_deployments = Some(unknown());
        });
    }
    if bench.observed.serving.is_some() {
        with("revision", &|seen| seen.serving = Some(unknown()));
    }
    if !bench.observed.health.is_empty() {
        with("health", &|seen| {
            for health in seen.health.values_mut() {
                *health = unknown();
            }
        });
    }
    all
}

fn give_retry(bench: &mut Bench, text: u8) {
    if text > 0 {
        bench.retry(&format!("text {text}"));
    }
}

/// The digests of the attempts.
pub(super) struct Names(Vec<(Attempt, String)>);

/// All of them, computed once.
pub(super) static NAMES: LazyLock<Names> = LazyLock::new(Names::new);

impl Names {
    fn new() -> Self {
        let mut all = Vec::new();
        for payload in Payload::ALL {
            for retry in 0..=2 {
                let mut bench = bench(payload, payload, Vec::new());
                give_retry(&mut bench, retry);
                all.push((Attempt { payload, retry }, bench.attempt()));
            }
        }
        Self(all)
    }

    pub(super) fn digest(&self, attempt: Attempt) -> &str {
        let found = self.0.iter().find(|(known, _)| *known == attempt);
        &found.unwrap().1
    }

    pub(super) fn attempt(&self, digest: &str) -> Attempt {
        self.0.iter().find(|(_, known)| known == digest).unwrap().0
    }
}
