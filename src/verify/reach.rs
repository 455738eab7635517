//! Whether the tasks' security groups let the load balancer in at the container's port.

use serde_json::Value;

use super::addresses::covers;
use super::judge::{Judge, items, scalar, text};
use super::targets::Balancer;

/// What security groups say about one port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Somebody who may be the load balancer is let in.
    Open,
    /// Others are let in, the load balancer is not.
    Others,
    /// Nobody is let in.
    Closed,
}

impl<'a> Judge<'a> {
    /// Judges one load balancer and one port of the service in hand.
    pub(super) fn reached(&mut self, balancer: &Balancer<'a>, ranges: &[&str], port: i64) {
        let Some(own) = self.own_groups() else {
            return;
        };
        let ids: Vec<&str> = own
            .iter()
            .filter_map(|group| text(group, "/groupId"))
            .collect();
        let ids = ids.join(", ");
        let (name, sources) = (&balancer.name, balancer.groups.join(", "));
        let at = "/networkConfiguration/awsvpcConfiguration/securityGroups";
        // A Network Load Balancer may keep the clients' addresses, which are not known here.
        let is_client = balancer.is_network;
        let hint = if sources.is_empty() {
            format!("Let it in: TCP port {port} from the load balancer's subnets.")
        } else {
            format!(
                "Let it in: aws ec2 authorize-security-group-ingress --group-id GROUP --protocol tcp --port {port} \
                 --source-group {sources}"
            )
        };
        match reach(&own, &balancer.groups, ranges, port) {
            Reach::Open => {}
            Reach::Others if is_client => {}
            Reach::Others => {
                let message = format!(
                    "the security groups {ids} let others in at port {port}, and the load balancer `{name}` seems not \
                     to be among them"
                );
                self.warning("not-reached", at, message, hint);
            }
            Reach::Closed => {
                let message = format!(
                    "the security groups {ids} let nobody in at port {port}, where the load balancer `{name}` sends \
                     traffic and checks health"
                );
                self.error("not-reached", at, message, hint);
            }
        }
    }
}

/// What `own`, as EC2 describes them, say of a port and of a load balancer with these security groups and
/// these ranges of addresses.
fn reach(own: &[&Value], groups: &[&str], ranges: &[&str], port: i64) -> Reach {
    let mut found = Reach::Closed;
    for (_, rule) in own.iter().flat_map(|group| items(group, "/ipPermissions")) {
        if !meets(rule, port) {
            continue;
        }
        let from_group = items(rule, "/groups")
            .filter_map(|(_, one)| text(one, "/groupId"))
            .any(|id| groups.contains(&id));
        let from_range = items(rule, "/ipRanges")
            .filter_map(|(_, one)| text(one, "/cidrIp"))
            .any(|outer| ranges.iter().any(|inner| covers(outer, inner)));
        // What a prefix list or a range of IPv6 addresses holds is not known here.
        let from_unknown = items(rule, "/prefixListIds").next().is_some()
            || items(rule, "/ipv6Ranges").next().is_some();
        if from_group || from_range || from_unknown {
            return Reach::Open;
        }
        found = Reach::Others;
    }
    found
}

/// Whether a rule is about this TCP port.
fn meets(rule: &Value, port: i64) -> bool {
    let protocol = scalar(rule, "/ipProtocol").unwrap_or_default();
    if protocol == "-1" {
        return true;
    }
    let number = |member: &str| scalar(rule, member).and_then(|text| text.parse::<i64>().ok());
    let (Some(from), Some(to)) = (number("/fromPort"), number("/toPort")) else {
        return false;
    };
    ["tcp", "6"].contains(&protocol.as_str()) && (from..=to).contains(&port)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ask(rule: &Value) -> Reach {
        let group = json!({"ipPermissions": [rule]});
        reach(&[&group], &["sg-front"], &["10.0.1.0/24"], 8080)
    }

    #[test]
    fn a_group_a_range_or_everything_lets_the_load_balancer_in() {
        let tcp = json!({"ipProtocol": "tcp", "fromPort": "8000", "toPort": "8999"});
        let with = |member: &str, list: Value| {
            let mut rule = tcp.clone();
            rule[member] = list;
            rule
        };
        for rule in [
            with("groups", json!([{"groupId": "sg-front"}])),
            with("ipRanges", json!([{"cidrIp": "10.0.0.0/16"}])),
            with("prefixListIds", json!([{"prefixListId": "pl-1"}])),
            json!({"ipProtocol": "-1", "ipRanges": [{"cidrIp": "0.0.0.0/0"}]}),
        ] {
            assert_eq!(ask(&rule), Reach::Open, "{rule}");
        }
        let other = with("groups", json!([{"groupId": "sg-other"}]));
        assert_eq!(ask(&other), Reach::Others);
    }

    #[test]
    fn another_port_or_protocol_lets_nobody_in() {
        for rule in [
            json!({"ipProtocol": "tcp", "fromPort": "80", "toPort": "80", "ipRanges": [{"cidrIp": "0.0.0.0/0"}]}),
            json!({"ipProtocol": "udp", "fromPort": "8080", "toPort": "8080", "ipRanges": [{"cidrIp": "0.0.0.0/0"}]}),
            json!({"ipProtocol": "icmp"}),
        ] {
            assert_eq!(ask(&rule), Reach::Closed, "{rule}");
        }
    }
}
