//! Reads of the simulated AWS beside any client: they go over no wire, are never lost, and cost a small part
//! of a call of the SDK.

use evenkeel::mount::Mounted;
use serde_json::Value;

/// An awsJson operation; what is refused is nothing.
pub(super) fn json_call(mounted: &Mounted, target: &str, operation: &str, input: &Value) -> Value {
    let request = http::Request::post("/")
        .header("x-amz-target", format!("{target}.{operation}"))
        .body(input.to_string().into_bytes())
        .unwrap();
    let response = mounted.handle(&request);
    if response.status() != 200 {
        return Value::Null;
    }
    serde_json::from_slice(response.body()).unwrap_or(Value::Null)
}

/// Target groups that a rule forwards to, with the weight of each and how many healthy targets it has; none
/// where there is no such rule.
pub(super) fn served(mounted: &Mounted, rule: &str) -> Vec<(String, u32, usize)> {
    let groups = mounted.with(|sandbox| sandbox.region("us-east-1").elb.rule_groups(rule));
    let groups = groups.unwrap_or_default();
    let one = |(arn, weight): (String, u32)| {
        let count = healthy(mounted, &arn);
        (arn, weight, count)
    };
    groups.into_iter().map(one).collect()
}

fn healthy(mounted: &Mounted, group: &str) -> usize {
    let group: String = form_urlencoded::byte_serialize(group.as_bytes()).collect();
    let body = format!("Action=DescribeTargetHealth&Version=2015-12-01&TargetGroupArn={group}");
    let request = http::Request::post("/").body(body.into_bytes()).unwrap();
    let response = mounted.handle(&request);
    let text = String::from_utf8_lossy(response.body());
    text.matches("<State>healthy</State>").count()
}
