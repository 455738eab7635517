//! How much may go. Pure.
//!
//! A brake and not a ration: if more of a kind is to go than the share allows, nothing at all goes until a
//! person raises the share for once, confirms, or mends the source. A ration would delete everything in the
//! end, only slower.
//!
//! It needs no memory: as what goes leaves both sides of the fraction, what was allowed once stays so until
//! it is done, over restarts too.
//!
//! **Small sets.** A fifth of one to four services is none. What one service has may always go: one of each
//! kind, two target groups and two rules. So the one service of a set can be removed, and of five or fewer at
//! most one at a time; a mistake that empties a set of two is stopped.

use std::collections::BTreeMap;

use super::Subject;

/// The share, in percent, unless another is asked for.
pub const PERCENT: u8 = 20;

/// How many of a kind one service has: blue and green, production and test.
fn least(kind: &str) -> usize {
    match kind {
        "TargetGroup" | "ListenerRule" => 2,
        _ => 1,
    }
}

/// What goes beyond the share, as a sentence; `None` if nothing does. `staying` are those of each kind that
/// are declared or stay for another reason, `going` those that are to go.
pub(super) fn exceeded(
    going: &[&Subject],
    staying: &BTreeMap<&'static str, usize>,
    percent: u8,
) -> Option<String> {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for subject in going {
        *counts.entry(subject.kind()).or_default() += 1;
    }
    let beyond = counts.into_iter().filter_map(|(kind, count)| {
        let all = count + staying.get(kind).copied().unwrap_or_default();
        let may = (all * usize::from(percent) / 100).max(least(kind));
        (count > may).then(|| format!("{count} of {all} {kind} (at most {may})"))
    });
    let beyond: Vec<String> = beyond.collect();
    (!beyond.is_empty()).then(|| {
        format!(
            "more would go than {percent} %: {}. If that is meant, run once with a higher \
             --prune-max-percent, or set the tag evenkeel.dev/prune of each to `confirmed`",
            beyond.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exceeds(going: usize, all: usize, percent: u8) -> bool {
        let subjects: Vec<Subject> = (0..going)
            .map(|n| Subject::Service("c".to_owned(), n.to_string()))
            .collect();
        let staying = BTreeMap::from([("Service", all - going)]);
        let refs: Vec<&Subject> = subjects.iter().collect();
        exceeded(&refs, &staying, percent).is_some()
    }

    #[test]
    fn a_fifth_may_go_and_of_few_services_one() {
        for (going, all, expected) in [
            (1, 1, false),
            (1, 4, false),
            (2, 2, true),
            (2, 9, true),
            (2, 10, false),
            (3, 10, true),
            (20, 100, false),
            (21, 100, true),
        ] {
            assert_eq!(exceeds(going, all, PERCENT), expected, "{going} of {all}");
        }
        assert!(!exceeds(10, 10, 100));
    }

    #[test]
    fn what_was_allowed_stays_so_while_it_is_done() {
        for all in 1..60 {
            for going in 1..=all {
                if !exceeds(going, all, PERCENT) {
                    for done in 0..going {
                        assert!(!exceeds(going - done, all - done, PERCENT));
                    }
                }
            }
        }
    }

    #[test]
    fn one_service_goes_with_both_its_target_groups() {
        let groups = ["blue", "green", "third"].map(|name| Subject::TargetGroup(name.to_owned()));
        let two: Vec<&Subject> = groups.iter().take(2).collect();
        assert_eq!(exceeded(&two, &BTreeMap::new(), PERCENT), None);
        let three: Vec<&Subject> = groups.iter().collect();
        let told = exceeded(&three, &BTreeMap::new(), PERCENT).unwrap();
        assert!(told.contains("3 of 3 TargetGroup (at most 2)"), "{told}");
    }
}
