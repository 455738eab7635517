//! A group's settings as values, as a deployment takes them along when it is created. Not checked
//! here: only groups that passed `validate` are stored.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::super::Time;
use super::super::input::{flag, items, number, text, texts};
use super::Group;

/// What a deployment needs to know of its group.
#[derive(Clone, Debug)]
pub(in super::super) struct Settings {
    /// The cluster's name.
    pub(in super::super) cluster: String,
    pub(in super::super) service: String,
    /// The names of the two target groups, in the order given.
    pub(in super::super) pair: [String; 2],
    pub(in super::super) production_listener: String,
    pub(in super::super) test_listener: Option<String>,
    /// How long to wait, as `Ready`, for somebody to continue; None is not to wait.
    pub(in super::super) ready_wait: Option<Time>,
    /// How long the original task set lives on after success; None is for ever.
    pub(in super::super) termination_wait: Option<Time>,
    /// The events that bring an automatic rollback.
    pub(in super::super) rollback_events: BTreeSet<String>,
    /// The alarms that stop a deployment.
    pub(in super::super) alarms: Vec<String>,
}

/// Minutes in a member, as milliseconds; absent is zero.
fn minutes(of: &Value, member: &str) -> Time {
    number(of, member).unwrap_or_default() * 60_000
}

/// The events of an enabled automatic rollback configuration.
pub(in super::super) fn rollback_events(configuration: Option<&Value>) -> BTreeSet<String> {
    let enabled = configuration.filter(|c| flag(c, "enabled"));
    enabled
        .map(|c| texts(c, "events").iter().map(|e| (*e).to_owned()).collect())
        .unwrap_or_default()
}

/// The names of an enabled alarm configuration.
pub(in super::super) fn alarm_names(configuration: Option<&Value>) -> Vec<String> {
    let enabled = configuration.filter(|c| flag(c, "enabled"));
    let alarms = enabled.map(|c| items(c, "alarms")).unwrap_or_default();
    alarms
        .iter()
        .filter_map(|alarm| text(alarm, "name"))
        .map(str::to_owned)
        .collect()
}

impl Settings {
    /// The settings of a group.
    pub(in super::super) fn of(group: &Group) -> Self {
        let nothing = Value::Null;
        let style = group
            .member("blueGreenDeploymentConfiguration")
            .unwrap_or(&nothing);
        let ready = style.get("deploymentReadyOption").unwrap_or(&nothing);
        let terminate = style
            .get("terminateBlueInstancesOnDeploymentSuccess")
            .unwrap_or(&nothing);
        let balancer = group.member("loadBalancerInfo").unwrap_or(&nothing);
        let pair = items(balancer, "targetGroupPairInfoList")
            .first()
            .unwrap_or(&nothing);
        let name = |index: usize| {
            let group = items(pair, "targetGroups").get(index);
            group
                .and_then(|group| text(group, "name"))
                .unwrap_or_default()
                .to_owned()
        };
        let listener = |route: &str| {
            let arns = pair.get(route).map(|route| texts(route, "listenerArns"));
            arns.and_then(|arns| arns.first().map(|arn| (*arn).to_owned()))
        };
        let (cluster, service) = service_of(group);
        Self {
            cluster,
            service,
            pair: [name(0), name(1)],
            production_listener: listener("prodTrafficRoute").unwrap_or_default(),
            test_listener: listener("testTrafficRoute"),
            ready_wait: (text(ready, "actionOnTimeout") == Some("STOP_DEPLOYMENT"))
                .then(|| minutes(ready, "waitTimeInMinutes")),
            termination_wait: (text(terminate, "action") == Some("TERMINATE"))
                .then(|| minutes(terminate, "terminationWaitTimeInMinutes")),
            rollback_events: rollback_events(group.member("autoRollbackConfiguration")),
            alarms: alarm_names(group.member("alarmConfiguration")),
        }
    }
}

/// The names of the cluster and the service that a group deploys.
pub(super) fn service_of(group: &Group) -> (String, String) {
    let services = group.member("ecsServices").and_then(Value::as_array);
    let service = services.and_then(|services| services.first());
    let name = |member: &str| {
        let name = service
            .and_then(|service| text(service, member))
            .unwrap_or_default();
        last(name).to_owned()
    };
    (name("clusterName"), name("serviceName"))
}

/// The name in an ARN or a name.
pub(super) fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
