//! The name that was probably meant. Not a spelling corrector: it only suggests.

/// The candidate nearest to `word`, if one is near enough to have been meant. A candidate that
/// differs only in case, dashes and underscores always wins.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted = folded(word);
    let limit = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&wanted, &folded(candidate)),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The cure for a name that is not known, as a sentence.
pub(crate) fn suggestion<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let name = nearest(word, candidates)?;
    Some(if folded(name) == folded(word) {
        format!("It is spelled `{name}`; case matters.")
    } else {
        format!("Did you mean `{name}`?")
    })
}

fn folded(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let known = ["containerPort", "hostPort", "protocol"];
        assert_eq!(nearest("containerPrt", known), Some("containerPort"));
        assert_eq!(nearest("container_port", known), Some("containerPort"));
        assert_eq!(nearest("volume", known), None);
        let hint = suggestion("ContainerPort", known).unwrap();
        assert!(hint.contains("spelled `containerPort`"), "{hint}");
        assert!(
            suggestion("hostprot", known)
                .unwrap()
                .contains("Did you mean `hostPort`")
        );
    }
}
