//! Amazon EC2, as far as subnets, VPCs and security groups are described. Nothing is made or changed:
//! what there is, a seed says (see `surroundings`).
//!
//! Invariants: a missing id under `SubnetId.N` and its kin fails the whole call, one in a filter does
//! not; ids that exist only because their kind is open are found by id and never listed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::surroundings::Ingress;
use super::{ACCOUNT, AwsError, World, input};

/// What one operation does.
pub type Operation = fn(&mut World, &Value) -> Result<Value, AwsError>;

/// The operation of this name, and whether it changes anything.
pub fn operation(name: &str) -> Option<(Operation, bool)> {
    match name {
        "DescribeSecurityGroups" => Some((security_groups, false)),
        "DescribeSubnets" => Some((subnets, false)),
        "DescribeVpcs" => Some((vpcs, false)),
        _ => None,
    }
}

/// One kind of thing that is described.
struct Kind<'a> {
    /// The member that lists ids.
    ids: &'static str,
    /// The filter of ids.
    filter: &'static str,
    /// The members that other filters look at: name of the filter, of the member.
    filters: &'static [(&'static str, &'static str)],
    /// The code for a missing id, and what its message calls the thing.
    missing: (&'static str, &'static str),
    has: &'a dyn Fn(&str) -> bool,
    listed: Vec<String>,
    describe: &'a dyn Fn(&str) -> Value,
}

impl Kind<'_> {
    fn answer(&self, input: &Value) -> Result<Vec<Value>, AwsError> {
        let asked = input::texts(input, self.ids);
        if let Some(missing) = asked.iter().find(|id| !(self.has)(id)) {
            let (code, what) = self.missing;
            let message = format!("The {what} '{missing}' does not exist");
            return Err(AwsError::new(code, message));
        }
        let filters = input::list(input, "Filter");
        let mut ids: BTreeSet<String> = asked.into_iter().collect();
        if ids.is_empty() {
            ids.extend(self.listed.iter().cloned());
            for filter in filters {
                if input::text(filter, "Name") == Some(self.filter) {
                    let named = input::texts(filter, "Value").into_iter();
                    ids.extend(named.filter(|id| (self.has)(id)));
                }
            }
        }
        let mut found: Vec<Value> = ids.iter().map(|id| (self.describe)(id)).collect();
        for filter in filters {
            let name = input::text(filter, "Name").unwrap_or_default();
            let known = self.filters.iter().find(|(known, _)| *known == name);
            let Some((_, member)) = known else {
                let message = format!("The filter '{name}' is invalid");
                return Err(AwsError::new("InvalidParameterValue", message));
            };
            let wanted = input::texts(filter, "Value");
            found.retain(|one| {
                input::text(one, member)
                    .is_some_and(|value| wanted.iter().any(|wanted| wanted == value))
            });
        }
        Ok(found)
    }
}

fn subnets(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let around = &world.surroundings;
    let region = &world.region;
    let kind = Kind {
        ids: "SubnetId",
        filter: "subnet-id",
        filters: &[
            ("subnet-id", "subnetId"),
            ("vpc-id", "vpcId"),
            ("availability-zone", "availabilityZone"),
        ],
        missing: ("InvalidSubnetID.NotFound", "subnet ID"),
        has: &|id| around.has_subnet(id),
        listed: around.subnets.listed.keys().cloned().collect(),
        describe: &|id| {
            json!({
                "subnetId": id,
                "subnetArn": format!("arn:aws:ec2:{region}:{ACCOUNT}:subnet/{id}"),
                "state": "available",
                "vpcId": around.vpc_of_subnet(id),
                "cidrBlock": around.range_of_subnet(id),
                "availableIpAddressCount": 251,
                "availabilityZone": format!("{region}{}", around.zone_of_subnet(id)),
                "defaultForAz": false,
                "mapPublicIpOnLaunch": false,
                "ownerId": ACCOUNT
            })
        },
    };
    Ok(json!({ "subnetSet": kind.answer(input)? }))
}

fn vpcs(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let around = &world.surroundings;
    let kind = Kind {
        ids: "VpcId",
        filter: "vpc-id",
        filters: &[("vpc-id", "vpcId")],
        missing: ("InvalidVpcID.NotFound", "vpc ID"),
        has: &|id| around.has_vpc(id),
        listed: around.vpcs.listed.keys().cloned().collect(),
        describe: &|id| {
            json!({
                "vpcId": id,
                "ownerId": ACCOUNT,
                "state": "available",
                "cidrBlock": "10.0.0.0/16",
                "isDefault": false
            })
        },
    };
    Ok(json!({ "vpcSet": kind.answer(input)? }))
}

fn security_groups(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let around = &world.surroundings;
    let kind = Kind {
        ids: "GroupId",
        filter: "group-id",
        filters: &[("group-id", "groupId"), ("vpc-id", "vpcId")],
        missing: ("InvalidGroup.NotFound", "security group"),
        has: &|id| around.has_security_group(id),
        listed: around.security_groups.listed.keys().cloned().collect(),
        describe: &|id| {
            let (vpc, ingress) = around.group(id);
            let everything = json!([permission("-1", None, "0.0.0.0/0")]);
            json!({
                "groupId": id,
                "groupName": id,
                "groupDescription": "simulated",
                "ownerId": ACCOUNT,
                "vpcId": vpc,
                "ipPermissions": ingress.map_or_else(|| everything.clone(), |rules| rules.iter().map(rule).collect()),
                "ipPermissionsEgress": everything
            })
        },
    };
    Ok(json!({ "securityGroupInfo": kind.answer(input)? }))
}

fn rule(rule: &Ingress) -> Value {
    permission("tcp", Some(rule.port), &rule.source)
}

fn permission(protocol: &str, port: Option<i64>, source: &str) -> Value {
    let is_group = source.starts_with("sg-");
    let groups = is_group.then(|| json!({ "userId": ACCOUNT, "groupId": source }));
    let ranges = (!is_group).then(|| json!({ "cidrIp": source }));
    let mut out = json!({
        "ipProtocol": protocol,
        "groups": groups.into_iter().collect::<Vec<_>>(),
        "ipRanges": ranges.into_iter().collect::<Vec<_>>(),
        "ipv6Ranges": [],
        "prefixListIds": []
    });
    if let Some(port) = port {
        out["fromPort"] = port.into();
        out["toPort"] = port.into();
    }
    out
}
