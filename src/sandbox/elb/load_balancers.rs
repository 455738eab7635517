//! Operations on load balancers. Not their attributes (see `attributes`).

use super::super::time::iso8601;
use super::super::{AwsError, Time, World, input};
use super::arns::{self, Kind};
use super::{LoadBalancer, State, attributes, paging, tags};
use serde_json::{Map, Value, json};

/// How long a new load balancer is `provisioning` before it is `active`, in milliseconds.
const PROVISIONING: Time = 60_000;

/// Idempotent for identical settings.
pub(super) fn create(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = input::text(input, "Name").unwrap_or_default().to_owned();
    arns::check_name(Kind::LoadBalancer, &name)?;
    let kind = input::filled(input, "Type").unwrap_or("application");
    if kind == "gateway" {
        return Err(AwsError::new(
            "OperationNotPermitted",
            "The simulated AWS has no gateway load balancers",
        ));
    }
    one_of(kind, "type", &["application", "network"])?;
    let scheme = input::filled(input, "Scheme").unwrap_or("internet-facing");
    one_of(scheme, "scheme", &["internet-facing", "internal"])?;
    let ip_address_type = input::filled(input, "IpAddressType").unwrap_or("ipv4");
    one_of(
        ip_address_type,
        "ipAddressType",
        &["ipv4", "dualstack", "dualstack-without-public-ipv4"],
    )?;
    let subnets = read_subnets(world, input, kind)?;
    let mut security_groups = read_security_groups(world, input)?;
    if security_groups.is_empty() && kind == "application" {
        // AWS takes the VPC's default security group.
        security_groups.push("sg-00000000000000000".to_owned());
    }
    let tags = tags::read(input)?;
    if let Some(known) = world.elb.load_balancers.values().find(|b| b.name == name) {
        let same = known.kind == kind
            && known.scheme == scheme
            && known.subnets == subnets
            && known.security_groups == security_groups
            && known.ip_address_type == ip_address_type;
        if !same {
            return Err(AwsError::new(
                "DuplicateLoadBalancerName",
                format!(
                    "A load balancer with the same name '{name}' exists, but with different settings"
                ),
            ));
        }
        return Ok(json!({ "LoadBalancers": [describe_one(world, known)] }));
    }
    let prefix = if kind == "network" { "net" } else { "app" };
    let id = arns::new_id(world);
    let number = world.next_id();
    let internal = if scheme == "internal" {
        "internal-"
    } else {
        ""
    };
    let dns_name = if kind == "network" {
        format!("{name}-{id}.elb.{}.amazonaws.com", world.region)
    } else {
        format!(
            "{internal}{name}-{}.{}.elb.amazonaws.com",
            1_000_000 + number,
            world.region
        )
    };
    let balancer = LoadBalancer {
        arn: arns::arn(world, &format!("loadbalancer/{prefix}/{name}/{id}")),
        name,
        kind: kind.to_owned(),
        scheme: scheme.to_owned(),
        dns_name,
        subnets,
        security_groups,
        ip_address_type: ip_address_type.to_owned(),
        mappings: input::list(input, "SubnetMappings").to_vec(),
        echoed: echoed(input),
        created: world.now,
        attributes: attributes::load_balancer_defaults(kind, scheme),
        tags,
    };
    let described = describe_one(world, &balancer);
    world
        .elb
        .load_balancers
        .insert(balancer.arn.clone(), balancer);
    Ok(json!({ "LoadBalancers": [described] }))
}

/// What is kept as it was sent.
fn echoed(input: &Value) -> Map<String, Value> {
    let members = [
        "CustomerOwnedIpv4Pool",
        "EnablePrefixForIpv6SourceNat",
        "IpamPools",
    ];
    members
        .iter()
        .filter_map(|member| {
            let value = input.get(*member).filter(|value| !value.is_null())?;
            Some(((*member).to_owned(), value.clone()))
        })
        .collect()
}

/// The subnets of `Subnets` or `SubnetMappings`, sorted: their order means nothing.
fn read_subnets(world: &World, input: &Value, kind: &str) -> Result<Vec<String>, AwsError> {
    let mut subnets = input::texts(input, "Subnets");
    let mappings = input::list(input, "SubnetMappings");
    if !subnets.is_empty() && !mappings.is_empty() {
        return Err(invalid(
            "You must specify subnets or subnet mappings, not both",
        ));
    }
    subnets.extend(
        mappings
            .iter()
            .filter_map(|mapping| input::filled(mapping, "SubnetId"))
            .map(str::to_owned),
    );
    subnets.sort();
    if subnets.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(AwsError::new(
            "InvalidSubnet",
            "A subnet cannot be specified more than once",
        ));
    }
    if kind == "application" && subnets.len() < 2 {
        return Err(invalid(
            "At least two subnets in two different Availability Zones must be specified",
        ));
    }
    if subnets.is_empty() {
        return Err(invalid("At least one subnet must be specified"));
    }
    for subnet in &subnets {
        if !world.surroundings.has_subnet(subnet) {
            return Err(AwsError::new(
                "SubnetNotFound",
                format!("The subnet ID '{subnet}' does not exist"),
            ));
        }
    }
    Ok(subnets)
}

fn read_security_groups(world: &World, input: &Value) -> Result<Vec<String>, AwsError> {
    let mut groups = input::texts(input, "SecurityGroups");
    groups.sort();
    for group in &groups {
        if !world.surroundings.has_security_group(group) {
            return Err(AwsError::new(
                "InvalidSecurityGroup",
                format!("The security group '{group}' does not exist"),
            ));
        }
    }
    Ok(groups)
}

/// The subnets with their zones.
fn zones(world: &World, subnets: &[String], mappings: &[Value]) -> Vec<Value> {
    let zone = |subnet: &String| {
        let letter = world.surroundings.zone_of_subnet(subnet);
        let mapping = mappings
            .iter()
            .find(|mapping| input::text(mapping, "SubnetId") == Some(subnet));
        let mut address = Map::new();
        for member in ["AllocationId", "PrivateIPv4Address", "IPv6Address"] {
            if let Some(value) = mapping.and_then(|mapping| input::filled(mapping, member)) {
                address.insert(member.to_owned(), value.into());
            }
        }
        let prefix = mapping.and_then(|mapping| input::filled(mapping, "SourceNatIpv6Prefix"));
        let addresses = if address.is_empty() {
            json!([])
        } else {
            json!([address])
        };
        let mut zone = json!({
            "ZoneName": format!("{}{letter}", world.region),
            "SubnetId": subnet,
            "LoadBalancerAddresses": addresses
        });
        if let Some(prefix) = prefix {
            zone["SourceNatIpv6Prefixes"] = json!([prefix]);
        }
        zone
    };
    subnets.iter().map(zone).collect()
}

fn describe_one(world: &World, balancer: &LoadBalancer) -> Value {
    let ready = world.now - balancer.created >= PROVISIONING;
    let first = balancer.subnets.first().map_or("", String::as_str);
    let mut described = json!({
        "LoadBalancerArn": balancer.arn,
        "DNSName": balancer.dns_name,
        // The hosted zones of us-east-1; the simulated AWS has no Route 53 to use them with.
        "CanonicalHostedZoneId":
            if balancer.kind == "network" { "Z26RNL4JYFTOTI" } else { "Z35SXDOTRQ7X7K" },
        "CreatedTime": iso8601(balancer.created),
        "LoadBalancerName": balancer.name,
        "Scheme": balancer.scheme,
        "VpcId": world.surroundings.vpc_of_subnet(first),
        "State": { "Code": if ready { "active" } else { "provisioning" } },
        "Type": balancer.kind,
        "AvailabilityZones": zones(world, &balancer.subnets, &balancer.mappings),
        "IpAddressType": balancer.ip_address_type
    });
    if let Some(described) = described.as_object_mut()
        && !balancer.security_groups.is_empty()
    {
        described.insert("SecurityGroups".to_owned(), json!(balancer.security_groups));
    }
    if let Some(described) = described.as_object_mut() {
        described.extend(balancer.echoed.clone());
    }
    described
}

/// By ARNs, by names, or all.
pub(super) fn describe(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let arns = input::texts(input, "LoadBalancerArns");
    let names = input::texts(input, "Names");
    if !arns.is_empty() && !names.is_empty() {
        return Err(invalid(
            "Load balancer names and load balancer ARNs cannot be specified at the same time",
        ));
    }
    let all = &world.elb.load_balancers;
    for arn in &arns {
        Kind::LoadBalancer.check(arn)?;
        all.get(arn).ok_or_else(|| Kind::LoadBalancer.not_found())?;
    }
    for name in &names {
        if !all.values().any(|balancer| balancer.name == *name) {
            return Err(AwsError::new(
                "LoadBalancerNotFound",
                format!("Load balancers '[{name}]' not found"),
            ));
        }
    }
    let found = all
        .values()
        .filter(|balancer| arns.is_empty() || arns.contains(&balancer.arn))
        .filter(|balancer| names.is_empty() || names.contains(&balancer.name))
        .map(|balancer| describe_one(world, balancer))
        .collect();
    paging::page(input, "LoadBalancers", found)
}

/// Deletes its listeners and their rules too. One that does not exist is deleted with success.
pub(super) fn delete(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let arn = input::text(input, "LoadBalancerArn").unwrap_or_default();
    Kind::LoadBalancer.check(arn)?;
    let Some(balancer) = world.elb.load_balancers.get(arn) else {
        return Ok(json!({}));
    };
    if balancer
        .attributes
        .get("deletion_protection.enabled")
        .is_some_and(|on| on == "true")
    {
        return Err(AwsError::new(
            "OperationNotPermitted",
            format!(
                "Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
            ),
        ));
    }
    let state = &mut world.elb;
    state.load_balancers.remove(arn);
    let listeners = &mut state.listeners;
    listeners.retain(|_, listener| listener.load_balancer != arn);
    state
        .rules
        .retain(|_, rule| listeners.contains_key(&rule.listener));
    state.refresh_use(world.now);
    Ok(json!({}))
}

impl State {
    /// The load balancer a request names in `LoadBalancerArn`.
    pub(super) fn named_balancer(&mut self, input: &Value) -> Result<&mut LoadBalancer, AwsError> {
        let arn = input::text(input, "LoadBalancerArn").unwrap_or_default();
        Kind::LoadBalancer.check(arn)?;
        self.load_balancers
            .get_mut(arn)
            .ok_or_else(|| Kind::LoadBalancer.not_found())
    }
}

/// Replaces the security groups.
pub(super) fn set_security_groups(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let groups = read_security_groups(world, input)?;
    let balancer = world.elb.named_balancer(input)?;
    if groups.is_empty() {
        return Err(invalid("At least one security group must be specified"));
    }
    if balancer.kind == "network" && balancer.security_groups.is_empty() {
        return Err(AwsError::new(
            "InvalidConfigurationRequest",
            "You cannot set security groups on a network load balancer that was created without",
        ));
    }
    balancer.security_groups.clone_from(&groups);
    Ok(json!({ "SecurityGroupIds": groups }))
}

/// Replaces the subnets.
pub(super) fn set_subnets(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let kind = world.elb.named_balancer(input)?.kind.clone();
    let subnets = read_subnets(world, input, &kind)?;
    let balancer = world.elb.named_balancer(input)?;
    balancer.subnets.clone_from(&subnets);
    let mappings = input::list(input, "SubnetMappings").to_vec();
    balancer.mappings.clone_from(&mappings);
    if let Some(prefix) = input::filled(input, "EnablePrefixForIpv6SourceNat") {
        let member = "EnablePrefixForIpv6SourceNat".to_owned();
        balancer.echoed.insert(member, prefix.into());
    }
    let ip_address_type = balancer.ip_address_type.clone();
    let zones = zones(world, &subnets, &mappings);
    Ok(json!({ "AvailabilityZones": zones, "IpAddressType": ip_address_type }))
}

/// Replaces or removes the address pool.
pub(super) fn modify_ip_pools(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let balancer = world.elb.named_balancer(input)?;
    let remove = input::texts(input, "RemoveIpamPools");
    if !remove.is_empty() {
        balancer.echoed.shift_remove("IpamPools");
    }
    if let Some(pools) = input.get("IpamPools").filter(|pools| !pools.is_null()) {
        balancer
            .echoed
            .insert("IpamPools".to_owned(), pools.clone());
    }
    let pools = balancer.echoed.get("IpamPools").cloned();
    Ok(json!({ "IpamPools": pools.unwrap_or_else(|| json!({})) }))
}

/// Replaces the address type.
pub(super) fn set_ip_address_type(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let wanted = input::text(input, "IpAddressType").unwrap_or_default();
    one_of(
        wanted,
        "ipAddressType",
        &["ipv4", "dualstack", "dualstack-without-public-ipv4"],
    )?;
    wanted.clone_into(&mut world.elb.named_balancer(input)?.ip_address_type);
    Ok(json!({ "IpAddressType": wanted }))
}

fn one_of(value: &str, member: &str, set: &[&str]) -> Result<(), AwsError> {
    if set.contains(&value) {
        return Ok(());
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: \
         Member must satisfy enum value set: [{}]",
        set.join(", ")
    )))
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationError", message)
}
