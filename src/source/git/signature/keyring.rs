//! The keys that may sign: a text of lines as in git's `gpg.ssh.allowedSignersFile` (ssh-keygen(1),
//! "ALLOWED SIGNERS") and of armored `OpenPGP` public keys, in any order.
//!
//! Invariant: a line or key that is not understood is an error that names its line; it is not left out, or
//! somebody would look for the mistake at the wrong end.

/// What a build without the feature says.
#[cfg(not(feature = "signatures"))]
pub(super) const NOT_BUILT: &str =
    "this build checks no signatures; build it with the Cargo feature `signatures`";

/// Who may sign.
#[derive(Debug, Default)]
pub(in super::super) struct Keyring {
    #[cfg(feature = "signatures")]
    pub(super) signers: Vec<super::ssh::Signer>,
    #[cfg(feature = "signatures")]
    pub(super) certificates: Vec<pgp::composed::SignedPublicKey>,
}

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

impl Keyring {
    /// Reads a keyring. The error names the line.
    #[cfg(feature = "signatures")]
    pub(in super::super) fn read(text: &str) -> Result<Self, String> {
        let mut keyring = Self::default();
        let mut lines = text.lines().zip(1..);
        while let Some((line, number)) = lines.next() {
            let line = line.trim();
            let at = |why: String| format!("line {number}: {why}");
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line != BEGIN {
                let signer = super::ssh::Signer::read(line).map_err(at)?;
                keyring.signers.push(signer);
                continue;
            }
            let mut block = format!("{BEGIN}\n");
            loop {
                let (line, _) = lines
                    .next()
                    .ok_or_else(|| at("the key's block has no end".to_owned()))?;
                block.push_str(line);
                block.push('\n');
                if line.trim() == END {
                    break;
                }
            }
            let found = super::openpgp::certificates(&block).map_err(at)?;
            keyring.certificates.extend(found);
        }
        if keyring.signers.is_empty() && keyring.certificates.is_empty() {
            return Err("it holds no key".to_owned());
        }
        Ok(keyring)
    }

    /// Refuses, as no key can be used.
    #[cfg(not(feature = "signatures"))]
    pub(in super::super) fn read(_text: &str) -> Result<Self, String> {
        let _ = (BEGIN, END);
        Err(NOT_BUILT.to_owned())
    }
}
