//! The tables that tell [`super::compare()`] how the members of one kind's document are compared, and
//! what a change of each takes. Data only; the tables themselves stand with the kinds.

/// How one member is compared. Members without an entry are compared as they stand: objects by
/// their declared members, lists in order, scalars by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treat {
    /// Never read back (a token, a verb), or compared elsewhere (tags).
    Ignored,
    /// A set whose elements are told apart by these members.
    Keyed(&'static [&'static str]),
    /// A set of whole values.
    Set,
    /// A free-form map declared as a whole: a key that is only live is a difference.
    Map,
    /// A string that holds JSON; compared as the JSON that it holds.
    JsonText,
    /// A name or the ARN that ends in it. An empty text names nothing: what AWS chooses instead (a
    /// service's linked role) is no difference.
    NameOrArn,
    /// A name where AWS answers an ARN that does not hold it (a Cloud Map namespace): a name
    /// cannot be told from the ARN and counts as equal; two ARNs are compared. An empty text is no name.
    NameOrOpaqueArn,
    /// This declared word stands for whatever is live (`LATEST`).
    AnyIf(&'static str),
}

/// What it takes to change a member of something that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// This operation changes it in place.
    By(&'static str),
    /// Only a new resource can have another value.
    Recreate,
}

/// How documents of one kind are compared and changed.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Pattern of a member's place and its treatment. A pattern is a JSON pointer with `*` for an
    /// element of a list, such as `/containerDefinitions/*/environment`.
    pub members: &'static [(&'static str, Treat)],
    /// Whether scalars are equal when their texts are (`8080` and `"8080"`), as for ELB, whose
    /// XML has no types.
    pub scalars_by_text: bool,
    /// What a change of a top-level member takes.
    pub changes: &'static [(&'static str, Change)],
    /// What a change of any other member takes.
    pub other_changes: Change,
}

impl Rules {
    /// The treatment of the member at this pattern, if it is a special one.
    pub fn treat(&self, pattern: &str) -> Option<Treat> {
        self.members
            .iter()
            .find(|(place, _)| *place == pattern)
            .map(|(_, treat)| *treat)
    }

    /// What a difference at this path (as in [`crate::model::Drift::path`]) takes.
    pub fn change(&self, path: &str) -> Change {
        let member = top_member(path);
        let known = self.changes.iter().find(|(name, _)| *name == member);
        known.map_or(self.other_changes, |(_, change)| *change)
    }
}

/// The top-level member that a path is in: `Matcher` of `/Matcher/HttpCode`.
pub(crate) fn top_member(path: &str) -> &str {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split_once('/').map_or(path, |(member, _)| member)
}

/// What an ARN ends in: `nova` of `arn:aws:ecs:eu-west-1:123456789012:cluster/nova`. A name is itself.
pub(super) fn last_segment(name_or_arn: &str) -> &str {
    if !name_or_arn.starts_with("arn:") {
        return name_or_arn;
    }
    name_or_arn.rsplit(['/', ':']).next().unwrap_or(name_or_arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        members: &[("/a/*/b", Treat::Set)],
        scalars_by_text: false,
        changes: &[("Matcher", Change::By("Modify"))],
        other_changes: Change::Recreate,
    };

    #[test]
    fn a_change_is_classified_by_its_top_level_member() {
        assert_eq!(RULES.change("/Matcher/HttpCode"), Change::By("Modify"));
        assert_eq!(RULES.change("/Matcher"), Change::By("Modify"));
        assert_eq!(RULES.change("/MatcherX"), Change::Recreate);
    }

    #[test]
    fn a_treatment_belongs_to_one_pattern() {
        assert_eq!(RULES.treat("/a/*/b"), Some(Treat::Set));
        assert_eq!(RULES.treat("/a/b"), None);
    }
}
