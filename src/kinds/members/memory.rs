//! The text of the tag [`super::MEMBERS_TAG`]: which members were last declared. Pure.
//!
//! `1:ab.cd.ef` or `1:ab.cd.ef:0aB1c2dE3f`: a version, the codes of members ([`super::Reset::code`]) and
//! the short hashes of tag keys, each as long as the others. All of it is in AWS's tag character set.
//!
//! Invariants:
//! - Equal memories have equal texts, of at most 256 characters (the limit of a tag's value).
//! - Codes that this program does not know are kept; a text of another form or version is no memory.

use std::collections::BTreeSet;

use serde_json::json;

use crate::document::digest;

/// The version of the form. Another one is left alone.
const VERSION: &str = "1";

/// The longest value of a tag (ECS, ECR, ELB and `CodeDeploy` alike).
const LONGEST: usize = 256;

/// Characters of a tag key's hash: one of 916 million, so that no tag of somebody else's is taken for
/// one that was declared.
const HASH: usize = 5;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What was last declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// Codes of members.
    pub(super) codes: BTreeSet<String>,
    /// Hashes of tag keys.
    pub(super) tags: BTreeSet<String>,
}

impl Memory {
    /// Reads a tag's value; `None` if it is of another version or no such text.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        if parts.next() != Some(VERSION) {
            return None;
        }
        let codes = parts.next()?;
        let tags = parts.next().unwrap_or_default();
        let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric());
        let codes: BTreeSet<String> = codes
            .split('.')
            .filter(|code| !code.is_empty())
            .map(str::to_owned)
            .collect();
        let whole = parts.next().is_none()
            && tags.len().is_multiple_of(HASH)
            && codes.iter().all(|code| word(code))
            && (tags.is_empty() || word(tags));
        let hashes = tags.as_bytes().chunks(HASH);
        let tags = hashes.filter_map(|hash| Some(std::str::from_utf8(hash).ok()?.to_owned()));
        let tags = tags.collect();
        whole.then_some(Self { codes, tags })
    }

    /// The tag's value. Tag keys that do not fit are left out: they are not taken away when their
    /// declaration goes.
    pub(super) fn text(&self) -> String {
        let codes: Vec<&str> = self.codes.iter().map(String::as_str).collect();
        let mut text = format!("{VERSION}:{}", codes.join("."));
        let room = LONGEST.saturating_sub(text.len() + 1) / HASH;
        if room > 0 && !self.tags.is_empty() {
            text.push(':');
            self.tags
                .iter()
                .take(room)
                .for_each(|hash| text.push_str(hash));
        }
        text
    }
}

/// The short hash of a tag's key.
pub(super) fn hash(key: &str) -> String {
    let digest = digest(&json!(key));
    let digits = digest.rsplit(':').next().unwrap_or_default();
    let mut number = digits
        .get(..15)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .unwrap_or_default();
    let mut text = String::new();
    for _ in 0..HASH {
        let digit = usize::try_from(number % 62).unwrap_or_default();
        text.push(char::from(DIGITS[digit]));
        number /= 62;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_memory_is_read_as_it_was_written() {
        for (codes, keys, text) in [
            (&["b", "a"][..], &[][..], "1:a.b".to_owned()),
            (&[], &["team"], format!("1::{}", hash("team"))),
            (&["zz9"], &["team"], format!("1:zz9:{}", hash("team"))),
            (&[], &[], "1:".to_owned()),
        ] {
            let memory = Memory {
                codes: set(codes),
                tags: keys.iter().map(|key| hash(key)).collect(),
            };
            assert_eq!(memory.text(), text);
            assert_eq!(Memory::read(&text), Some(memory));
        }
    }

    #[test]
    fn what_is_no_memory_is_left_alone() {
        for text in [
            "",
            "2:ab",
            "1",
            "1:a b",
            "1:ab:abc",
            "1:ab:abcde:x",
            "x:ab",
            "1:a,b",
        ] {
            assert_eq!(Memory::read(text), None, "{text}");
        }
    }

    #[test]
    fn it_fits_a_tag_however_many_keys_there_are() {
        let memory = Memory {
            codes: set(&["ab", "cd"]),
            tags: (0..60).map(|n| hash(&n.to_string())).collect(),
        };
        let text = memory.text();
        assert!(
            text.len() <= LONGEST && text.len() > LONGEST - HASH,
            "{text}"
        );
        assert_eq!(Memory::read(&text).unwrap().text(), text);
        let allowed = |c: char| c.is_ascii_alphanumeric() || " _.:/=+-@".contains(c);
        assert!(text.chars().all(allowed), "{text}");
    }

    #[test]
    fn keys_have_hashes_of_their_own() {
        let hashes: BTreeSet<String> = (0..20_000).map(|n| hash(&format!("key-{n}"))).collect();
        assert_eq!(hashes.len(), 20_000);
        // Written at AWS: another hash would forget every tag that is remembered.
        assert_eq!(hash("team"), "nSWNg");
    }
}
