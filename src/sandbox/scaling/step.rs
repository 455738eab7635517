//! The rules of step adjustments (documentation of `StepAdjustment`).

use super::{AwsError, Value, input, invalid};

/// Steps of one policy (Application Auto Scaling quotas).
const MOST: usize = 20;

/// Checks a `StepScalingPolicyConfiguration`.
pub(super) fn check(given: &Value) -> Result<(), AwsError> {
    let kind = input::filled(given, "AdjustmentType")
        .ok_or_else(|| invalid("AdjustmentType is required for step scaling"))?;
    if ![
        "ChangeInCapacity",
        "PercentChangeInCapacity",
        "ExactCapacity",
    ]
    .contains(&kind)
    {
        return Err(invalid(format!("Unknown adjustment type {kind}")));
    }
    if kind != "PercentChangeInCapacity" && input::sent(given, "MinAdjustmentMagnitude") {
        return Err(invalid(
            "MinAdjustmentMagnitude is only for the adjustment type PercentChangeInCapacity",
        ));
    }
    let steps = input::list(given, "StepAdjustments");
    if steps.is_empty() {
        return Err(invalid("At least one step adjustment is required"));
    }
    if steps.len() > MOST {
        return Err(AwsError::new(
            "LimitExceededException",
            format!("A step scaling policy has at most {MOST} step adjustments"),
        ));
    }
    let mut ranges = Vec::new();
    for step in steps {
        let adjustment = input::int(step, "ScalingAdjustment")?
            .ok_or_else(|| invalid("ScalingAdjustment is required"))?;
        if kind == "ExactCapacity" && adjustment < 0 {
            return Err(invalid("An exact capacity cannot be negative"));
        }
        let bound = |member: &str| step.get(member).and_then(Value::as_f64);
        let (lower, upper) = (
            bound("MetricIntervalLowerBound"),
            bound("MetricIntervalUpperBound"),
        );
        if lower.is_none() && upper.is_none() {
            return Err(invalid(
                "The upper and lower bound can't be null in the same step adjustment",
            ));
        }
        let range = (
            lower.unwrap_or(f64::NEG_INFINITY),
            upper.unwrap_or(f64::INFINITY),
        );
        if range.0 >= range.1 {
            return Err(invalid(
                "The upper bound of a step adjustment must be greater than its lower bound",
            ));
        }
        ranges.push(range);
    }
    ranges.sort_by(|one, other| one.0.total_cmp(&other.0));
    let touching = ranges
        .windows(2)
        .all(|pair| pair[0].1.total_cmp(&pair[1].0).is_eq());
    if !touching {
        return Err(invalid(
            "The ranges of the step adjustments overlap or have a gap",
        ));
    }
    let (first, last) = (ranges[0].0, ranges[ranges.len() - 1].1);
    if (first.is_finite() && first < 0.0) || (last.is_finite() && last > 0.0) {
        return Err(invalid(
            "A negative lower bound needs a step with a null lower bound, and a positive upper bound \
             one with a null upper bound",
        ));
    }
    Ok(())
}
