//! What the simulated services refer to but do not simulate: subnets, VPCs, security groups, roles,
//! secrets. Not a network: nothing is routed, and no permission is checked; they are only described
//! (see `ec2`, `iam`, `secretsmanager`).
//!
//! Invariant: without a seed every well-formed id exists; a seed may close a kind, so that only what it
//! lists exists. Secrets exist only where a seed lists them.

use std::collections::BTreeMap;

use super::ACCOUNT;

/// The things around the services of a region.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The subnets.
    pub subnets: Known<Subnet>,
    /// The VPCs.
    pub vpcs: Known<()>,
    /// The security groups.
    pub security_groups: Known<SecurityGroup>,
    /// The roles, by ARN.
    pub roles: Known<Role>,
    /// The secrets, by name, with their ARNs.
    pub secrets: BTreeMap<String, String>,
}

/// One kind of things.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known<T> {
    /// Whether there are no others than these.
    pub closed: bool,
    /// What seeds list.
    pub listed: BTreeMap<String, T>,
}

impl<T> Known<T> {
    /// Takes in what another seed lists.
    pub(super) fn extend(&mut self, more: Self) {
        self.closed |= more.closed;
        self.listed.extend(more.listed);
    }

    fn has(&self, name: &str, is_well_formed: impl Fn(&str) -> bool) -> bool {
        self.listed.contains_key(name) || (!self.closed && is_well_formed(name))
    }
}

/// What a seed says of a subnet. What it leaves out is made up from the id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subnet {
    /// The VPC that it is in.
    pub vpc: Option<String>,
    /// The letter of its Availability Zone.
    pub zone: Option<String>,
    /// Its range of addresses.
    pub cidr: Option<String>,
}

/// What a seed says of a security group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecurityGroup {
    /// The VPC that it is in.
    pub vpc: Option<String>,
    /// What it lets in; all from everywhere if the seed does not say.
    pub ingress: Option<Vec<Ingress>>,
}

/// One rule for traffic in, over TCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingress {
    /// The one port.
    pub port: i64,
    /// A security group's id or a range of addresses.
    pub source: String,
}

/// What a seed says of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The service principals that may assume it.
    pub trusts: Vec<String>,
    /// The actions that its policies do not allow; all others they do.
    pub denies: Vec<String>,
}

impl Default for Role {
    /// Everybody who hands a role to a simulated service trusts one of these.
    fn default() -> Self {
        let services = ["codedeploy", "ecs", "ecs-tasks"];
        Self {
            trusts: services
                .map(|service| format!("{service}.amazonaws.com"))
                .to_vec(),
            denies: Vec::new(),
        }
    }
}

/// The VPC of everything that does not say its own.
const SOME_VPC: &str = "vpc-00000000000000000";

impl Surroundings {
    /// Takes in what a seed says.
    pub(super) fn extend(&mut self, more: Self) {
        self.subnets.extend(more.subnets);
        self.vpcs.extend(more.vpcs);
        self.security_groups.extend(more.security_groups);
        self.roles.extend(more.roles);
        self.secrets.extend(more.secrets);
    }

    /// Whether this subnet exists.
    pub fn has_subnet(&self, id: &str) -> bool {
        self.subnets.has(id, |id| is_id("subnet-", id))
    }

    /// Whether this VPC exists.
    pub fn has_vpc(&self, id: &str) -> bool {
        self.vpcs.has(id, |id| is_id("vpc-", id))
    }

    /// Whether this security group exists.
    pub fn has_security_group(&self, id: &str) -> bool {
        self.security_groups.has(id, |id| is_id("sg-", id))
    }

    /// Whether the role of this ARN exists.
    pub fn has_role(&self, arn: &str) -> bool {
        self.roles.has(arn, |arn| {
            arn.strip_prefix("arn:aws:iam::")
                .and_then(|rest| rest.split_once(":role/"))
                .is_some_and(|(account, name)| account.len() == 12 && !name.is_empty())
        })
    }

    /// The VPC of what does not say its own: the first that exists.
    fn some_vpc(&self) -> String {
        let first = self.vpcs.listed.keys().next();
        first.map_or_else(|| SOME_VPC.to_owned(), Clone::clone)
    }

    /// The VPC of a subnet.
    pub(super) fn vpc_of_subnet(&self, id: &str) -> String {
        let known = self.subnets.listed.get(id);
        known
            .and_then(|subnet| subnet.vpc.clone())
            .unwrap_or_else(|| self.some_vpc())
    }

    /// The letter of a subnet's Availability Zone; made up from the id's last digit.
    pub(super) fn zone_of_subnet(&self, id: &str) -> String {
        let known = self.subnets.listed.get(id);
        known
            .and_then(|subnet| subnet.zone.clone())
            .unwrap_or_else(|| ["a", "b", "c"][usize::from(last_digit(id)) % 3].to_owned())
    }

    /// A subnet's range of addresses; made up from the id's last digit.
    pub(super) fn range_of_subnet(&self, id: &str) -> String {
        let known = self.subnets.listed.get(id);
        known
            .and_then(|subnet| subnet.cidr.clone())
            .unwrap_or_else(|| format!("10.0.{}.0/24", last_digit(id)))
    }

    /// The VPC of a security group and what it lets in; `None` for all.
    pub(super) fn group(&self, id: &str) -> (String, Option<&[Ingress]>) {
        let known = self.security_groups.listed.get(id);
        let vpc = known.and_then(|group| group.vpc.clone());
        (
            vpc.unwrap_or_else(|| self.some_vpc()),
            known.and_then(|group| group.ingress.as_deref()),
        )
    }

    /// The role of this name with its ARN, whatever its path.
    pub(super) fn role_named(&self, name: &str) -> Option<(String, Role)> {
        let mut listed = self.roles.listed.iter();
        let found = listed.find(|(arn, _)| arn.rsplit('/').next() == Some(name));
        match found {
            Some((arn, role)) => Some((arn.clone(), role.clone())),
            None if self.roles.closed => None,
            None => {
                let arn = format!("arn:aws:iam::{ACCOUNT}:role/{name}");
                Some((arn, Role::default()))
            }
        }
    }
}

/// EC2 ids end in 8 (before 2018) or 17 hexadecimal digits.
fn is_id(prefix: &str, id: &str) -> bool {
    id.strip_prefix(prefix).is_some_and(|digits| {
        matches!(digits.len(), 8 | 17) && digits.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

/// The value of an id's last hexadecimal digit.
fn last_digit(id: &str) -> u8 {
    let digit = id.chars().next_back().and_then(|last| last.to_digit(16));
    digit
        .and_then(|digit| u8::try_from(digit).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_kinds_take_every_well_formed_id() {
        let open = Surroundings::default();
        assert!(open.has_subnet("subnet-0123abcd") && open.has_subnet("subnet-0123456789abcdef0"));
        assert!(!open.has_subnet("subnet-xyz") && !open.has_subnet("vpc-0123abcd"));
        assert!(open.has_role("arn:aws:iam::123456789012:role/a") && !open.has_role("a"));
        assert_eq!(open.zone_of_subnet("subnet-01234564"), "b");
    }

    #[test]
    fn a_closed_kind_holds_only_what_it_lists() {
        let closed = Surroundings {
            vpcs: Known {
                closed: true,
                listed: std::iter::once(("vpc-main".to_owned(), ())).collect(),
            },
            ..Surroundings::default()
        };
        assert!(closed.has_vpc("vpc-main") && !closed.has_vpc("vpc-0123abcd"));
        assert!(closed.has_security_group("sg-0123abcd"));
        assert_eq!(closed.vpc_of_subnet("subnet-0123abcd"), "vpc-main");
    }
}
