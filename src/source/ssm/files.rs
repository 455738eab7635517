//! From parameters to files. Pure.
//!
//! A parameter holds at most 4 KiB, or 8 KiB in the advanced tier (aws-facts 6), and a manifest may be
//! larger: it stands in parts then, `NAME.part-1-of-3` to `NAME.part-3-of-3`, which are put together in
//! their order.

use std::collections::BTreeMap;

use crate::manifest::SourceFile;
use crate::source::dir::{MAX_BYTES, is_manifest, is_state};

/// A parameter as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    /// Its name below the path of the source.
    pub(super) name: String,
    /// What it holds.
    pub(super) value: String,
}

impl Parameter {
    /// Whether it is a manifest, or a part of one; else it is a Terraform state.
    pub(super) fn is_of_a_manifest(&self) -> bool {
        let file = self.name.rsplit_once(".part-");
        !is_state(file.map_or(&self.name, |(file, _)| file))
    }
}

/// Why parameters make no files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PartsError {
    /// A part is not there: the set is being written, or was written by halves.
    #[error("`{name}` is in parts, and part {part} of {of} is missing")]
    Missing {
        /// The file.
        name: String,
        /// The part's number.
        part: usize,
        /// How many there must be.
        of: usize,
    },
    /// Parts of two writings, or the whole beside its parts.
    #[error("`{name}` is there as {one} and as {other}; delete what is left from before")]
    Twice {
        /// The file.
        name: String,
        /// One form.
        one: String,
        /// The other.
        other: String,
    },
    /// More than a manifest may hold.
    #[error("`{0}` is larger than {MAX_BYTES} bytes")]
    TooLarge(String),
    /// A part's number is none.
    #[error("`{0}` is no part: parts are named NAME.part-1-of-3 to NAME.part-3-of-3")]
    Number(String),
}

/// More parts than a manifest of the largest size needs in the smallest tier (4 MiB by 4 KiB).
const MOST_PARTS: usize = 1024;

/// Name and number of a part, and how many there are; `None` for a whole.
fn part(name: &str) -> Result<Option<(&str, usize, usize)>, PartsError> {
    let Some((file, numbers)) = name.rsplit_once(".part-") else {
        return Ok(None);
    };
    let wrong = || PartsError::Number(name.to_owned());
    let (part, of) = numbers.split_once("-of-").ok_or_else(wrong)?;
    let number = |text: &str| {
        let plain = text.bytes().all(|one| one.is_ascii_digit()) && !text.starts_with('0');
        text.parse().ok().filter(|_| plain)
    };
    match (number(part), number(of)) {
        (Some(part), Some(of)) if part <= of && of <= MOST_PARTS && !file.is_empty() => {
            Ok(Some((file, part, of)))
        }
        _ => Err(wrong()),
    }
}

/// The files that the parameters make, by path. A name without the ending of a manifest gets `.yaml`,
/// of which JSON is a part. `shown` and a `/` stand before each path.
///
/// # Errors
/// If a file's parts do not make a whole; no part of a value is in the text.
pub(super) fn files(parameters: &[Parameter], shown: &str) -> Result<Vec<SourceFile>, PartsError> {
    let mut whole: BTreeMap<&str, (usize, BTreeMap<usize, &str>)> = BTreeMap::new();
    for parameter in parameters {
        let (file, number, of) = part(&parameter.name)?.unwrap_or((&parameter.name, 0, 0));
        let entry = whole.entry(file).or_insert_with(|| (of, BTreeMap::new()));
        if entry.0 != of {
            let form = |of: usize| match of {
                0 => "a whole".to_owned(),
                of => format!("{of} parts"),
            };
            return Err(PartsError::Twice {
                name: file.to_owned(),
                one: form(entry.0),
                other: form(of),
            });
        }
        entry.1.insert(number, &parameter.value);
    }
    let mut files = BTreeMap::new();
    for (name, (of, parts)) in whole {
        if let Some(missing) = (1..=of).find(|number| !parts.contains_key(number)) {
            return Err(PartsError::Missing {
                name: name.to_owned(),
                part: missing,
                of,
            });
        }
        let ending = if is_manifest(name) || is_state(name) {
            ""
        } else {
            ".yaml"
        };
        let path = format!("{shown}/{name}{ending}");
        let text: String = parts.into_values().collect();
        if text.len() as u64 > MAX_BYTES {
            return Err(PartsError::TooLarge(name.to_owned()));
        }
        if files.insert(path, text.into_bytes()).is_some() {
            return Err(PartsError::Twice {
                name: name.to_owned(),
                one: format!("`{name}`"),
                other: format!("`{name}.yaml`"),
            });
        }
    }
    let files = files.into_iter();
    Ok(files
        .map(|(path, bytes)| SourceFile { path, bytes })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(of: &[(&str, &str)]) -> Result<Vec<(String, String)>, PartsError> {
        let parameters: Vec<Parameter> = of
            .iter()
            .map(|(name, value)| Parameter {
                name: (*name).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        let files = files(&parameters, "ssm:/a")?;
        let pair = |file: SourceFile| (file.path, String::from_utf8(file.bytes).unwrap());
        Ok(files.into_iter().map(pair).collect())
    }

    fn file(path: &str, text: &str) -> (String, String) {
        (path.to_owned(), text.to_owned())
    }

    #[test]
    fn parts_are_put_together_in_their_order() {
        assert_eq!(
            made(&[
                ("services/auth.part-10-of-10", "j"),
                ("services/auth.part-2-of-10", "b"),
                ("services/auth.part-1-of-10", "a"),
                ("services/auth.part-3-of-10", "c"),
                ("services/auth.part-4-of-10", "d"),
                ("services/auth.part-5-of-10", "e"),
                ("services/auth.part-6-of-10", "f"),
                ("services/auth.part-7-of-10", "g"),
                ("services/auth.part-8-of-10", "h"),
                ("services/auth.part-9-of-10", "i"),
                ("taskdef.json", "{}"),
            ]),
            Ok(vec![
                file("ssm:/a/services/auth.yaml", "abcdefghij"),
                file("ssm:/a/taskdef.json", "{}"),
            ])
        );
        assert_eq!(
            made(&[("net.tfstate.part-1-of-1", "{}")]),
            Ok(vec![file("ssm:/a/net.tfstate", "{}")])
        );
        assert_eq!(
            made(&[("x.json.part-1-of-1", "1")]),
            Ok(vec![file("ssm:/a/x.json", "1")])
        );
    }

    #[test]
    fn what_makes_no_whole_is_an_error() {
        let missing = |part| PartsError::Missing {
            name: "x".to_owned(),
            part,
            of: 3,
        };
        assert_eq!(made(&[("x.part-2-of-3", "b")]), Err(missing(1)));
        assert_eq!(
            made(&[("x.part-1-of-3", "a"), ("x.part-2-of-3", "b")]),
            Err(missing(3))
        );
        for (one, other) in [
            ("x", "x.part-1-of-1"),
            ("x.part-1-of-2", "x.part-1-of-3"),
            ("x", "x.yaml"),
        ] {
            let found = made(&[(one, "a"), (other, "b")]);
            assert!(matches!(found, Err(PartsError::Twice { .. })), "{found:?}");
        }
        for name in [
            "x.part-0-of-3",
            "x.part-4-of-3",
            "x.part-01-of-3",
            "x.part-1",
            "x.part--1-of-3",
            "x.part-1-of-99999",
            ".part-1-of-1",
        ] {
            assert_eq!(
                made(&[(name, "a")]),
                Err(PartsError::Number(name.to_owned())),
                "{name}"
            );
        }
    }
}
