//! What the simulated services refer to but do not simulate: subnets, VPCs, security groups, roles.
//! Not a network: nothing is routed, and no subnet belongs to a VPC.
//!
//! Invariant: without a seed every well-formed id exists; a seed that lists a kind closes it, so
//! that only what it lists exists.

use std::collections::BTreeSet;

/// The things around the services of a region.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The only subnets, when closed.
    pub subnets: Option<BTreeSet<String>>,
    /// The only VPCs, when closed.
    pub vpcs: Option<BTreeSet<String>>,
    /// The only security groups, when closed.
    pub security_groups: Option<BTreeSet<String>>,
    /// The ARNs of the only roles, when closed.
    pub roles: Option<BTreeSet<String>>,
}

impl Surroundings {
    /// Closes the kinds that `other` closes; a kind that is closed already takes in more.
    pub(super) fn close(&mut self, other: Self) {
        let merge = |mine: &mut Option<BTreeSet<String>>, more: Option<BTreeSet<String>>| {
            if let Some(more) = more {
                mine.get_or_insert_default().extend(more);
            }
        };
        merge(&mut self.subnets, other.subnets);
        merge(&mut self.vpcs, other.vpcs);
        merge(&mut self.security_groups, other.security_groups);
        merge(&mut self.roles, other.roles);
    }

    /// Whether this subnet exists.
    pub fn has_subnet(&self, id: &str) -> bool {
        has(self.subnets.as_ref(), "subnet-", id)
    }

    /// Whether this VPC exists.
    pub fn has_vpc(&self, id: &str) -> bool {
        has(self.vpcs.as_ref(), "vpc-", id)
    }

    /// Whether this security group exists.
    pub fn has_security_group(&self, id: &str) -> bool {
        has(self.security_groups.as_ref(), "sg-", id)
    }

    /// Whether the role of this ARN exists.
    pub fn has_role(&self, arn: &str) -> bool {
        match &self.roles {
            Some(known) => known.contains(arn),
            None => arn
                .strip_prefix("arn:aws:iam::")
                .and_then(|rest| rest.split_once(":role/"))
                .is_some_and(|(account, name)| account.len() == 12 && !name.is_empty()),
        }
    }
}

/// EC2 ids end in 8 (before 2018) or 17 hexadecimal digits.
fn has(known: Option<&BTreeSet<String>>, prefix: &str, id: &str) -> bool {
    if let Some(known) = known {
        return known.contains(id);
    }
    id.strip_prefix(prefix).is_some_and(|digits| {
        matches!(digits.len(), 8 | 17) && digits.bytes().all(|b| b.is_ascii_hexdigit())
    })
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
    }

    #[test]
    fn a_closed_kind_holds_only_what_it_lists() {
        let one = Some(BTreeSet::from(["vpc-main".to_owned()]));
        let closed = Surroundings {
            vpcs: one,
            ..Surroundings::default()
        };
        assert!(closed.has_vpc("vpc-main") && !closed.has_vpc("vpc-0123abcd"));
        assert!(closed.has_security_group("sg-0123abcd"));
    }
}
