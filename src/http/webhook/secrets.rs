//! The webhook's secrets, and the check of a proof against them. Pure.
//!
//! Invariants:
//! - Comparisons take the same time wherever they differ, and every secret is tried.
//! - `Debug` shows no secret.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::provider::Proof;

/// Shorter secrets can be guessed offline by whoever sees one signed request.
const SHORTEST: usize = 16;

/// The secrets that a request may be signed with: several while one replaces another.
#[derive(Clone)]
pub struct Secrets(Vec<String>);

/// Why a text holds no secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSecrets {
    /// Nothing but empty lines.
    #[error("it holds no secret; make one with `openssl rand -hex 32`")]
    None,
    /// A line is too short.
    #[error(
        "line {0} is shorter than {SHORTEST} characters; make a secret with `openssl rand -hex 32`"
    )]
    Short(usize),
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// The check of one request, fed with its body.
#[derive(Clone)]
pub(super) struct Check(Vec<(Hmac<Sha256>, Vec<u8>)>);

impl Secrets {
    /// One secret a line; spaces around it do not count.
    ///
    /// # Errors
    /// If there is none, or one is too short.
    pub fn parse(text: &str) -> Result<Self, BadSecrets> {
        let mut secrets = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            match line.trim() {
                "" => {}
                short if short.len() < SHORTEST => return Err(BadSecrets::Short(number)),
                secret => secrets.push(secret.to_owned()),
            }
        }
        if secrets.is_empty() {
            return Err(BadSecrets::None);
        }
        Ok(Self(secrets))
    }

    /// Whether a text is one of them, told in the same time wherever it differs.
    pub(in crate::http) fn hold(&self, claimed: &[u8]) -> bool {
        self.check().fits(&Proof::Token(claimed.to_vec()))
    }

    /// A check that has seen no body yet.
    pub(super) fn check(&self) -> Check {
        let keyed = self.0.iter().filter_map(|secret| {
            // HMAC takes keys of any length.
            let mac = Hmac::new_from_slice(secret.as_bytes()).ok()?;
            Some((mac, secret.clone().into_bytes()))
        });
        Check(keyed.collect())
    }
}

impl Check {
    /// The next piece of the body.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        for (mac, _) in &mut self.0 {
            mac.update(piece);
        }
    }

    /// Whether the proof fits one of the secrets.
    pub(super) fn fits(self, proof: &Proof) -> bool {
        let fitting = self.0.into_iter().filter(|(mac, secret)| match proof {
            Proof::Hmac(claimed) => mac.clone().verify_slice(claimed).is_ok(),
            Proof::Token(claimed) => same(claimed, secret),
        });
        fitting.count() > 0
    }
}

/// Whether two texts are the same, without telling by the time where they differ: what is compared
/// is their HMACs under one of them.
fn same(claimed: &[u8], secret: &[u8]) -> bool {
    let keyed = || Hmac::<Sha256>::new_from_slice(secret);
    let (Ok(mut one), Ok(mut other)) = (keyed(), keyed()) else {
        return false;
    };
    one.update(claimed);
    other.update(secret);
    one.verify(&other.finalize().into_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "It's a Secret to Everybody";

    fn fits(secrets: &str, body: &[&str], proof: &Proof) -> bool {
        let mut check = Secrets::parse(secrets).unwrap().check();
        for piece in body {
            check.feed(piece.as_bytes());
        }
        check.fits(proof)
    }

    /// The example of GitHub's page "Validating webhook deliveries".
    #[test]
    fn github_s_own_example_fits() {
        let proof = |digits: &str| Proof::Hmac(hex::decode(digits).unwrap());
        let right = proof("757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
        assert!(fits(SECRET, &["Hello, ", "World!"], &right));
        assert!(!fits(SECRET, &["Hello, World"], &right));
        assert!(!fits("another secret, as long", &["Hello, World!"], &right));
        let both = format!("another secret, as long\n\n  {SECRET}  \n");
        assert!(fits(&both, &["Hello, World!"], &right));
    }

    #[test]
    fn a_token_is_the_secret_itself() {
        assert!(fits(SECRET, &["whatever"], &Proof::Token(SECRET.into())));
        for wrong in [
            "",
            "It's a Secret to Everybod",
            "it's a secret to everybody",
        ] {
            assert!(!fits(SECRET, &[], &Proof::Token(wrong.into())), "{wrong}");
        }
    }

    #[test]
    fn secrets_are_long_enough_and_not_shown() {
        assert_eq!(Secrets::parse(" \n").unwrap_err(), BadSecrets::None);
        assert_eq!(
            Secrets::parse(&format!("{SECRET}\nshort")).unwrap_err(),
            BadSecrets::Short(2)
        );
        let secrets = Secrets::parse(SECRET).unwrap();
        assert_eq!(format!("{secrets:?}"), "Secrets(1)");
    }
}
