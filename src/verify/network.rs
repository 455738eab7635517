//! Subnets, security groups and VPCs: that they exist and lie together. What the load balancer reaches is
//! in `reach`.

use serde_json::Value;

use super::judge::{Judge, text, texts};
use super::question::Question;

/// Where a service says its subnets and its security groups.
const SUBNETS: &str = "/networkConfiguration/awsvpcConfiguration/subnets";
const GROUPS: &str = "/networkConfiguration/awsvpcConfiguration/securityGroups";

/// Subnets as EC2 describes them, all of them known to exist.
#[derive(Clone, Debug, Default)]
pub(super) struct Subnets<'a>(pub(super) Vec<&'a Value>);

impl<'a> Subnets<'a> {
    /// The VPC of the first.
    pub(super) fn vpc(&self) -> Option<&'a str> {
        self.0.first().and_then(|subnet| text(subnet, "/vpcId"))
    }

    /// Their Availability Zones.
    pub(super) fn zones(&self) -> Vec<&'a str> {
        let zones = self
            .0
            .iter()
            .filter_map(|subnet| text(subnet, "/availabilityZone"));
        zones.collect()
    }

    /// Their ranges of IPv4 addresses.
    pub(super) fn ranges(&self) -> Vec<&'a str> {
        let ranges = self
            .0
            .iter()
            .filter_map(|subnet| text(subnet, "/cidrBlock"));
        ranges.collect()
    }
}

impl<'a> Judge<'a> {
    /// The network of a service's tasks.
    pub(super) fn service_network(&mut self) {
        self.network(SUBNETS, GROUPS);
    }

    /// The network of a load balancer of the set.
    pub(super) fn load_balancer_network(&mut self) {
        if let Some(subnets) = self.network("/Subnets", "/SecurityGroups")
            && text(self.spec(), "/Type").is_none_or(|kind| kind == "application")
            && subnets.0.len() > 1
        {
            let mut zones = subnets.zones();
            zones.sort_unstable();
            zones.dedup();
            if zones.len() == 1 {
                let message = format!(
                    "all subnets of the load balancer are in one Availability Zone, {}",
                    zones[0]
                );
                let hint = "An Application Load Balancer needs subnets in two.";
                self.error("one-zone", "/Subnets", message, hint);
            }
        }
    }

    /// The VPC of a target group of the set.
    pub(super) fn vpc(&mut self) {
        let Some(id) = text(self.spec(), "/VpcId") else {
            return;
        };
        if self.ask(Question::Vpc(id.to_owned()), "/VpcId") == Some(None) {
            let message = format!("the VPC `{id}` does not exist in {}", self.place.region);
            let hint = "Name the VPC of the service's subnets: aws ec2 describe-subnets";
            self.error("missing-vpc", "/VpcId", message, hint);
        }
    }

    /// Subnets and security groups: that they exist, in one VPC. Gives the subnets if all are known.
    fn network(&mut self, subnets: &str, groups: &str) -> Option<Subnets<'a>> {
        let region = &self.place.region;
        let mut found = Vec::new();
        let mut asked = 0;
        for (pointer, id) in texts(self.spec(), subnets) {
            asked += 1;
            let Some(seen) = self.ask(Question::Subnet(id.to_owned()), &pointer) else {
                continue;
            };
            if let Some(subnet) = seen {
                found.push((pointer, id, subnet));
            } else {
                let message = format!("the subnet `{id}` does not exist in {region}");
                let hint = "Name one that does: aws ec2 describe-subnets";
                self.error("missing-subnet", &pointer, message, hint);
            }
        }
        let vpc = found
            .first()
            .and_then(|(.., subnet)| text(subnet, "/vpcId"));
        if let Some(vpc) = vpc {
            for (pointer, id, subnet) in &found {
                let other = text(subnet, "/vpcId").unwrap_or_default();
                if other != vpc {
                    let message = format!(
                        "the subnet `{id}` is in {other} and the first one, `{}`, in {vpc}",
                        found[0].1
                    );
                    let hint = "Name subnets of one VPC.";
                    self.error("other-vpc", pointer, message, hint);
                }
            }
        }
        for (pointer, id) in texts(self.spec(), groups) {
            let Some(seen) = self.ask(Question::SecurityGroup(id.to_owned()), &pointer) else {
                continue;
            };
            let Some(group) = seen else {
                let message = format!("the security group `{id}` does not exist in {region}");
                let hint = "Name one that does: aws ec2 describe-security-groups";
                self.error("missing-security-group", &pointer, message, hint);
                continue;
            };
            let other = text(group, "/vpcId").unwrap_or_default();
            if let Some(vpc) = vpc.filter(|vpc| *vpc != other) {
                let message =
                    format!("the security group `{id}` is in {other} and the subnets in {vpc}");
                let hint = format!("Name a security group of {vpc}.");
                self.error("other-vpc", &pointer, message, hint);
            }
        }
        let all: Vec<&Value> = found.into_iter().map(|(.., subnet)| subnet).collect();
        (all.len() == asked).then_some(Subnets(all))
    }

    /// Subnets that are known to exist; `None` if one is not known, or missing, which is told where it
    /// is named.
    pub(super) fn subnets(&mut self, ids: &[&str], pointer: &str) -> Option<Subnets<'a>> {
        let mut all = Vec::new();
        let mut complete = true;
        for id in ids {
            let seen = self.ask(Question::Subnet((*id).to_owned()), pointer);
            match seen.flatten() {
                Some(subnet) => all.push(subnet),
                None => complete = false,
            }
        }
        complete.then_some(Subnets(all))
    }

    /// The subnets of the service in hand.
    pub(super) fn own_subnets(&mut self) -> Option<Subnets<'a>> {
        let ids: Vec<&str> = texts(self.spec(), SUBNETS).map(|(_, id)| id).collect();
        self.subnets(&ids, SUBNETS)
            .filter(|subnets| !subnets.0.is_empty())
    }

    /// The security groups of the service in hand, as EC2 describes them; `None` as for subnets.
    pub(super) fn own_groups(&mut self) -> Option<Vec<&'a Value>> {
        let mut all = Vec::new();
        let mut complete = true;
        for (pointer, id) in texts(self.spec(), GROUPS) {
            match self
                .ask(Question::SecurityGroup(id.to_owned()), &pointer)
                .flatten()
            {
                Some(group) => all.push(group),
                None => complete = false,
            }
        }
        (complete && !all.is_empty()).then_some(all)
    }
}
