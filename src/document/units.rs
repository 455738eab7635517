//! Task sizes: `1 vCPU` and `0.5 GB` as the integer texts that ECS answers (aws-facts 3.1:
//! CPU units are 1/1024 of a vCPU, memory is in MiB).

use serde_json::Value;

/// The task-level `cpu` as a text of CPU units; what cannot be read is left as it is.
pub(super) fn cpu(value: &Value) -> Value {
    size(value, "vcpu")
}

/// The task-level `memory` as a text of MiB; what cannot be read is left as it is.
pub(super) fn memory(value: &Value) -> Value {
    size(value, "gb")
}

fn size(value: &Value, unit: &str) -> Value {
    let text = match value {
        Value::String(text) => text.trim().to_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => return value.clone(),
    };
    let units = match text.strip_suffix(unit) {
        Some(count) => thousandths(count.trim()).map(|t| t.saturating_mul(1024) / 1000),
        None => text.parse::<u64>().ok(),
    };
    units.map_or_else(|| value.clone(), |units| Value::String(units.to_string()))
}

/// A decimal such as `0.5`, `.25` or `4`, in thousandths.
fn thousandths(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let fraction: u64 = format!("{fraction:0<3}").parse().ok()?;
    whole.checked_mul(1000)?.checked_add(fraction)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_with_units_become_integer_texts() {
        for (given, expected) in [
            (json!("1 vCPU"), "1024"),
            (json!(".25 vcpu"), "256"),
            (json!("0.5vCPU"), "512"),
            (json!("256"), "256"),
            (json!(256), "256"),
        ] {
            assert_eq!(cpu(&given), json!(expected));
        }
        assert_eq!(memory(&json!("0.5 GB")), json!("512"));
        assert_eq!(memory(&json!("30GB")), json!("30720"));
    }

    #[test]
    fn what_is_no_size_stays() {
        for odd in [
            json!("lots"),
            json!("1.2345 vCPU"),
            json!(" vCPU"),
            json!(null),
            json!([1]),
        ] {
            assert_eq!(cpu(&odd), odd);
        }
    }
}
