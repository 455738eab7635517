//! Members that a manifest leaves to others (`sync.ignore`): the declared document with what is live
//! in their places. It then shows no difference there, and what is written holds what is live.
//!
//! A pointer is spelled as the path of a difference is: elements of keyed lists by their key.

use serde_json::{Value, json};

use super::list::key_of;
use super::rules::{Rules, Treat};

/// How far an ignored pointer reaches into what is not declared at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undeclared {
    /// It stays undeclared, and is no difference.
    Left,
    /// It is taken over, since the document is written as a whole (a task definition).
    Taken,
}

/// The declared document with the live values at these pointers; what is not live at one of them is
/// left out.
pub fn carried_over<'a>(
    desired: &Value,
    live: &Value,
    pointers: impl IntoIterator<Item = &'a str>,
    rules: &Rules,
    undeclared: Undeclared,
) -> Value {
    let mut carried = desired.clone();
    for pointer in pointers {
        let segments: Vec<String> = pointer
            .split('/')
            .skip(1)
            .map(|segment| segment.replace("~1", "/").replace("~0", "~"))
            .collect();
        carry(&mut carried, live, &segments, "", rules, undeclared);
    }
    carried
}

fn carry(
    desired: &mut Value,
    live: &Value,
    segments: &[String],
    pattern: &str,
    rules: &Rules,
    undeclared: Undeclared,
) {
    let Some((segment, rest)) = segments.split_first() else {
        return;
    };
    if let Value::Array(wanted) = desired {
        let label = |index: usize, element: &Value| match rules.treat(pattern) {
            Some(Treat::Keyed(members)) => key_of(element, members),
            _ => index.to_string(),
        };
        let present = live.as_array().map_or(&[][..], Vec::as_slice);
        let place = |list: &[Value]| {
            let labels = list.iter().enumerate();
            labels
                .map(|(index, element)| label(index, element))
                .position(|label| label == *segment)
        };
        let (mine, theirs) = (place(wanted), place(present));
        match (mine, theirs.and_then(|index| present.get(index))) {
            (Some(mine), Some(theirs)) if rest.is_empty() => wanted[mine] = theirs.clone(),
            (Some(mine), Some(theirs)) => {
                let pattern = format!("{pattern}/*");
                carry(&mut wanted[mine], theirs, rest, &pattern, rules, undeclared);
            }
            (Some(mine), None) if rest.is_empty() => {
                wanted.remove(mine);
            }
            (None, Some(theirs)) if rest.is_empty() => wanted.push(theirs.clone()),
            _ => {}
        }
        return;
    }
    let Value::Object(wanted) = desired else {
        return;
    };
    let theirs = live.get(segment).filter(|value| !value.is_null());
    if rest.is_empty() {
        match theirs {
            Some(theirs) => {
                wanted.insert(segment.clone(), theirs.clone());
            }
            None => {
                wanted.shift_remove(segment);
            }
        }
        return;
    }
    if let Some(theirs) = theirs
        && undeclared == Undeclared::Taken
    {
        let empty = if theirs.is_array() {
            json!([])
        } else {
            json!({})
        };
        wanted.entry(segment.clone()).or_insert(empty);
    }
    if let Some(mine) = wanted.get_mut(segment) {
        let theirs = theirs.unwrap_or(&Value::Null);
        let pattern = format!("{pattern}/{segment}");
        carry(mine, theirs, rest, &pattern, rules, undeclared);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Change, compare};

    const RULES: Rules = Rules {
        members: &[
            ("/containers", Treat::Keyed(&["name"])),
            ("/containers/*/environment", Treat::Keyed(&["name"])),
        ],
        scalars_by_text: false,
        changes: &[],
        other_changes: Change::Recreate,
    };

    fn carried(desired: &Value, live: &Value, pointer: &str, undeclared: Undeclared) -> Value {
        carried_over(desired, live, [pointer], &RULES, undeclared)
    }

    #[test]
    fn the_path_of_a_difference_ignored_leaves_no_difference() {
        let desired = json!({"count": 1, "gone": 2, "deep": {"a~b/c": 1, "other": 2},
            "containers": [{"name": "app", "image": "a:1", "environment": [{"name": "MODE", "value": "x"}]}],
            "plain": [1, 2, 3]});
        let live = json!({"count": 5, "deep": {"a~b/c": 9, "other": 2},
            "containers": [{"name": "side"}, {"name": "app", "image": "a:2",
                "environment": [{"name": "Z", "value": "z"}, {"name": "MODE", "value": "y"}]}],
            "plain": [1, 5, 3]});
        let found = compare(&desired, &live, &RULES);
        assert_eq!(found.len(), 8, "{found:?}");
        for difference in &found {
            let carried = carried(&desired, &live, &difference.path, Undeclared::Left);
            let left = compare(&carried, &live, &RULES);
            assert_eq!(left.len(), found.len() - 1, "{}: {left:?}", difference.path);
        }
        let paths = found.iter().map(|difference| difference.path.as_str());
        let all = carried_over(&desired, &live, paths, &RULES, Undeclared::Left);
        assert!(compare(&all, &live, &RULES).is_empty());
    }

    #[test]
    fn what_is_undeclared_is_taken_only_into_a_whole_document() {
        let desired = json!({"containers": [{"name": "app"}]});
        let live = json!({"containers": [{"name": "app", "environment": [
            {"name": "MODE", "value": "y"}, {"name": "Z", "value": "z"}]}]});
        let pointer = "/containers/app/environment/MODE";
        assert_eq!(carried(&desired, &live, pointer, Undeclared::Left), desired);
        let taken = carried(&desired, &live, pointer, Undeclared::Taken);
        assert_eq!(
            taken,
            json!({"containers": [{"name": "app", "environment": [{"name": "MODE", "value": "y"}]}]})
        );
    }

    #[test]
    fn a_pointer_to_nothing_changes_nothing() {
        let desired = json!({"a": {"b": 1}});
        for pointer in ["/x", "/x/y", "/a/c", "/a/b/c", ""] {
            for undeclared in [Undeclared::Left, Undeclared::Taken] {
                assert_eq!(carried(&desired, &json!({}), pointer, undeclared), desired);
            }
        }
    }
}
