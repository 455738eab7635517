//! A short digest of a document's content, fit to be kept as a tag. Not a checksum of its bytes.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// How many bytes of the SHA-256 are kept: 128 bits, 32 hexadecimal digits.
const KEPT_BYTES: usize = 16;

/// `v1:` and the hexadecimal digits of the first 16 bytes of the SHA-256 over the document as compact
/// JSON with sorted object keys. Lists count in order: sort those that are sets first, as
/// [`super::canonical_task_definition`] does. The version changes when the same content would get
/// another digest.
pub fn digest(document: &Value) -> String {
    let hash = Sha256::digest(sorted_text(document).as_bytes());
    format!("v1:{}", hex::encode(&hash[..KEPT_BYTES]))
}

/// The document as compact JSON with sorted object keys, and whole numbers without a fraction.
pub(super) fn sorted_text(document: &Value) -> String {
    let mut sorted = plain_numbers(document);
    sorted.sort_all_objects();
    sorted.to_string()
}

fn plain_numbers(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(plain_numbers).collect()),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(k, v)| (k.clone(), plain_numbers(v)))
                .collect(),
        ),
        Value::Number(number) => whole(number).map_or_else(|| value.clone(), Value::from),
        _ => value.clone(),
    }
}

/// The integer that a number written with a fraction of zero (`5.0`) is.
fn whole(number: &serde_json::Number) -> Option<i64> {
    if !number.is_f64() {
        return None;
    }
    number.to_string().strip_suffix(".0")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn order_of_members_and_form_of_numbers_do_not_count() {
        let one = json!({"a": 1, "b": {"c": [1, 2], "d": null}});
        let two = json!({"b": {"d": null, "c": [1.0, 2]}, "a": 1});
        assert_eq!(digest(&one), digest(&two));
    }

    #[test]
    fn order_of_lists_and_values_count() {
        assert_ne!(digest(&json!([1, 2])), digest(&json!([2, 1])));
        assert_ne!(digest(&json!({"a": 1})), digest(&json!({"a": "1"})));
    }

    #[test]
    fn the_form_is_fixed_because_it_is_kept_as_a_tag() {
        // echo -n '{"a":1}' | sha256sum
        assert_eq!(
            digest(&json!({"a": 1})),
            "v1:015abd7f5cc57a2dd94b7590f04ad808"
        );
    }
}
