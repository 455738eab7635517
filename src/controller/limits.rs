//! How many rollouts may be in flight at once: the operator's settings. Who has a place says `slots`.

use std::collections::BTreeMap;
use std::str::FromStr;

/// The limits; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Rollouts in flight at once, of all services.
    pub all: Option<usize>,
    /// The same among services with the same value of a label.
    pub by_label: Vec<LabelLimit>,
}

impl Limits {
    /// Whether there is no limit at all.
    pub fn is_empty(&self) -> bool {
        self.all.is_none() && self.by_label.is_empty()
    }
}

/// A limit among services with the same value of a label (`metadata.labels`): `tier:2` for each value,
/// `tier=web:2` for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelLimit {
    /// The label.
    pub label: String,
    /// The value that it is for; without one, each value has a limit of its own.
    pub value: Option<String>,
    /// Rollouts in flight at once, at least 1.
    pub most: usize,
}

impl LabelLimit {
    /// The value by which a service with these labels counts; `None` if the limit is not for it.
    pub(super) fn counts<'a>(&self, labels: &'a BTreeMap<String, String>) -> Option<&'a str> {
        let value = labels.get(&self.label)?;
        let wanted = self.value.as_ref().is_none_or(|wanted| wanted == value);
        wanted.then_some(value)
    }
}

impl FromStr for LabelLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = "write LABEL:N, or LABEL=VALUE:N, such as tier=web:2";
        let (of, most) = text
            .rsplit_once(':')
            .ok_or_else(|| format!("`{text}` gives no number: {form}"))?;
        let most: usize = most
            .parse()
            .map_err(|_| format!("`{most}` is no number of rollouts: {form}"))?;
        if most == 0 {
            let cure = "to start none, hold them with `evenkeel pause`";
            return Err(format!(
                "with 0 no rollout would ever start; give 1 or more ({cure})"
            ));
        }
        let (label, value) = match of.split_once('=') {
            Some((label, value)) => (label, Some(value)),
            None => (of, None),
        };
        if label.is_empty() || value.is_some_and(str::is_empty) {
            return Err(format!("`{of}` names no label: {form}"));
        }
        Ok(Self {
            label: label.to_owned(),
            value: value.map(str::to_owned),
            most,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_of_each_value_or_of_one() {
        let limit = |text: &str| text.parse::<LabelLimit>();
        let labels = BTreeMap::from([("tier".to_owned(), "web".to_owned())]);
        for (text, label, most, counts) in [
            ("tier:2", "tier", 2, Some("web")),
            ("tier=web:10", "tier", 10, Some("web")),
            ("tier=db:1", "tier", 1, None),
            ("team:1", "team", 1, None),
            ("a.b/c=x:y:3", "a.b/c", 3, None),
        ] {
            let limit = limit(text).unwrap();
            assert_eq!((limit.label.as_str(), limit.most), (label, most), "{text}");
            assert_eq!(limit.counts(&labels), counts, "{text}");
        }
    }

    #[test]
    fn what_is_no_limit_is_told_with_the_form() {
        for (text, part) in [
            ("tier=web", "gives no number"),
            ("tier=web:two", "`two` is no number"),
            ("tier:-1", "`-1` is no number"),
            ("tier:0", "evenkeel pause"),
            (":2", "names no label"),
            ("tier=:2", "names no label"),
        ] {
            let error = text.parse::<LabelLimit>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
