//! The places in which a manifest may name another manifest instead of an ARN or a name, as data.
//! Not the check that the other one exists (`link`) and not the replacing (`resolve`).
//!
//! Invariant: every row's `at` and `aws` are in the catalogue (a test sees to it), so a reference is
//! valid exactly where AWS has the member that it stands for.

use super::set::Ask;
use crate::model::Kind;

/// One kind of reference.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// The kind of manifest that it stands in.
    pub(crate) kind: Kind,
    /// The structure that it stands in, as the catalogue spells it.
    pub(crate) at: &'static str,
    /// Its member name.
    pub(crate) member: &'static str,
    /// The kind of manifest that it names.
    pub(crate) target: Kind,
    /// The member of AWS that it stands for.
    pub(crate) aws: &'static str,
    /// What it is replaced by.
    pub(crate) ask: Ask,
}

const PAIR: &str = "loadBalancerInfo.targetGroupPairInfoList[].targetGroups[]";
const PRODUCTION: &str = "loadBalancerInfo.targetGroupPairInfoList[].prodTrafficRoute";
const TEST: &str = "loadBalancerInfo.targetGroupPairInfoList[].testTrafficRoute";
const TRACKED: &str = "TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification";
const FORECAST_PAIR: &str =
    "PredictiveScalingPolicyConfiguration.MetricSpecifications[].PredefinedMetricPairSpecification";
const FORECAST_SCALING: &str = "PredictiveScalingPolicyConfiguration.MetricSpecifications[].PredefinedScalingMetricSpecification";
const FORECAST_LOAD: &str =
    "PredictiveScalingPolicyConfiguration.MetricSpecifications[].PredefinedLoadMetricSpecification";
const ADVANCED: &str = "loadBalancers[].advancedConfiguration";

/// Every reference. A member that ends in `Refs` is a list of names and stands for a list.
const TABLE: [Row; 24] = {
    use Ask::{Arn, Label, Name};
    use Kind::{
        Cluster, DeploymentGroup, Listener, ListenerRule, LoadBalancer, ScalableTarget,
        ScalingPolicy, Service, TargetGroup, TaskDefinition,
    };
    [
        row(Service, "", "clusterRef", Cluster, "cluster", Name),
        row(
            Service,
            "",
            "taskDefinitionRef",
            TaskDefinition,
            "taskDefinition",
            Arn,
        ),
        row(
            Service,
            "loadBalancers[]",
            "targetGroupRef",
            TargetGroup,
            "targetGroupArn",
            Arn,
        ),
        row(
            Service,
            ADVANCED,
            "alternateTargetGroupRef",
            TargetGroup,
            "alternateTargetGroupArn",
            Arn,
        ),
        row(
            Service,
            ADVANCED,
            "productionListenerRuleRef",
            ListenerRule,
            "productionListenerRule",
            Arn,
        ),
        row(
            Service,
            ADVANCED,
            "testListenerRuleRef",
            ListenerRule,
            "testListenerRule",
            Arn,
        ),
        row(
            Service,
            ADVANCED,
            "productionListenerRef",
            Listener,
            "productionListenerRule",
            Label,
        ),
        row(
            Service,
            ADVANCED,
            "testListenerRef",
            Listener,
            "testListenerRule",
            Label,
        ),
        row(
            Listener,
            "",
            "LoadBalancerRef",
            LoadBalancer,
            "LoadBalancerArn",
            Arn,
        ),
        row(
            Listener,
            "DefaultActions[]",
            "TargetGroupRef",
            TargetGroup,
            "TargetGroupArn",
            Arn,
        ),
        row(
            Listener,
            "DefaultActions[].ForwardConfig.TargetGroups[]",
            "TargetGroupRef",
            TargetGroup,
            "TargetGroupArn",
            Arn,
        ),
        row(
            ListenerRule,
            "",
            "ListenerRef",
            Listener,
            "ListenerArn",
            Arn,
        ),
        row(
            ListenerRule,
            "Actions[]",
            "TargetGroupRef",
            TargetGroup,
            "TargetGroupArn",
            Arn,
        ),
        row(
            ListenerRule,
            "Actions[].ForwardConfig.TargetGroups[]",
            "TargetGroupRef",
            TargetGroup,
            "TargetGroupArn",
            Arn,
        ),
        row(
            DeploymentGroup,
            PAIR,
            "targetGroupRef",
            TargetGroup,
            "name",
            Name,
        ),
        row(
            DeploymentGroup,
            PRODUCTION,
            "listenerRefs",
            Listener,
            "listenerArns",
            Arn,
        ),
        row(
            DeploymentGroup,
            TEST,
            "listenerRefs",
            Listener,
            "listenerArns",
            Arn,
        ),
        // Stands for `clusterName` too; both names are known at load and written in then.
        row(
            DeploymentGroup,
            "ecsServices[]",
            "serviceRef",
            Service,
            "serviceName",
            Name,
        ),
        // Both names of the service are in the id, and written in at load too.
        row(
            ScalableTarget,
            "",
            "ServiceRef",
            Service,
            "ResourceId",
            Name,
        ),
        row(ScalingPolicy, "", "ServiceRef", Service, "ResourceId", Name),
        row(
            ScalingPolicy,
            TRACKED,
            "TargetGroupRef",
            TargetGroup,
            "ResourceLabel",
            Label,
        ),
        row(
            ScalingPolicy,
            FORECAST_PAIR,
            "TargetGroupRef",
            TargetGroup,
            "ResourceLabel",
            Label,
        ),
        row(
            ScalingPolicy,
            FORECAST_SCALING,
            "TargetGroupRef",
            TargetGroup,
            "ResourceLabel",
            Label,
        ),
        row(
            ScalingPolicy,
            FORECAST_LOAD,
            "TargetGroupRef",
            TargetGroup,
            "ResourceLabel",
            Label,
        ),
    ]
};

const fn row(
    kind: Kind,
    at: &'static str,
    member: &'static str,
    target: Kind,
    aws: &'static str,
    ask: Ask,
) -> Row {
    Row {
        kind,
        at,
        member,
        target,
        aws,
        ask,
    }
}

impl Row {
    /// Whether it is a list of names.
    pub(crate) fn is_list(&self) -> bool {
        self.member.ends_with("Refs")
    }
}

/// The references that may stand in the structure at this catalogue path.
pub(crate) fn allowed(kind: Kind, at: &str) -> impl Iterator<Item = &'static Row> {
    TABLE
        .iter()
        .filter(move |row| row.kind == kind && row.at == at)
}

/// Every reference that may stand in a manifest of this kind, for those who write manifests.
pub(crate) fn written(kind: Kind) -> impl Iterator<Item = &'static Row> {
    TABLE.iter().filter(move |row| row.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{self, Type};

    #[test]
    fn every_row_stands_for_a_member_of_aws_and_hides_none() {
        for row in TABLE {
            let structure = catalogue::root(row.kind).at(row.at).unwrap();
            let member = structure
                .member(row.aws)
                .unwrap_or_else(|| panic!("{row:?}"));
            let expected = if row.is_list() {
                Type::List
            } else {
                Type::String
            };
            assert_eq!(member.ty, expected, "{row:?}");
            assert!(structure.member(row.member).is_none(), "{row:?}");
        }
    }

    #[test]
    fn a_lattice_target_group_is_no_load_balancers() {
        assert_eq!(
            allowed(Kind::Service, "vpcLatticeConfigurations[]").count(),
            0
        );
        assert_eq!(allowed(Kind::Service, "loadBalancers[]").count(), 1);
    }
}
