//! The order in which AWS hands lists back: not the order in which they were sent. Recorded for
//! containers, environment, secrets, port mappings, `volumesFrom`, links, subnets and tags.
//!
//! Invariant: the order depends on the items alone, so the same set always comes back the same way.

use serde_json::Value;

/// FNV-1a, 64 bits: any hash will do, as long as it is always the same one.
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Puts a list in hash order of what identifies its items. Anything but a list stays as it is.
pub(crate) fn shuffle(list: &mut Value) {
    if let Some(items) = list.as_array_mut() {
        items.sort_by_cached_key(|item| {
            let key = identity(item);
            (hash(&key), key)
        });
    }
}

/// What tells an item from its neighbours: itself, its name, its key, its port.
fn identity(item: &Value) -> String {
    ["name", "key", "containerPort", "sourceContainer"]
        .iter()
        .find_map(|member| item.get(member))
        .unwrap_or(item)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_is_that_of_the_set() {
        let mut one = json!([{"name": "a"}, {"name": "b"}, {"name": "c"}, {"name": "d"}]);
        let mut other = json!([{"name": "d"}, {"name": "c"}, {"name": "a"}, {"name": "b"}]);
        let sent = one.clone();
        shuffle(&mut one);
        shuffle(&mut other);
        assert_eq!(one, other);
        assert_ne!(
            one, sent,
            "a list of four must not happen to come back as sent"
        );
    }
}
