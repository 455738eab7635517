//! Whether the manifests in force can be believed to be all that there are, so that one which is missing
//! was removed. Pure.

use crate::manifest::DesiredSet;

/// What keeps anything from being pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hold {
    /// A source cannot be read as it is now, or a head of it is held back, or the account is the wrong one.
    SourceTrouble,
    /// A file or manifest has an error, or its evaluation did not end.
    ManifestErrors,
    /// There is no manifest at all.
    NoManifests,
    /// Not every resource has been looked at yet.
    NotSeen,
    /// What there is at AWS could not be read.
    Unreadable,
    /// More would go than may.
    Limit,
}

impl Hold {
    /// Every one of them.
    pub const ALL: [Self; 6] = [
        Self::SourceTrouble,
        Self::ManifestErrors,
        Self::NoManifests,
        Self::NotSeen,
        Self::Unreadable,
        Self::Limit,
    ];

    /// The reason as one `CamelCase` word: metric label, JSON and text.
    pub fn label(self) -> &'static str {
        match self {
            Self::SourceTrouble => "SourceTrouble",
            Self::ManifestErrors => "ManifestErrors",
            Self::NoManifests => "NoManifests",
            Self::NotSeen => "NotSeen",
            Self::Unreadable => "Unreadable",
            Self::Limit => "Limit",
        }
    }

    /// Whether it passes by itself, and soon.
    pub fn is_passing(self) -> bool {
        self == Self::NotSeen
    }
}

/// Judges. `trouble` is what is wrong with the sources or the account, `errors` what is wrong with files and
/// manifests.
///
/// # Errors
/// What keeps it, with a sentence.
pub fn ground(
    set: &DesiredSet,
    trouble: Option<&str>,
    errors: Option<&str>,
) -> Result<(), (Hold, String)> {
    if let Some(trouble) = trouble {
        return Err((Hold::SourceTrouble, trouble.to_owned()));
    }
    if let Some(errors) = errors {
        return Err((Hold::ManifestErrors, errors.to_owned()));
    }
    if let Some((key, why)) = set.invalid.first_key_value() {
        return Err((Hold::ManifestErrors, format!("{key}: {why}")));
    }
    if set.resources.is_empty() {
        let text = "there is no manifest; that is never taken for the wish that everything goes";
        return Err((Hold::NoManifests, text.to_owned()));
    }
    Ok(())
}
