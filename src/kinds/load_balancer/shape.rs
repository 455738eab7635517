//! What is live of a load balancer, in the shape in which it is declared: `DescribeLoadBalancers`
//! answers subnets, mappings and addresses as availability zones.

use serde_json::{Map, Value, json};

use crate::kinds::common::with_member;

/// The live load balancer with `Subnets` and `SubnetMappings` as `CreateLoadBalancer` takes them.
pub(crate) fn as_declared(live: &Value) -> Value {
    let zones = live.get("AvailabilityZones").and_then(Value::as_array);
    let zones = || zones.into_iter().flatten();
    let subnets: Vec<Value> = zones()
        .filter_map(|zone| zone.get("SubnetId").cloned())
        .collect();
    let shaped = with_member(live.clone(), "Subnets", Value::Array(subnets));
    with_member(shaped, "SubnetMappings", zones().map(mapping).collect())
}

fn mapping(zone: &Value) -> Value {
    let mut mapping = Map::new();
    if let Some(subnet) = zone.get("SubnetId") {
        mapping.insert("SubnetId".to_owned(), subnet.clone());
    }
    let addresses = zone.get("LoadBalancerAddresses").and_then(Value::as_array);
    for address in addresses.into_iter().flatten() {
        for member in ["AllocationId", "PrivateIPv4Address", "IPv6Address"] {
            if let Some(value) = address.get(member).filter(|value| !value.is_null()) {
                mapping.insert(member.to_owned(), value.clone());
            }
        }
    }
    if let Some(prefix) = zone.pointer("/SourceNatIpv6Prefixes/0") {
        mapping.insert("SourceNatIpv6Prefix".to_owned(), json!(prefix));
    }
    Value::Object(mapping)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_become_subnets_and_mappings() {
        let live = json!({"Scheme": "internal", "AvailabilityZones": [
            {"ZoneName": "a", "SubnetId": "subnet-1", "LoadBalancerAddresses": [{"AllocationId": "eip-1"}]},
            {"ZoneName": "b", "SubnetId": "subnet-2"}]});
        let shaped = as_declared(&live);
        assert_eq!(shaped["Scheme"], "internal");
        assert_eq!(shaped["Subnets"], json!(["subnet-1", "subnet-2"]));
        assert_eq!(
            shaped["SubnetMappings"],
            json!([
            {"SubnetId": "subnet-1", "AllocationId": "eip-1"}, {"SubnetId": "subnet-2"}])
        );
    }
}
