//! Rules of the metrics that a scaling policy follows: which there are for ECS services, and the label
//! that names a target group (`PredefinedMetricSpecification` in the service model).

use super::super::tree::Node;
use super::super::world::World;
use super::Rules;
use super::scaling::target_groups;
use super::scaling_policy::{FORECAST, TRACKING};
use super::service::controller;

/// The predefined metric that counts the requests of a target group.
const REQUESTS: &str = "ALBRequestCountPerTarget";

/// The predefined metrics of ECS services.
const METRICS: [&str; 5] = [
    REQUESTS,
    "ECSServiceAverageCPUUtilization",
    "ECSServiceAverageMemoryUtilization",
    "ECSServiceAverageCPUUtilizationHighResolution",
    "ECSServiceAverageMemoryUtilizationHighResolution",
];

/// The members of a forecast that hold predefined metrics.
const FORECAST_METRICS: [&str; 3] = [
    "PredefinedMetricPairSpecification",
    "PredefinedScalingMetricSpecification",
    "PredefinedLoadMetricSpecification",
];

impl Rules<'_, '_, '_> {
    pub(super) fn target_tracking(&mut self, tracking: &Node) {
        let (predefined, customized) = (
            "PredefinedMetricSpecification",
            "CustomizedMetricSpecification",
        );
        let both = [predefined, customized].map(|member| tracking.entry(member));
        match both {
            [None, None] => {
                let message = format!("`{predefined}` is missing: a policy tracks one metric");
                self.error("missing-field", tracking.place, TRACKING, message)
                    .hint(format!("Give it, or `{customized}`."));
            }
            [Some(_), Some(second)] => {
                let message = format!("`{predefined}` and `{customized}` stand side by side");
                self.error("two-ways", second.key_place, TRACKING, message)
                    .hint("Keep one of the two.");
            }
            _ => {}
        }
        if let [Some(metric), _] = both {
            let pointer = format!("/{TRACKING}/{predefined}");
            let path = format!("{TRACKING}.{predefined}");
            let name = metric.value.text("PredefinedMetricType");
            if let Some(name) = name.filter(|name| !METRICS.contains(name)) {
                let place = metric.value.place_of("PredefinedMetricType");
                let path = format!("{path}.PredefinedMetricType");
                let message = format!("`{name}` is no metric of ECS services");
                self.error("bad-value", place, path, message)
                    .hint(format!("One of {}.", METRICS.join(", ")));
            }
            self.label(&metric.value, name == Some(REQUESTS), &path, &pointer);
        }
        if let [_, Some(metric)] = both {
            self.customized(&metric.value, &format!("{TRACKING}.{customized}"));
        }
    }

    /// One metric by its name, or metric math.
    fn customized(&mut self, metric: &Node, path: &str) {
        let single = ["MetricName", "Namespace", "Statistic"];
        let given: Vec<&str> = single
            .into_iter()
            .filter(|member| metric.entry(member).is_some())
            .collect();
        if metric.list("Metrics").is_empty() {
            for member in single.into_iter().filter(|member| !given.contains(member)) {
                let message = format!("`{member}` is missing");
                self.error("missing-field", metric.place, path, message)
                    .hint("Give `MetricName`, `Namespace` and `Statistic`, or `Metrics`.");
            }
        } else if let Some(first) = given.first().and_then(|member| metric.entry(member)) {
            let message = format!("`{}` and `Metrics` stand side by side", first.key);
            self.error("two-ways", first.key_place, path, message)
                .hint("Keep one of the two.");
        }
    }

    pub(super) fn forecast(&mut self, forecast: &Node) {
        let list = forecast.list("MetricSpecifications");
        if list.len() != 1 {
            let place = forecast.place_of("MetricSpecifications");
            let message = format!("{} metric specifications; AWS takes 1", list.len());
            self.error(
                "too-many",
                place,
                format!("{FORECAST}.MetricSpecifications"),
                message,
            );
        }
        for (index, one) in list.iter().enumerate() {
            let path = format!("{FORECAST}.MetricSpecifications[{index}]");
            let has = |member: &str| one.entry(member).is_some();
            let pair = has(FORECAST_METRICS[0]);
            let scaling = has(FORECAST_METRICS[1]) || has("CustomizedScalingMetricSpecification");
            let load = has(FORECAST_METRICS[2]) || has("CustomizedLoadMetricSpecification");
            if pair == (scaling || load) || scaling != load {
                let message =
                    "a forecast follows a metric pair, or a scaling metric and a load metric";
                self.error("missing-field", one.place, &path, message);
            }
            for member in FORECAST_METRICS {
                let Some(metric) = one.entry(member) else {
                    continue;
                };
                let name = metric.value.text("PredefinedMetricType");
                let of_requests = name.is_some_and(|name| name.starts_with("ALBRequestCount"));
                let pointer = format!("/{FORECAST}/MetricSpecifications/{index}/{member}");
                self.label(
                    &metric.value,
                    of_requests,
                    &format!("{path}.{member}"),
                    &pointer,
                );
            }
        }
        let raises = forecast.text("MaxCapacityBreachBehavior") == Some("IncreaseMaxCapacity");
        match forecast.entry("MaxCapacityBuffer") {
            None if raises => {
                let message =
                    "`MaxCapacityBuffer` is missing: the breach behaviour is `IncreaseMaxCapacity`";
                self.error("missing-field", forecast.place, FORECAST, message);
            }
            Some(entry) if !raises => {
                let message = "is only for the breach behaviour `IncreaseMaxCapacity`";
                let path = format!("{FORECAST}.MaxCapacityBuffer");
                self.error("not-allowed", entry.key_place, path, message);
            }
            _ => {}
        }
    }

    /// The label of a metric: there if the metric is of a target group, and of one that the service is
    /// behind.
    fn label(&mut self, metric: &Node, needed: bool, path: &str, pointer: &str) {
        let given = ["ResourceLabel", "TargetGroupRef"]
            .into_iter()
            .find_map(|member| metric.entry(member));
        let Some(entry) = given else {
            if needed {
                let message = "`ResourceLabel` is missing: the metric is of a target group";
                self.error("missing-field", metric.place, path, message)
                    .hint("Give `TargetGroupRef` to name the manifest, or `ResourceLabel`.");
            }
            return;
        };
        let at = format!("{path}.{}", entry.key);
        if !needed {
            let message = "is only for a metric of a target group's requests";
            self.error("not-allowed", entry.key_place, at, message)
                .hint("Remove it.");
            return;
        }
        let group = match entry.value.as_text() {
            Some(label) if entry.key == "ResourceLabel" => {
                let Some(name) = group_of_label(label) else {
                    let message = format!("`{label}` is no label of a target group");
                    self.error("bad-value", entry.value.place, at, message)
                        .hint("Write `app/BALANCER/ID/targetgroup/GROUP/ID`, or `TargetGroupRef` to name a manifest.");
                    return;
                };
                name
            }
            _ => {
                let linked = self
                    .world
                    .linked(self.draft, &format!("{pointer}/TargetGroupRef"));
                let Some(group) = linked else { return };
                group.aws_name()
            }
        };
        self.group_of_service(group, entry.value.place, at);
    }

    fn group_of_service(&mut self, group: &str, place: super::Place, at: String) {
        let Some(service) = self.world.scaled_service(self.draft) else {
            return;
        };
        let behind = target_groups(service, self.world);
        // A group that is named by ARN may be any.
        let all_known =
            World::target_groups_of(service).count() == service.spec.list("loadBalancers").len();
        if all_known && !behind.iter().any(|one| one.aws_name() == group) {
            let message = format!("{} is not behind the target group `{group}`", service.key);
            self.warning("not-behind", place, at, message)
                .hint("It would be scaled by the requests of something else.");
        } else if controller(&service.spec) == "CODE_DEPLOY" {
            let message = format!(
                "the metric follows `{group}`, which has the traffic of {} only after every other deployment",
                service.key
            );
            self.warning("one-of-a-pair", place, at, message)
                .hint("Track CPU or memory, or a customized metric of the load balancer's requests divided by the running tasks.");
        }
    }
}

/// The name of the target group in `app/BALANCER/ID/targetgroup/GROUP/ID`.
fn group_of_label(label: &str) -> Option<&str> {
    match label.split('/').collect::<Vec<_>>().as_slice() {
        ["app", balancer, id, "targetgroup", group, group_id]
            if ![balancer, id, group, group_id]
                .iter()
                .any(|part| part.is_empty()) =>
        {
            Some(group)
        }
        _ => None,
    }
}
