//! The table of ELBv2 operations.

use super::{
    Operation, account, attributes, listeners, load_balancers, rule_order, rules, tags,
    target_groups, targets,
};

/// The operation of this name, and whether it changes anything.
pub fn operation(name: &str) -> Option<(Operation, bool)> {
    let operation: Operation = match name {
        "AddTags" => tags::add,
        "CreateListener" => listeners::create,
        "CreateLoadBalancer" => load_balancers::create,
        "CreateRule" => rules::create,
        "CreateTargetGroup" => target_groups::create,
        "DeleteListener" => listeners::delete,
        "DeleteLoadBalancer" => load_balancers::delete,
        "DeleteRule" => rules::delete,
        "DeleteTargetGroup" => target_groups::delete,
        "DeregisterTargets" => targets::deregister,
        "DescribeAccountLimits" => account::limits,
        "DescribeListenerAttributes" => attributes::describe_listener,
        "DescribeListeners" => listeners::describe,
        "DescribeLoadBalancerAttributes" => attributes::describe_load_balancer,
        "DescribeLoadBalancers" => load_balancers::describe,
        "DescribeRules" => rules::describe,
        "DescribeTags" => tags::describe,
        "DescribeTargetGroupAttributes" => attributes::describe_target_group,
        "DescribeTargetGroups" => target_groups::describe,
        "DescribeTargetHealth" => targets::health,
        "ModifyIpPools" => load_balancers::modify_ip_pools,
        "ModifyListener" => listeners::modify,
        "ModifyListenerAttributes" => attributes::modify_listener,
        "ModifyLoadBalancerAttributes" => attributes::modify_load_balancer,
        "ModifyRule" => rules::modify,
        "ModifyTargetGroup" => target_groups::modify,
        "ModifyTargetGroupAttributes" => attributes::modify_target_group,
        "RegisterTargets" => targets::register,
        "RemoveTags" => tags::remove,
        "SetIpAddressType" => load_balancers::set_ip_address_type,
        "SetRulePriorities" => rule_order::set,
        "SetSecurityGroups" => load_balancers::set_security_groups,
        "SetSubnets" => load_balancers::set_subnets,
        _ => return None,
    };
    Some((operation, !name.starts_with("Describe")))
}
