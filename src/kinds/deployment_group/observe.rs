//! The reads of a deployment group: its application, itself, and its tags.

use serde_json::Value;

use super::Observed;
use crate::aws::Observer;
use crate::kinds::{View, tags};
use crate::model::Moment;

pub(super) async fn observe(observer: &Observer, view: &View<'_>, fresh: Moment) -> Observed {
    let application = view
        .spec
        .get("applicationName")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let group = view.resource.aws_name();
    let mut seen = Observed {
        arn: arn(observer.region(), observer.account(), application, group),
        application: observer.application(application, fresh).await,
        group: observer.deployment_group(application, group, fresh).await,
        tags: None,
    };
    if seen.group.present().is_some() {
        let fresh = tags::fresh(view, fresh);
        seen.tags = Some(observer.codedeploy_tags(&seen.arn, fresh).await);
    }
    seen
}

/// The ARN of a group; its form is in the service authorization reference of `CodeDeploy`.
pub(crate) fn arn(region: &str, account: &str, application: &str, group: &str) -> String {
    let partition = match region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    format!("arn:{partition}:codedeploy:{region}:{account}:deploymentgroup:{application}/{group}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arn_knows_its_partition() {
        let of = |region| arn(region, "123456789012", "App", "Dgp");
        let expected = "arn:aws:codedeploy:eu-west-1:123456789012:deploymentgroup:App/Dgp";
        assert_eq!(of("eu-west-1"), expected);
        assert!(of("cn-north-1").starts_with("arn:aws-cn:"));
        assert!(of("us-gov-west-1").starts_with("arn:aws-us-gov:"));
        assert!(of("us-east-1").starts_with("arn:aws:"));
    }
}
