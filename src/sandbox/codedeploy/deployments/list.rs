//! `ListDeployments` and its filters. The newest come first; AWS promises no order.

use serde_json::{Value, json};

use super::super::super::{AwsError, Time, World};
use super::super::groups;
use super::super::input::{application_name, group_name, text, texts};
use super::super::paging::page;
use super::Status;

/// A bound of `createTimeRange`, in milliseconds. The wire has seconds, as a float.
#[allow(
    clippy::cast_possible_truncation,
    reason = "seconds since 1970 fit many times over"
)]
fn bound(range: &Value, member: &str) -> Option<Time> {
    range
        .get(member)
        .and_then(Value::as_f64)
        .map(|seconds| (seconds * 1000.0).round() as Time)
}

/// `ListDeployments`.
pub(in super::super) fn list(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    // Application and group are given together or not at all.
    let given = |member| text(input, member).is_some();
    let group = if given("applicationName") || given("deploymentGroupName") {
        let application = application_name(input, "applicationName")?;
        let name = group_name(input, "deploymentGroupName")?;
        groups::find(world, application, name)?;
        Some((application, name))
    } else {
        None
    };
    let statuses = texts(input, "includeOnlyStatuses");
    if let Some(unknown) = statuses
        .iter()
        .find(|status| !Status::NAMES.contains(*status))
    {
        let text = format!(
            "The deployment status {unknown:?} is not one of {}.",
            Status::NAMES.join(", ")
        );
        return Err(AwsError::new("InvalidDeploymentStatusException", text));
    }
    let range = input.get("createTimeRange").unwrap_or(&Value::Null);
    let (start, end) = (bound(range, "start"), bound(range, "end"));
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        let text = "createTimeRange: the end is before the start.";
        return Err(AwsError::new("InvalidTimeRangeException", text));
    }
    let state = &world.codedeploy;
    let newest_first = state
        .order
        .iter()
        .rev()
        .filter_map(|id| state.deployments.get(id));
    let found = newest_first.filter(|deployment| {
        group.is_none_or(|(application, name)| {
            deployment.application == application && deployment.group == name
        }) && (statuses.is_empty() || statuses.contains(&deployment.status.name()))
            && start.is_none_or(|start| deployment.created >= start)
            && end.is_none_or(|end| deployment.created <= end)
    });
    page(
        input,
        "deployments",
        found.map(|deployment| json!(deployment.id)).collect(),
    )
}
