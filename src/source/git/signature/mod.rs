//! Whether a commit or a tag is signed by one of the keys that a person named. Pure: the object's bytes,
//! the keyring's text and the time give the verdict. Not the fetching of the object, nor what becomes of a
//! commit that fails.
//!
//! The verdict is that of `git verify-commit` and `git verify-tag`, but for trust: whoever stands in the
//! keyring is trusted, and nobody else.
//!
//! - `OpenPGP`: a key must be valid now. A key that has expired signs nothing any more, and what it signed
//!   before is not taken either.
//! - SSH: a key must be valid at the time that the commit or tag says, as git asks `ssh-keygen`. To stop
//!   trusting a key, take its line out.
//! - A tag's name is part of what is signed, and must be the name of the ref.
//!
//! Invariants:
//! - What cannot be understood is not good.
//! - Only keys of the keyring are used; none that comes with the signature.
//! - No private key is known here, and no text of the object is shown but fingerprints and user ids.

mod keyring;
mod object;
#[cfg(feature = "signatures")]
mod openpgp;
#[cfg(feature = "signatures")]
mod ssh;

pub(super) use self::keyring::Keyring;
pub(super) use self::object::signed_name;
use self::object::{Form, Signed};

/// Why a signature is not good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// There is none.
    #[error("is not signed")]
    Unsigned,
    /// It is by none of the keys.
    #[error("is signed by {0}, which the keyring does not have")]
    Unknown(String),
    /// It does not fit, or cannot be read.
    #[error("has a signature that is not good: {0}")]
    Wrong(String),
    /// It fits, and its key may not sign now.
    #[error("is signed by {0}")]
    Expired(String),
}

/// Judges a commit or tag as it stands in the object database. `now`: in seconds since the epoch. Gives who
/// signed it.
pub(super) fn judge(object: &[u8], keyring: &Keyring, now: i64) -> Result<String, Fault> {
    let signed = Signed::read(object)?;
    match signed.form {
        #[cfg(feature = "signatures")]
        Form::Ssh => ssh::judge(&signed, &keyring.signers),
        #[cfg(feature = "signatures")]
        Form::OpenPgp => openpgp::judge(&signed, &keyring.certificates, now),
        #[cfg(not(feature = "signatures"))]
        Form::Ssh | Form::OpenPgp => {
            let _ = (keyring, now);
            Err(Fault::Wrong(keyring::NOT_BUILT.to_owned()))
        }
        Form::Other => Err(Fault::Wrong(
            "it is neither of SSH nor of OpenPGP; X.509 is not known here".to_owned(),
        )),
    }
}
