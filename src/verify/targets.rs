//! A service's target groups and the load balancers before them: that they exist, fit the tasks, lie in
//! their VPC and are reached. A target group or load balancer is looked at as its manifest declares it, or
//! as it is live where no manifest of the set does.

use serde_json::Value;

use super::judge::{Judge, items, scalar, text, texts};
use super::question::Question;
use crate::manifest::Resource;
use crate::model::Kind;

/// A target group.
#[derive(Clone, Copy, Debug)]
pub(super) struct TargetGroup<'a> {
    /// The declared or the live document: their members have the same names.
    pub(super) document: &'a Value,
    /// The manifest, if there is one.
    pub(super) declared: Option<&'a Resource>,
}

impl<'a> TargetGroup<'a> {
    /// Its name at AWS.
    pub(super) fn name(&self) -> &'a str {
        match self.declared {
            Some(resource) => resource.aws_name(),
            None => text(self.document, "/TargetGroupName").unwrap_or_default(),
        }
    }
}

/// What of a load balancer the tasks behind it depend on.
#[derive(Clone, Debug)]
pub(super) struct Balancer<'a> {
    pub(super) name: String,
    pub(super) is_network: bool,
    pub(super) subnets: Vec<&'a str>,
    pub(super) groups: Vec<&'a str>,
}

/// A target group in a service: its pointer and its container's port.
struct Wired<'a> {
    pointer: String,
    group: TargetGroup<'a>,
    port: Option<i64>,
    /// Whether it only takes traffic during deployments.
    is_alternate: bool,
}

impl<'a> Judge<'a> {
    /// The target groups of a service.
    pub(super) fn service_targets(&mut self) {
        for wired in self.wired() {
            self.attached(&wired);
            self.fits_task(&wired);
            let Some(subnets) = self.own_subnets() else {
                continue;
            };
            let group_vpc = text(wired.group.document, "/VpcId");
            let vpc = subnets.vpc();
            if let (Some(group_vpc), Some(vpc)) = (group_vpc, vpc)
                && group_vpc != vpc
            {
                let message = format!(
                    "the target group `{}` is in {group_vpc} and the service's subnets in {vpc}",
                    wired.group.name()
                );
                let hint = "Name subnets of the target group's VPC, or a target group of theirs.";
                self.error("other-vpc", &wired.pointer, message, hint);
                continue;
            }
            let Some(balancer) = self.balancer_of(wired.group, &wired.pointer) else {
                continue;
            };
            let Some(front) = self.subnets(&balancer.subnets, &wired.pointer) else {
                continue;
            };
            if let (Some(front_vpc), Some(vpc)) = (front.vpc(), vpc)
                && front_vpc != vpc
            {
                let message = format!(
                    "the load balancer `{}` is in {front_vpc} and the service's subnets in {vpc}",
                    balancer.name
                );
                let hint = "Name subnets of the load balancer's VPC.";
                self.error("other-vpc", &wired.pointer, message, hint);
                continue;
            }
            self.zones(&balancer.name, &front.zones(), &subnets.zones());
            if let Some(port) = wired.port {
                self.reached(&balancer, &front.ranges(), port);
            }
        }
    }

    /// The target groups of the service in hand, as far as they are known to exist; those that do not are
    /// told.
    fn wired(&mut self) -> Vec<Wired<'a>> {
        let mut all = Vec::new();
        for (entry, one) in items(self.spec(), "/loadBalancers") {
            let port = one.get("containerPort").and_then(Value::as_i64);
            let alternate = format!("{entry}/advancedConfiguration");
            for (parent, member) in [
                (&entry, "targetGroupArn"),
                (&alternate, "alternateTargetGroupArn"),
            ] {
                let Some(group) = self.target_group_at(parent, member) else {
                    continue;
                };
                all.push(Wired {
                    pointer: format!("{parent}/{member}"),
                    group,
                    port,
                    is_alternate: parent == &alternate,
                });
            }
        }
        all
    }

    /// The target group that a member names by reference or ARN. One that does not exist is told.
    pub(super) fn target_group_at(
        &mut self,
        parent: &str,
        member: &str,
    ) -> Option<TargetGroup<'a>> {
        let resource = self.resource()?;
        if let Some(declared) = self.referred(resource, parent, member) {
            return Some(TargetGroup {
                document: &declared.spec,
                declared: Some(declared),
            });
        }
        let pointer = format!("{parent}/{member}");
        let arn = text(self.spec(), &pointer)?;
        let seen = self.ask(Question::TargetGroup(arn.to_owned()), &pointer)?;
        if seen.is_none() {
            let message = format!(
                "the target group `{arn}` does not exist in {}",
                self.place.region
            );
            let hint = "Name one that does, or declare it and refer to it: aws elbv2 describe-target-groups";
            self.error("missing-target-group", &pointer, message, hint);
        }
        Some(TargetGroup {
            document: seen?,
            declared: None,
        })
    }

    /// The live target group of the same name, as `DescribeTargetGroups` gives it. `None`: not known;
    /// `Some(None)`: not made yet.
    #[expect(
        clippy::option_option,
        reason = "whether it is known, and if so, whether it is there"
    )]
    pub(super) fn live_group(
        &mut self,
        group: TargetGroup<'a>,
        pointer: &str,
    ) -> Option<Option<&'a Value>> {
        match group.declared {
            None => Some(Some(group.document)),
            Some(resource) => {
                let name = resource.aws_name().to_owned();
                self.ask(Question::TargetGroupNamed(name), pointer)
            }
        }
    }

    /// ECS refuses a target group that no load balancer forwards to (aws-facts 3.3).
    fn attached(&mut self, wired: &Wired<'a>) {
        let declared = wired.group.declared;
        if declared.is_some_and(|resource| !self.fronts(&resource.key).is_empty()) {
            return;
        }
        // The other one of a pair is put behind the listener by the deployment engine, where a test
        // listener does not hold it; `routing` looks at that.
        if wired.is_alternate {
            return;
        }
        let Some(live) = self.live_group(wired.group, &wired.pointer) else {
            return;
        };
        let is_used = live.is_some_and(|live| items(live, "/LoadBalancerArns").next().is_some());
        if !is_used {
            let message = format!(
                "no listener and no rule forwards to the target group `{}`, and ECS refuses one without a load balancer",
                wired.group.name()
            );
            let hint = "Declare a Listener or ListenerRule that forwards to it, or add one at AWS.";
            self.error("target-group-unused", &wired.pointer, message, hint);
        }
    }

    /// Target type against network mode, and the port of the health check.
    fn fits_task(&mut self, wired: &Wired<'a>) {
        let Some(service) = self.resource() else {
            return;
        };
        let Some(task) = self.referred(service, "", "taskDefinition") else {
            return;
        };
        let mode = text(&task.spec, "/networkMode").unwrap_or("bridge");
        let kind = text(wired.group.document, "/TargetType").unwrap_or("instance");
        let wanted = if mode == "awsvpc" { "ip" } else { "instance" };
        // With both in the set, `validate` has said so.
        if kind != wanted && wired.group.declared.is_none() {
            let message = format!(
                "the target group `{}` has the target type `{kind}`, and tasks of the network mode `{mode}` are \
                 registered as `{wanted}`",
                wired.group.name()
            );
            let hint = format!("Name a target group of the target type `{wanted}`.");
            self.error("target-type", &wired.pointer, message, hint);
        }
        let checked = scalar(wired.group.document, "/HealthCheckPort");
        let Some(checked) = checked.filter(|port| port != "traffic-port") else {
            return;
        };
        let is_mapped = items(&task.spec, "/containerDefinitions")
            .flat_map(|(_, container)| items(container, "/portMappings"))
            .any(|(_, mapping)| {
                let of = |member: &str| scalar(mapping, member);
                of("/containerPort").as_ref() == Some(&checked)
                    || of("/hostPort").as_ref() == Some(&checked)
                    || of("/containerPortRange").is_some()
            });
        if mode == "awsvpc" && !is_mapped {
            let message = format!(
                "the target group `{}` checks health at port {checked}, which no container of `{}` maps",
                wired.group.name(),
                task.aws_name()
            );
            let hint = "Map the port, or let the health check use `traffic-port`.";
            self.warning("health-check-port", &wired.pointer, message, hint);
        }
    }

    /// A task in a zone that the load balancer is not enabled in gets no traffic and fails its health
    /// checks (ELB user guide, Availability Zones).
    fn zones(&mut self, balancer: &str, front: &[&str], own: &[&str]) {
        let pointer = "/networkConfiguration/awsvpcConfiguration/subnets";
        let mut outside: Vec<&str> = own
            .iter()
            .filter(|zone| !front.contains(zone))
            .copied()
            .collect();
        outside.sort_unstable();
        outside.dedup();
        if outside.is_empty() || front.is_empty() {
            return;
        }
        let hint = "Enable the load balancer in their zones, or name subnets in its zones.";
        let zones = outside.join(", ");
        let its = front.join(", ");
        if own.iter().all(|zone| outside.contains(zone)) {
            let message = format!(
                "the subnets are in {zones}, and the load balancer `{balancer}` is in {its}: no task would get traffic"
            );
            self.error("other-zones", pointer, message, hint);
        } else {
            let message = format!(
                "tasks in {zones} would get no traffic: the load balancer `{balancer}` is in {its}"
            );
            self.warning("other-zones", pointer, message, hint);
        }
    }

    /// The load balancer before a target group: by the listeners and rules of the set, or as it is live.
    fn balancer_of(&mut self, group: TargetGroup<'a>, pointer: &str) -> Option<Balancer<'a>> {
        if let Some(declared) = group.declared {
            for front in self.fronts(&declared.key).to_vec() {
                if let Some(found) = self.balancer_of_front(front, pointer) {
                    return Some(found);
                }
            }
        }
        let live = self.live_group(group, pointer)??;
        let (_, arn) = texts(live, "/LoadBalancerArns").next()?;
        let live = self.ask(Question::LoadBalancer(arn.to_owned()), pointer)??;
        Some(live_balancer(live))
    }

    fn balancer_of_front(&mut self, front: &'a Resource, pointer: &str) -> Option<Balancer<'a>> {
        let listener = if front.key.kind == Kind::ListenerRule {
            if let Some(listener) = self.referred(front, "", "ListenerArn") {
                listener
            } else {
                let arn = text(&front.spec, "/ListenerArn")?;
                let live = self.ask(Question::Listener(arn.to_owned()), pointer)??;
                let arn = text(live, "/LoadBalancerArn")?;
                let live = self.ask(Question::LoadBalancer(arn.to_owned()), pointer)??;
                return Some(live_balancer(live));
            }
        } else {
            front
        };
        if let Some(declared) = self.referred(listener, "", "LoadBalancerArn") {
            let spec = &declared.spec;
            let mapped =
                items(spec, "/SubnetMappings").filter_map(|(_, one)| text(one, "/SubnetId"));
            return Some(Balancer {
                name: declared.aws_name().to_owned(),
                is_network: text(spec, "/Type") == Some("network"),
                subnets: texts(spec, "/Subnets")
                    .map(|(_, id)| id)
                    .chain(mapped)
                    .collect(),
                groups: texts(spec, "/SecurityGroups").map(|(_, id)| id).collect(),
            });
        }
        let arn = text(&listener.spec, "/LoadBalancerArn")?;
        let live = self.ask(Question::LoadBalancer(arn.to_owned()), pointer)??;
        Some(live_balancer(live))
    }
}

fn live_balancer(live: &Value) -> Balancer<'_> {
    Balancer {
        name: text(live, "/LoadBalancerName")
            .unwrap_or_default()
            .to_owned(),
        is_network: text(live, "/Type") == Some("network"),
        subnets: items(live, "/AvailabilityZones")
            .filter_map(|(_, zone)| text(zone, "/SubnetId"))
            .collect(),
        groups: texts(live, "/SecurityGroups").map(|(_, id)| id).collect(),
    }
}
