//! Which of the refs that a repository has is meant. Pure.

use super::super::wire::{Reason, Revision, Trouble};

/// A ref as a repository tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ref {
    /// Its full name.
    pub(super) name: String,
    /// The commit that it leads to, as far as that is told: an annotated tag's own id otherwise.
    pub(super) id: gix::ObjectId,
    /// The object that it names itself: the tag, if it is an annotated one.
    pub(super) object: gix::ObjectId,
}

/// What is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The ref's full name; `None` for a commit that was asked for by its id.
    pub(super) name: Option<String>,
    pub(super) id: gix::ObjectId,
    /// What the ref names itself, as [`Ref::object`].
    pub(super) object: gix::ObjectId,
}

/// The refs that must be asked for.
pub(super) fn names(revision: &Revision) -> Vec<String> {
    match revision {
        Revision::Head => vec!["HEAD".to_owned()],
        Revision::Ref(name) => vec![name.clone()],
        Revision::Either(name) => vec![format!("refs/heads/{name}"), format!("refs/tags/{name}")],
        Revision::Semver(_) => vec!["refs/tags/*".to_owned()],
        Revision::Commit(_) => Vec::new(),
    }
}

/// Finds what is meant among the refs that were asked for.
pub(super) fn choose(revision: &Revision, refs: &[Ref]) -> Result<Target, Trouble> {
    let named = |name: &str| refs.iter().find(|one| one.name == name);
    let none = |what: String| Trouble::new(Reason::NoRevision, what);
    let found = match revision {
        Revision::Commit(id) => {
            let id = gix::ObjectId::from_hex(id.as_bytes())
                .map_err(|_| none(format!("`{id}` is no commit id")))?;
            return Ok(Target {
                name: None,
                id,
                object: id,
            });
        }
        Revision::Head => named("HEAD").ok_or_else(|| {
            none("the repository has no HEAD, or is empty; name a branch".to_owned())
        })?,
        Revision::Ref(name) => {
            named(name).ok_or_else(|| none(format!("there is no {}", spoken(name))))?
        }
        Revision::Either(name) => named(&format!("refs/heads/{name}"))
            .or_else(|| named(&format!("refs/tags/{name}")))
            .ok_or_else(|| none(format!("there is no branch and no tag `{name}`")))?,
        Revision::Semver(range) => greatest(range, refs)
            .ok_or_else(|| none(format!("there is no tag with a version in `{range}`")))?,
    };
    Ok(Target {
        name: Some(found.name.clone()),
        id: found.id,
        object: found.object,
    })
}

/// A ref's name as people say it.
fn spoken(name: &str) -> String {
    if let Some(branch) = name.strip_prefix("refs/heads/") {
        format!("branch `{branch}`")
    } else if let Some(tag) = name.strip_prefix("refs/tags/") {
        format!("tag `{tag}`")
    } else {
        format!("ref `{name}`")
    }
}

/// The tag with the greatest version in the range.
fn greatest<'a>(range: &semver::VersionReq, refs: &'a [Ref]) -> Option<&'a Ref> {
    refs.iter()
        .filter_map(|one| Some((version(&one.name)?, one)))
        .filter(|(version, _)| range.matches(version))
        .max_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.name.cmp(&other.name)))
        .map(|(_, one)| one)
}

/// The version that a tag's name is.
pub(in super::super) fn version(name: &str) -> Option<semver::Version> {
    let tag = name.strip_prefix("refs/tags/")?;
    semver::Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refs(names: &[&str]) -> Vec<Ref> {
        let numbered = names.iter().enumerate();
        numbered
            .map(|(index, name)| {
                let id = gix::ObjectId::from_hex(format!("{:040x}", index + 1).as_bytes());
                let id = id.unwrap();
                Ref {
                    name: (*name).to_owned(),
                    id,
                    object: id,
                }
            })
            .collect()
    }

    fn chosen(revision: &Revision, names: &[&str]) -> Result<Option<String>, String> {
        choose(revision, &refs(names))
            .map(|target| target.name)
            .map_err(|trouble| trouble.message)
    }

    #[test]
    fn a_branch_comes_before_a_tag_of_its_name() {
        let both = ["refs/tags/x", "refs/heads/x"];
        let either = Revision::Either("x".to_owned());
        assert_eq!(chosen(&either, &both), Ok(Some("refs/heads/x".to_owned())));
        assert_eq!(
            chosen(&either, &both[..1]),
            Ok(Some("refs/tags/x".to_owned()))
        );
        assert!(
            chosen(&either, &["refs/heads/xy"])
                .unwrap_err()
                .contains("no branch and no tag `x`")
        );
        let gone = Revision::Ref("refs/heads/x".to_owned());
        assert_eq!(
            chosen(&gone, &["refs/heads/y"]),
            Err("there is no branch `x`".to_owned())
        );
        assert!(
            chosen(&Revision::Head, &[])
                .unwrap_err()
                .contains("no HEAD")
        );
    }

    #[test]
    fn the_greatest_version_of_the_range() {
        let names = [
            "refs/tags/v1.9.0",
            "refs/tags/1.10.1",
            "refs/tags/v1.10.0",
            "refs/tags/v2.0.0",
            "refs/tags/v1.11.0-rc.1",
            "refs/tags/nightly",
            "refs/heads/v1.99.0",
        ];
        for (range, tag) in [
            ("^1.4", "refs/tags/1.10.1"),
            ("~1.9", "refs/tags/v1.9.0"),
            ("*", "refs/tags/v2.0.0"),
            (">=1.11.0-rc.0, <2", "refs/tags/v1.11.0-rc.1"),
        ] {
            let range = Revision::Semver(range.parse().unwrap());
            assert_eq!(chosen(&range, &names), Ok(Some(tag.to_owned())));
        }
        let none = Revision::Semver("^3".parse().unwrap());
        assert!(chosen(&none, &names).unwrap_err().contains("`^3`"));
    }

    #[test]
    fn a_commit_needs_no_ref() {
        let id = "00000000000000000000000000000000000000ff";
        let target = choose(&Revision::Commit(id.to_owned()), &[]).unwrap();
        assert_eq!(target.id.to_string(), id);
        assert!(names(&Revision::Commit(id.to_owned())).is_empty());
    }
}
