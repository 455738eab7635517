//! The address of manifests in the Parameter Store. Pure.
//!
//! ```text
//! ssm:/evenkeel/prod/                                everything below, the newest versions
//! ssm:/evenkeel/prod/?label=live                     the versions that carry the label
//! ssm:/evenkeel/prod/?generation=/evenkeel/prod.generation
//! ssm:/evenkeel/prod/?label=live&generation=/evenkeel/prod.generation
//!                                                    until its label moves, the manifests' labels may move
//! ssm:/evenkeel/prod/?region=eu-west-1&interval=2m   of another region than the process's
//! ```

use std::fmt;
use std::time::Duration;

use crate::source::address::duration;

/// A path in the Parameter Store, and how to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsmAddress {
    /// The path: begins with `/` and does not end with it.
    pub path: String,
    /// The label that a version must carry; without it the newest version counts.
    pub label: Option<String>,
    /// The parameter whose version tells whether anything under the path has changed; with a label the version
    /// that carries it, as a label moves without a new version of anything.
    pub generation: Option<String>,
    /// Whether manifests may be a `SecureString`.
    pub decrypt: bool,
    /// The region, if it is not the process's.
    pub region: Option<String>,
    /// How often to ask, before jitter.
    pub interval: Duration,
}

/// A path has at most 15 levels (aws-facts 6).
const LEVELS: usize = 15;

/// The longest name (service model, `PSParameterName`).
const LONGEST: usize = 2048;

/// Names of 1 to 100 of `[a-zA-Z0-9_.-]`, beginning with neither a digit nor `aws` nor `ssm`
/// (Systems Manager, "Working with parameter labels").
fn is_label(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    (1..=100).contains(&label.len())
        && label
            .chars()
            .all(|one| one.is_ascii_alphanumeric() || "_.-".contains(one))
        && !label.starts_with(|first: char| first.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}

fn is_region(region: &str) -> bool {
    let fits = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-';
    !region.is_empty() && region.len() <= 64 && region.chars().all(fits)
}

fn check_name(what: &str, name: &str) -> Result<(), String> {
    let wrong = |why: &str| Err(format!("{what} `{name}` {why}"));
    if !name.starts_with('/') {
        return wrong("does not begin with `/`");
    }
    if name.len() > LONGEST || name.split('/').count() > LEVELS + 1 {
        return wrong("is longer than a parameter's name can be");
    }
    let fits = |one: char| one.is_ascii_alphanumeric() || "_.-/".contains(one);
    if !name.chars().all(fits) || name.contains("//") {
        return wrong(
            "holds what no parameter's name can hold; it has letters, digits and _ . - /",
        );
    }
    Ok(())
}

impl SsmAddress {
    /// Reads an address; `None` if it is not one of SSM at all.
    ///
    /// # Errors
    /// If it begins as one and is wrong.
    pub(in crate::source) fn parse(text: &str) -> Option<Result<Self, String>> {
        text.strip_prefix("ssm:").map(Self::parse_rest)
    }

    fn parse_rest(rest: &str) -> Result<Self, String> {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        check_name("the path", path)?;
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.is_empty() {
            return Err("it names all parameters of the account; name a path below `/`".to_owned());
        }
        let mut address = Self {
            path: path.to_owned(),
            label: None,
            generation: None,
            decrypt: false,
            region: None,
            interval: Duration::from_mins(1),
        };
        let mut seen = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if seen.contains(&name) {
                return Err(format!("`{name}` is there twice"));
            }
            match &*name {
                "label" if is_label(&value) => address.label = Some(value.into_owned()),
                "label" => return Err(format!("`{value}` is not a label that SSM takes")),
                "generation" => {
                    check_name("the generation parameter", &value)?;
                    address.generation = Some(value.into_owned());
                }
                "decrypt" => {
                    address.decrypt = value.parse().map_err(|_| {
                        format!("`decrypt={value}` is not `decrypt=true` or `decrypt=false`")
                    })?;
                }
                "region" if is_region(&value) => address.region = Some(value.into_owned()),
                "region" => return Err(format!("`{value}` is no region, such as eu-west-1")),
                "interval" => {
                    address.interval = duration("interval", &value, Duration::from_secs(5))?;
                }
                other => {
                    return Err(format!(
                        "it has no option `{other}`; there are label, generation, decrypt, region and \
                         interval"
                    ));
                }
            }
            seen.push(name);
        }
        Ok(address)
    }

    /// What stands before the names of its files. Two sources of different parameters, or of different
    /// versions of them, never have the same.
    pub(in crate::source) fn prefix(&self) -> String {
        let region = self.region.as_deref().unwrap_or_default();
        let label = self.label.as_ref().map(|label| format!("@{label}"));
        format!("ssm:{region}{}{}", self.path, label.unwrap_or_default())
    }

    /// What the generation is asked for by, if the address names its parameter.
    pub(super) fn generation(&self) -> Option<String> {
        let name = self.generation.as_ref()?;
        Some(match &self.label {
            Some(label) => format!("{name}:{label}"),
            None => name.clone(),
        })
    }

    /// Whether a parameter's name lies under the path; its part below it.
    pub(super) fn below<'a>(&self, name: &'a str) -> Option<&'a str> {
        let rest = name.strip_prefix(&self.path)?.strip_prefix('/')?;
        (!rest.is_empty()).then_some(rest)
    }
}

impl fmt::Display for SsmAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ssm:{}/", self.path)?;
        let mut mark = '?';
        for (name, value) in [
            ("label", &self.label),
            ("generation", &self.generation),
            ("region", &self.region),
        ] {
            if let Some(value) = value {
                write!(f, "{mark}{name}={value}")?;
                mark = '&';
            }
        }
        if self.decrypt {
            write!(f, "{mark}decrypt=true")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SsmAddress, String> {
        SsmAddress::parse(text).unwrap()
    }

    #[test]
    fn addresses_are_read_and_shown() {
        assert_eq!(SsmAddress::parse("manifests"), None);
        for (text, shown) in [
            ("ssm:/evenkeel/prod/", "ssm:/evenkeel/prod/"),
            ("ssm:/evenkeel/prod", "ssm:/evenkeel/prod/"),
            ("ssm:/a/?label=live", "ssm:/a/?label=live"),
            (
                "ssm:/a?decrypt=true&generation=/a.generation",
                "ssm:/a/?generation=/a.generation&decrypt=true",
            ),
            ("ssm:/a?decrypt=false", "ssm:/a/"),
            (
                "ssm:/a?generation=/x&label=live",
                "ssm:/a/?label=live&generation=/x",
            ),
            (
                "ssm:/a/?region=eu-west-1&label=live",
                "ssm:/a/?label=live&region=eu-west-1",
            ),
        ] {
            let address = parse(text).unwrap();
            assert_eq!(address.to_string(), shown);
            assert_eq!(parse(shown), Ok(address), "{shown}");
        }
    }

    #[test]
    fn a_wrong_address_says_what_is_wrong() {
        for (text, why) in [
            ("ssm:evenkeel", "does not begin with `/`"),
            ("ssm:/", "all parameters of the account"),
            ("ssm:/a//b", "holds what no parameter's name can hold"),
            ("ssm:/a b", "holds what no parameter's name can hold"),
            ("ssm:/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "longer than"),
            ("ssm:/a?lable=x", "no option `lable`"),
            ("ssm:/a?label=1x", "not a label"),
            ("ssm:/a?label=aws-x", "not a label"),
            ("ssm:/a?label=x&label=y", "`label` is there twice"),
            ("ssm:/a?decrypt=yes", "`decrypt=yes` is not"),
            ("ssm:/a?region=EU", "`EU` is no region"),
            ("ssm:/a?interval=1s", "`interval` is a duration"),
            ("ssm:/a?generation=x", "does not begin with `/`"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_prefix_tells_sources_apart() {
        for (text, prefix) in [
            ("ssm:/a/", "ssm:/a"),
            ("ssm:/a?label=live", "ssm:/a@live"),
            ("ssm:/a?region=eu-west-1", "ssm:eu-west-1/a"),
        ] {
            assert_eq!(parse(text).unwrap().prefix(), prefix);
        }
        assert_eq!(
            parse("ssm:/a?interval=5m").unwrap().interval,
            Duration::from_mins(5)
        );
    }

    #[test]
    fn below_a_path_is_below_all_of_it() {
        let address = parse("ssm:/a/b").unwrap();
        assert_eq!(address.below("/a/b/c/d"), Some("c/d"));
        for other in ["/a/bc", "/a/b", "/a/b/", "/x/a/b/c"] {
            assert_eq!(address.below(other), None, "{other}");
        }
    }
}
