//! In which target group of its pair a `CODE_DEPLOY` service is made. Pure.
//!
//! The manifest names one of the pair; after an odd number of deployments production traffic goes to
//! the other one. A service that was deleted and is made again must stand where the traffic goes,
//! because listener weights inside the pair are the deployment engine's and never changed here.

use serde_json::Value;

use super::traffic::forwarded;
use super::{items, text};
use crate::kinds::View;
use crate::manifest::resolve;

/// The names of the pair's target groups and the production listener's ARN, as far as the
/// deployment group's manifest tells them.
fn pair(view: &View<'_>) -> Option<(Vec<String>, Option<String>)> {
    let group = view.set.deployment_group_of(&view.resource.key)?;
    let (spec, _) = resolve(group, view.facts);
    let info = spec.pointer("/loadBalancerInfo/targetGroupPairInfoList/0")?;
    let names = items(info, "targetGroups").map(|group| text(group, "name").to_owned());
    let listener = info
        .pointer("/prodTrafficRoute/listenerArns/0")
        .and_then(Value::as_str);
    Some((names.collect(), listener.map(str::to_owned)))
}

/// The production listener of the service's pair, once its ARN is known.
pub(super) fn production_listener(view: &View<'_>) -> Option<String> {
    pair(view)?.1
}

/// The other target group of the pair, if production traffic goes there and none to the declared
/// one. `rules` are those of the production listener.
pub(super) fn serving(view: &View<'_>, rules: &[Value]) -> Option<String> {
    let declared = text(items(&view.spec, "loadBalancers").next()?, "targetGroupArn");
    let (names, _) = pair(view)?;
    let in_pair = |arn: &str| {
        names
            .iter()
            .any(|name| !name.is_empty() && arn.contains(&format!(":targetgroup/{name}/")))
    };
    if !in_pair(declared) {
        return None;
    }
    let taking: Vec<&str> = rules
        .iter()
        .flat_map(forwarded)
        .filter(|(_, weight)| *weight > 0)
        .map(|(arn, _)| arn)
        .filter(|arn| in_pair(arn))
        .collect();
    if taking.contains(&declared) {
        return None;
    }
    taking.first().map(|arn| (*arn).to_owned())
}
