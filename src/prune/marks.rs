//! What a source goes by at AWS, and whether an orphan may go at all, by its marks. Pure.

use std::collections::BTreeSet;

use super::plan::Why;
use super::{Histories, History, Orphan};
use crate::document::digest;
use crate::kinds::{COMMIT_TAG, PRUNE_TAG, SOURCE_TAG};
use crate::manifest::DesiredSet;

/// The longest mark that is left as it is: a tag's value has at most 256 characters.
const LONGEST: usize = 200;

/// What a source goes by in the tag [`SOURCE_TAG`], with the Environment that is reconciled for: what it
/// declares for another one is not removed here. Characters that no tag takes give way, and a digest then
/// tells it apart.
pub fn source_mark(source: &str, environment: Option<&str>) -> String {
    let whole = match environment {
        Some(environment) => format!("{source} env={environment}"),
        None => source.to_owned(),
    };
    // What ECS, ECR, CodeDeploy and ELB take alike.
    let fits = |c: char| c.is_ascii_alphanumeric() || " +-=._:/@".contains(c);
    if whole.len() <= LONGEST && whole.chars().all(fits) && whole.trim() == whole {
        return whole;
    }
    let mut mark: String = whole
        .chars()
        .map(|c| if fits(c) { c } else { '_' })
        .take(LONGEST)
        .collect();
    let digest = digest(&whole.into());
    let digits = digest.rsplit(':').next().unwrap_or_default();
    mark.push(':');
    mark.extend(digits.chars().take(12));
    mark.trim().to_owned()
}

/// How an orphan may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum May {
    /// By its marks.
    Marked,
    /// A person said so, of this very one.
    Confirmed,
}

/// Whether it may.
pub(super) fn may(
    orphan: &Orphan,
    set: &DesiredSet,
    histories: &Histories,
) -> Result<May, (Why, String)> {
    match orphan.tag(PRUNE_TAG) {
        None => {}
        Some("confirmed") => return Ok(May::Confirmed),
        Some("confirm") => {
            let text = format!("its manifest said `prune: confirm`; {}", cure());
            return Err((Why::Unconfirmed, text));
        }
        // Also any word of a later version, or of a person.
        Some(word) => {
            let text = format!("its tag {PRUNE_TAG} says `{word}`");
            return Err((Why::Never, text));
        }
    }
    let Some(mark) = orphan.tag(SOURCE_TAG) else {
        let text = format!(
            "it was made before {SOURCE_TAG} was kept, so that nobody knows which source declared it; {}",
            cure()
        );
        return Err((Why::Unmarked, text));
    };
    if !declaring(set).contains(mark) {
        let text = format!(
            "it was declared by `{mark}`, which is not read, or declares nothing; {}",
            cure()
        );
        return Err((Why::OtherSource, text));
    }
    let commit = orphan.tag(COMMIT_TAG).unwrap_or_default();
    match histories.get(&(mark.to_owned(), commit.to_owned())) {
        Some(History::None | History::Follows) => Ok(May::Marked),
        Some(History::NotKnown(why)) => {
            let text = format!(
                "it was declared at commit {} of `{mark}`, and that the commit in force comes after it is not \
                 known: {why}; {}",
                commit.get(..12).unwrap_or(commit),
                cure()
            );
            Err((Why::HistoryUnknown, text))
        }
        None => {
            let text = format!("the history of `{mark}` was not asked for; {}", cure());
            Err((Why::HistoryUnknown, text))
        }
    }
}

fn cure() -> String {
    format!("to have it go, set its tag {PRUNE_TAG} to `confirmed`")
}

/// The marks of the sources that declare something now.
pub(super) fn declaring(set: &DesiredSet) -> BTreeSet<&str> {
    let all = set.resources.values();
    all.filter_map(|one| set.source_of(one)).collect()
}

/// The source mark and the commit of every orphan that has a mark of a source that is read: of which histories
/// are to be asked.
pub fn histories_of(orphans: &[Orphan], set: &DesiredSet) -> BTreeSet<(String, String)> {
    let declaring = declaring(set);
    let asked = orphans.iter().filter_map(|orphan| {
        let mark = orphan
            .tag(SOURCE_TAG)
            .filter(|mark| declaring.contains(mark))?;
        let commit = orphan.tag(COMMIT_TAG).unwrap_or_default();
        Some((mark.to_owned(), commit.to_owned()))
    });
    asked.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_what_a_tag_takes_and_tells_sources_apart() {
        assert_eq!(source_mark("manifests/nova", None), "manifests/nova");
        assert_eq!(
            source_mark("h/o/r/clusters/prod", Some("staging")),
            "h/o/r/clusters/prod env=staging"
        );
        let long = "x".repeat(300);
        let marks =
            ["a,b", "a;b", "a_b", &long, &format!("{long}y")].map(|one| source_mark(one, None));
        let distinct: BTreeSet<&String> = marks.iter().collect();
        assert_eq!(distinct.len(), marks.len());
        for mark in &marks {
            assert!(mark.len() <= 256, "{mark}");
            let fits = |c: char| c.is_ascii_alphanumeric() || " +-=._:/@".contains(c);
            assert!(mark.chars().all(fits), "{mark}");
        }
    }
}
