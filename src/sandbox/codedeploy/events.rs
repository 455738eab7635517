//! The lifecycle events of an ECS deployment: their names, their order, and the record of each. Not
//! what happens in them (see `engine`).

use serde_json::{Value, json};

use super::super::Time;
use super::input::timestamp;

/// A lifecycle event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifecycle {
    /// Hook before anything is made.
    BeforeInstall,
    /// The replacement task set is made and becomes steady.
    Install,
    /// Hook after it.
    AfterInstall,
    /// The test listener is pointed at the replacement.
    AllowTestTraffic,
    /// Hook after it.
    AfterAllowTestTraffic,
    /// Hook before production traffic moves.
    BeforeAllowTraffic,
    /// Production traffic moves.
    AllowTraffic,
    /// Hook after it.
    AfterAllowTraffic,
}

impl Lifecycle {
    /// All of them in order.
    pub(super) const ALL: [Self; 8] = [
        Self::BeforeInstall,
        Self::Install,
        Self::AfterInstall,
        Self::AllowTestTraffic,
        Self::AfterAllowTestTraffic,
        Self::BeforeAllowTraffic,
        Self::AllowTraffic,
        Self::AfterAllowTraffic,
    ];

    /// The name on the wire and in an `AppSpec`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BeforeInstall => "BeforeInstall",
            Self::Install => "Install",
            Self::AfterInstall => "AfterInstall",
            Self::AllowTestTraffic => "AllowTestTraffic",
            Self::AfterAllowTestTraffic => "AfterAllowTestTraffic",
            Self::BeforeAllowTraffic => "BeforeAllowTraffic",
            Self::AllowTraffic => "AllowTraffic",
            Self::AfterAllowTraffic => "AfterAllowTraffic",
        }
    }

    /// Whether an `AppSpec` can name a function for it: the others belong to `CodeDeploy`.
    pub(super) fn takes_hook(self) -> bool {
        !matches!(
            self,
            Self::Install | Self::AllowTestTraffic | Self::AllowTraffic
        )
    }

    /// Whether it happens only with a test listener.
    fn tests(self) -> bool {
        matches!(self, Self::AllowTestTraffic | Self::AfterAllowTestTraffic)
    }
}

/// The status of one lifecycle event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventStatus {
    Pending,
    InProgress,
    Succeeded,
    Failed,
    /// Never reached, or cut short by a stop.
    Skipped,
}

/// The record of one lifecycle event in one deployment.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) kind: Lifecycle,
    pub(super) status: EventStatus,
    pub(super) started: Option<Time>,
    pub(super) ended: Option<Time>,
    /// Why it failed.
    pub(super) message: Option<String>,
    /// The Lambda function that the `AppSpec` names for it.
    pub(super) hook: Option<String>,
    /// The id of the running call of that function.
    pub(super) execution: Option<String>,
    /// What the function reported through `PutLifecycleEventHookExecutionStatus`.
    pub(super) reported: Option<bool>,
}

/// The events of a deployment, all pending.
pub(super) fn plan(test_listener: bool, hooks: &[(Lifecycle, String)]) -> Vec<Event> {
    let happens = |kind: &Lifecycle| test_listener || !kind.tests();
    let event = |kind: Lifecycle| Event {
        kind,
        status: EventStatus::Pending,
        started: None,
        ended: None,
        message: None,
        hook: hooks
            .iter()
            .find(|(event, _)| *event == kind)
            .map(|(_, name)| name.clone()),
        execution: None,
        reported: None,
    };
    Lifecycle::ALL
        .into_iter()
        .filter(happens)
        .map(event)
        .collect()
}

/// The `LifecycleEvent` document of one record.
pub(super) fn read_back(event: &Event) -> Value {
    let status = match event.status {
        EventStatus::Pending => "Pending",
        EventStatus::InProgress => "InProgress",
        EventStatus::Succeeded => "Succeeded",
        EventStatus::Failed => "Failed",
        EventStatus::Skipped => "Skipped",
    };
    let mut document = json!({"lifecycleEventName": event.kind.name()});
    if let Some(message) = &event.message {
        document["diagnostics"] = json!({
            "errorCode": "UnknownError",
            "scriptName": event.hook.as_deref().unwrap_or_default(),
            "message": message,
            "logTail": "",
        });
    }
    if let Some(time) = event.started {
        document["startTime"] = timestamp(time);
    }
    if let Some(time) = event.ended {
        document["endTime"] = timestamp(time);
    }
    document["status"] = json!(status);
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_events_come_only_with_a_test_listener() {
        let names = |test| {
            plan(test, &[])
                .iter()
                .map(|e| e.kind.name())
                .collect::<Vec<_>>()
        };
        let plain = [
            "BeforeInstall",
            "Install",
            "AfterInstall",
            "BeforeAllowTraffic",
            "AllowTraffic",
            "AfterAllowTraffic",
        ];
        assert_eq!(names(false), plain);
        assert_eq!(
            names(true)[3..5],
            ["AllowTestTraffic", "AfterAllowTestTraffic"]
        );
        assert_eq!(names(true).len(), 8);
    }
}
