//! Rules of a scaling policy: its type and configuration, and steps. Its metrics are in
//! `scaling_metric`.

use super::super::tree::{Data, Node};
use super::Rules;

pub(super) const TRACKING: &str = "TargetTrackingScalingPolicyConfiguration";
pub(super) const FORECAST: &str = "PredictiveScalingPolicyConfiguration";
const STEP: &str = "StepScalingPolicyConfiguration";

/// The types and the members that hold their configurations.
const TYPES: [(&str, &str); 3] = [
    ("StepScaling", STEP),
    ("TargetTrackingScaling", TRACKING),
    ("PredictiveScaling", FORECAST),
];

/// Steps of one policy (Application Auto Scaling quotas).
const MAX_STEPS: usize = 20;

impl Rules<'_, '_, '_> {
    pub(super) fn scaling_policy(&mut self) {
        self.scaled_service();
        let named = self.world.scaled_names(self.draft);
        if let Some((cluster, service)) = named
            && self.world.scalable_target_of(self.draft).is_none()
        {
            let place = self.place_of_service();
            let message = format!(
                "no ScalableTarget manifest is of service `{service}` of cluster `{cluster}`"
            );
            self.warning("no-scalable-target", place, "ServiceRef", message)
                .hint("Without one the policy waits until somebody else registers the service.");
        }
        self.policy_type();
        let spec = self.spec();
        if let Some(steps) = spec.get(&[STEP]) {
            self.steps_of_scaling(steps);
        }
        if let Some(tracking) = spec.get(&[TRACKING]) {
            self.target_tracking(tracking);
        }
        if let Some(forecast) = spec.get(&[FORECAST]) {
            self.forecast(forecast);
        }
    }

    /// The configuration must be that of the type.
    fn policy_type(&mut self) {
        self.demand(&["PolicyType"], None, "AWS must know what the policy does");
        let spec = self.spec();
        let Some(kind) = spec.text("PolicyType") else {
            return;
        };
        let Some((_, own)) = TYPES.into_iter().find(|(name, _)| *name == kind) else {
            return;
        };
        if spec.entry(own).is_none() {
            let message = format!("`{own}` is missing: the policy type is `{kind}`");
            self.error("missing-field", spec.place_of("PolicyType"), own, message);
        }
        for (_, other) in TYPES.into_iter().filter(|(_, member)| *member != own) {
            if let Some(entry) = spec.entry(other) {
                let message = format!("`{other}` is not for the policy type `{kind}`");
                self.error("not-allowed", entry.key_place, other, message)
                    .hint(format!("Its configuration is `{own}`."));
            }
        }
    }

    /// `StepAdjustment` in the service model's documentation.
    fn steps_of_scaling(&mut self, steps: &Node) {
        for member in ["AdjustmentType", "StepAdjustments"] {
            if steps.entry(member).is_none() {
                let message = format!("`{member}` is missing");
                self.error("missing-field", steps.place, STEP, message);
            }
        }
        let kind = steps.text("AdjustmentType");
        if let Some(entry) = steps.entry("MinAdjustmentMagnitude")
            && kind.is_some_and(|kind| kind != "PercentChangeInCapacity")
        {
            let message = "is only for the adjustment type `PercentChangeInCapacity`";
            let path = format!("{STEP}.MinAdjustmentMagnitude");
            self.error("not-allowed", entry.key_place, path, message);
        }
        let list = steps.list("StepAdjustments");
        let path = format!("{STEP}.StepAdjustments");
        if steps.entry("StepAdjustments").is_some() && list.is_empty() {
            let place = steps.place_of("StepAdjustments");
            self.error("missing-field", place, &path, "at least one step is needed");
        }
        if list.len() > MAX_STEPS {
            let message = format!("{} steps; AWS takes {MAX_STEPS}", list.len());
            self.error(
                "too-many",
                steps.place_of("StepAdjustments"),
                &path,
                message,
            );
        }
        for (index, step) in list.iter().enumerate() {
            if kind == Some("ExactCapacity")
                && step.int("ScalingAdjustment").is_some_and(|by| by < 0)
            {
                let place = step.place_of("ScalingAdjustment");
                let path = format!("{path}[{index}].ScalingAdjustment");
                self.error(
                    "out-of-range",
                    place,
                    path,
                    "an exact capacity cannot be negative",
                );
            }
        }
        if let Some((index, message)) = wrong_interval(list) {
            let place = list.get(index).map_or(steps.place, |step| step.place);
            self.error("step-intervals", place, format!("{path}[{index}]"), message)
                .hint("Together the steps must cover one range without gaps: leave out the lower bound of the lowest below 0, and the upper bound of the highest above 0.");
        }
    }
}

/// The first step whose interval is wrong, and why.
fn wrong_interval(steps: &[Node]) -> Option<(usize, String)> {
    let bound = |step: &Node, member: &str| step.get(&[member]).and_then(number);
    let mut ranges = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let lower = bound(step, "MetricIntervalLowerBound");
        let upper = bound(step, "MetricIntervalUpperBound");
        if lower.is_none() && upper.is_none() {
            return Some((index, "has neither a lower nor an upper bound".to_owned()));
        }
        let range = (
            lower.unwrap_or(f64::NEG_INFINITY),
            upper.unwrap_or(f64::INFINITY),
        );
        if range.0 >= range.1 {
            let message = format!(
                "the upper bound {} is not above the lower bound {}",
                range.1, range.0
            );
            return Some((index, message));
        }
        ranges.push((range, index));
    }
    ranges.sort_by(|one, other| one.0.0.total_cmp(&other.0.0));
    for pair in ranges.windows(2) {
        let ((_, end), (start, _)) = (pair[0].0, pair[1].0);
        match end.total_cmp(&start) {
            std::cmp::Ordering::Equal => {}
            std::cmp::Ordering::Less => {
                return Some((
                    pair[1].1,
                    format!("there is a gap between {end} and {start}"),
                ));
            }
            std::cmp::Ordering::Greater => {
                return Some((pair[1].1, "overlaps another step".to_owned()));
            }
        }
    }
    let (first, last) = (ranges.first()?, ranges.last()?);
    if first.0.0.is_finite() && first.0.0 < 0.0 {
        return Some((
            first.1,
            "no step covers what is below its lower bound".to_owned(),
        ));
    }
    if last.0.1.is_finite() && last.0.1 > 0.0 {
        return Some((
            last.1,
            "no step covers what is above its upper bound".to_owned(),
        ));
    }
    None
}

fn number(node: &Node) -> Option<f64> {
    match &node.data {
        Data::Number(number) => number.as_f64(),
        _ => None,
    }
}
