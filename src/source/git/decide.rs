//! Whether a head that was read comes into force. Pure.

use super::wire::Commit;
use super::worker::version;
use crate::source::Pick;

/// What becomes of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It comes into force.
    Take,
    /// What is in force stays so; somebody has to say that this is meant.
    Hold,
}

/// Whether to ask if the head descends from what is in force.
pub(super) fn asks_descent(pick: &Pick, may_rewrite: bool) -> bool {
    // A commit was named by whoever wrote the address, and versions are their own order.
    !may_rewrite && !matches!(pick, Pick::Commit(_) | Pick::Semver(_))
}

/// Decides over a head that is not the commit in force. `descends` is what was found if it was asked;
/// `may_rewrite`: a person allows it to be any.
pub(super) fn decide(
    pick: &Pick,
    in_force: Option<&Commit>,
    head: &Commit,
    descends: Option<bool>,
    may_rewrite: bool,
) -> Verdict {
    let Some(old) = in_force else {
        return Verdict::Take;
    };
    let follows = match pick {
        Pick::Commit(_) => true,
        Pick::Semver(_) => match (version(&old.reference), version(&head.reference)) {
            (Some(old), Some(new)) => new > old,
            _ => true,
        },
        _ => descends == Some(true),
    };
    if follows || may_rewrite {
        Verdict::Take
    } else {
        Verdict::Hold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(id: &str, reference: &str) -> Commit {
        Commit {
            id: id.to_owned(),
            reference: reference.to_owned(),
            ..Commit::default()
        }
    }

    #[test]
    fn a_branch_goes_forward_alone() {
        let pick = Pick::Branch("main".to_owned());
        let (old, new) = (
            commit("a", "refs/heads/main"),
            commit("b", "refs/heads/main"),
        );
        let of = |descends, may| decide(&pick, Some(&old), &new, descends, may);
        assert_eq!(of(Some(true), false), Verdict::Take);
        assert_eq!(of(Some(false), false), Verdict::Hold);
        // What was not found out is no descent.
        assert_eq!(of(None, false), Verdict::Hold);
        assert_eq!(of(None, true), Verdict::Take);
        assert_eq!(of(Some(false), true), Verdict::Take);
        assert!(asks_descent(&pick, false) && !asks_descent(&pick, true));
    }

    #[test]
    fn the_first_head_is_taken() {
        let head = commit("a", "refs/heads/main");
        assert_eq!(decide(&Pick::Head, None, &head, None, false), Verdict::Take);
    }

    #[test]
    fn versions_go_up_and_a_tag_does_not_move() {
        let pick = Pick::Semver("^1".parse().unwrap());
        let old = commit("a", "refs/tags/v1.2.0");
        let of = |reference| decide(&pick, Some(&old), &commit("b", reference), None, false);
        assert_eq!(of("refs/tags/v1.10.0"), Verdict::Take);
        assert_eq!(of("refs/tags/v1.1.9"), Verdict::Hold);
        assert_eq!(of("refs/tags/v1.2.0"), Verdict::Hold);
        assert!(!asks_descent(&pick, false));
    }

    #[test]
    fn a_named_commit_is_taken() {
        let pick = Pick::Commit("b".to_owned());
        let verdict = decide(&pick, Some(&commit("a", "")), &commit("b", ""), None, false);
        assert_eq!(verdict, Verdict::Take);
    }
}
