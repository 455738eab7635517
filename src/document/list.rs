//! Comparing lists: in order, or as sets of keyed or whole elements. A declared list is declared as
//! a whole, so an element that is only live is a difference.

use serde_json::Value;

use super::compare::{Place, note, scalar_text, walk as walk_member};
use super::rules::{Rules, Treat, last_segment};
use crate::model::Drift;

/// Compares two lists as their treatment says.
pub(super) fn walk(
    wanted: &[Value],
    present: &[Value],
    treat: Option<Treat>,
    at: &Place,
    rules: &Rules,
    found: &mut Vec<Drift>,
) {
    match treat {
        Some(Treat::Keyed(members)) => keyed(wanted, present, members, at, rules, found),
        Some(Treat::Set) => set(wanted, present, at, rules, found),
        _ => ordered(wanted, present, at, rules, found),
    }
}

fn ordered(wanted: &[Value], present: &[Value], at: &Place, rules: &Rules, found: &mut Vec<Drift>) {
    for index in 0..wanted.len().max(present.len()) {
        let place = at.element(&index.to_string());
        match (wanted.get(index), present.get(index)) {
            (Some(desired), live) => {
                walk_member(desired, live.unwrap_or(&Value::Null), &place, rules, found);
            }
            (None, Some(live)) => note(&place, live, &Value::Null, found),
            (None, None) => {}
        }
    }
}

fn keyed(
    wanted: &[Value],
    present: &[Value],
    members: &[&str],
    at: &Place,
    rules: &Rules,
    found: &mut Vec<Drift>,
) {
    let mut unmatched: Vec<&Value> = present.iter().collect();
    for desired in wanted {
        let key = key_of(desired, members);
        let place = at.element(&key);
        match unmatched
            .iter()
            .position(|live| key_of(live, members) == key)
        {
            Some(index) => walk_member(desired, unmatched.remove(index), &place, rules, found),
            None => note(&place, &Value::Null, desired, found),
        }
    }
    for live in unmatched {
        note(
            &at.element(&key_of(live, members)),
            live,
            &Value::Null,
            found,
        );
    }
}

/// The key members' texts, joined by `:`; names and their ARNs give the same key.
pub(super) fn key_of(element: &Value, members: &[&str]) -> String {
    let part = |name: &&str| element.get(*name).and_then(scalar_text).unwrap_or_default();
    let parts: Vec<String> = members.iter().map(part).collect();
    match parts.as_slice() {
        [only] => last_segment(only).to_owned(),
        _ => parts.join(":"),
    }
}

fn set(wanted: &[Value], present: &[Value], at: &Place, rules: &Rules, found: &mut Vec<Drift>) {
    let mut missing: Vec<(usize, &Value)> = wanted.iter().enumerate().collect();
    let mut extra: Vec<(usize, &Value)> = present.iter().enumerate().collect();
    // Equal ones first: an element that declares little would otherwise take another's partner.
    pair_off(&mut missing, &mut extra, |desired, live| desired == live);
    pair_off(&mut missing, &mut extra, |desired, live| {
        let mut differences = Vec::new();
        walk_member(desired, live, &at.element("*"), rules, &mut differences);
        differences.is_empty()
    });
    if let ([(index, desired @ Value::Object(_))], [(_, live @ Value::Object(_))]) =
        (missing.as_slice(), extra.as_slice())
    {
        walk_member(desired, live, &at.element(&index.to_string()), rules, found);
        return;
    }
    for (index, desired) in missing {
        note(
            &at.element(&label(index, desired)),
            &Value::Null,
            desired,
            found,
        );
    }
    for (index, live) in extra {
        note(&at.element(&label(index, live)), live, &Value::Null, found);
    }
}

/// Takes out of both lists the elements that are partners.
fn pair_off(
    missing: &mut Vec<(usize, &Value)>,
    extra: &mut Vec<(usize, &Value)>,
    partners: impl Fn(&Value, &Value) -> bool,
) {
    missing.retain(|(_, desired)| {
        match extra.iter().position(|(_, live)| partners(desired, live)) {
            Some(index) => {
                extra.remove(index);
                false
            }
            None => true,
        }
    });
}

fn label(index: usize, element: &Value) -> String {
    scalar_text(element).unwrap_or_else(|| index.to_string())
}
