//! Signatures of `OpenPGP` keys (RFC 9580). The crate verifies; which key may sign, and when, is judged here.
//!
//! Invariants:
//! - Only self-signatures that verify say anything about a key: when it expires, what it may do.
//! - A revocation that verifies ends a key, whatever its date: nobody knows since when it was in other hands.

use pgp::composed::{Deserializable as _, DetachedSignature, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::types::{KeyDetails, Tag};

use super::Fault;
use super::object::Signed;
use crate::source::git::wire::clean;

/// The hashes that a signature may be made with; all others are broken or unknown.
const HASHES: [HashAlgorithm; 5] = [
    HashAlgorithm::Sha224,
    HashAlgorithm::Sha256,
    HashAlgorithm::Sha384,
    HashAlgorithm::Sha512,
    HashAlgorithm::Sha3_256,
];

/// The keys of an armored block. One that is not well-formed is an error.
pub(super) fn certificates(armored: &str) -> Result<Vec<SignedPublicKey>, String> {
    let no = |error: pgp::errors::Error| {
        let why = clean(&error.to_string(), 200);
        format!("it is no OpenPGP public key that is understood ({why})")
    };
    let (keys, _) = SignedPublicKey::from_string_many(armored).map_err(no)?;
    let keys: Vec<SignedPublicKey> = keys.collect::<Result<_, _>>().map_err(no)?;
    if keys.is_empty() {
        return Err("it holds no OpenPGP public key".to_owned());
    }
    Ok(keys)
}

/// Whether a signature is good at this time (seconds since the epoch); gives who made it.
pub(super) fn judge(
    signed: &Signed,
    certificates: &[SignedPublicKey],
    now: i64,
) -> Result<String, Fault> {
    let wrong = |why: &str| Fault::Wrong(why.to_owned());
    let (mut all, _) = DetachedSignature::from_string_many(&signed.signature)
        .map_err(|_| wrong("it cannot be read"))?;
    let (Some(Ok(found)), None) = (all.next(), all.next()) else {
        return Err(wrong("it is not one signature"));
    };
    let signature = &found.signature;
    if !matches!(
        signature.typ(),
        Some(SignatureType::Binary | SignatureType::Text)
    ) {
        return Err(wrong("it is no signature of a text"));
    }
    if !signature
        .hash_alg()
        .is_some_and(|hash| HASHES.contains(&hash))
    {
        return Err(wrong("it is made with a hash that is not safe"));
    }
    let mut fault = Fault::Unknown(issuer(signature));
    for certificate in certificates {
        let primary = is_by(signature, &certificate.primary_key);
        let subkey = certificate
            .public_subkeys
            .iter()
            .find(|subkey| is_by(signature, &subkey.key));
        let verified = match (primary, subkey) {
            (true, _) => found.verify(&certificate.primary_key, &signed.payload),
            (false, Some(subkey)) => found.verify(&subkey.key, &signed.payload),
            (false, None) => continue,
        };
        if verified.is_err() {
            fault = wrong("it does not fit what is signed");
            continue;
        }
        let subkey = subkey.filter(|_| !primary);
        match may_sign(certificate, subkey, signature, now) {
            Ok(()) => return Ok(name(certificate)),
            Err(why) => {
                let key = certificate.fingerprint();
                fault = Fault::Expired(format!(
                    "the OpenPGP key {key:X} ({}), {why}",
                    name(certificate)
                ));
            }
        }
    }
    Err(fault)
}

/// Whether a signature says that it is by this key.
fn is_by(signature: &Signature, key: &impl KeyDetails) -> bool {
    let fingerprints = signature.issuer_fingerprint();
    if fingerprints.is_empty() {
        return signature.issuer_key_id().contains(&&key.legacy_key_id());
    }
    fingerprints.contains(&&key.fingerprint())
}

/// The key that a signature says it is by.
fn issuer(signature: &Signature) -> String {
    let fingerprint = signature
        .issuer_fingerprint()
        .first()
        .map(|one| format!("{one:X}"));
    let id = signature.issuer_key_id().first().map(ToString::to_string);
    match fingerprint.or(id) {
        Some(key) => format!("the OpenPGP key {key}"),
        None => "an OpenPGP key that it does not name".to_owned(),
    }
}

/// The first user id.
fn name(certificate: &SignedPublicKey) -> String {
    let user = certificate.details.users.first();
    let id = user.map(|user| String::from_utf8_lossy(user.id.id()).into_owned());
    clean(&id.unwrap_or_else(|| "without a name".to_owned()), 200)
}

/// Whether a key may sign, at the time of the signature and now; the error says why not.
fn may_sign(
    certificate: &SignedPublicKey,
    subkey: Option<&SignedPublicSubKey>,
    signature: &Signature,
    now: i64,
) -> Result<(), String> {
    let primary = &certificate.primary_key;
    let details = &certificate.details;
    let revoked = |one: &&Signature| one.verify_key(primary).is_ok();
    if details
        .revocation_signatures
        .iter()
        .any(|one| revoked(&one))
    {
        return Err("which is revoked".to_owned());
    }
    let own: Vec<&Signature> = own_statements(certificate);
    let newest = newest(&own).ok_or("which no user id or statement of its own vouches for")?;
    lasts("which", seconds(primary), newest, now)?;
    let made = created(signature);
    if let Some(until) = signature.signature_expiration_time()
        && made + i64::from(until.as_secs()) <= now
    {
        return Err("in a signature that was made to expire, and has".to_owned());
    }
    let Some(subkey) = subkey else {
        let flags = newest.key_flags();
        if made < seconds(primary) {
            return Err("in a signature that is older than the key".to_owned());
        }
        // A key without flags is of a time that knew none, and may sign.
        let states_flags = flags.certify() || flags.sign() || flags.authentication();
        return if states_flags && !flags.sign() {
            Err("which may not sign".to_owned())
        } else {
            Ok(())
        };
    };
    if made < seconds(&subkey.key) {
        return Err("in a signature that is older than the key".to_owned());
    }
    let of_type = |typ: SignatureType| {
        let all = subkey.signatures.iter();
        all.filter(move |one| one.typ() == Some(typ))
            .filter(|one| one.verify_subkey_binding(primary, &subkey.key).is_ok())
    };
    if of_type(SignatureType::SubkeyRevocation).next().is_some() {
        return Err("whose subkey is revoked".to_owned());
    }
    let bindings: Vec<&Signature> = of_type(SignatureType::SubkeyBinding).collect();
    let binding = self::newest(&bindings).ok_or("which does not vouch for the subkey")?;
    lasts("whose subkey", seconds(&subkey.key), binding, now)?;
    // Without the subkey's own word anybody could claim somebody else's key, and what it signed.
    let back = binding.embedded_signature().is_some_and(|back| {
        back.verify_primary_key_binding(&subkey.key, primary)
            .is_ok()
    });
    if binding.key_flags().sign() && back {
        Ok(())
    } else {
        Err("whose subkey may not sign".to_owned())
    }
}

/// What a key says of itself: direct statements, and its word for its user ids. A user id that it took back
/// does not count.
fn own_statements(certificate: &SignedPublicKey) -> Vec<&Signature> {
    let primary = &certificate.primary_key;
    let direct = certificate.details.direct_signatures.iter();
    let direct = direct.filter(|one| one.verify_key(primary).is_ok());
    let users = certificate.details.users.iter().flat_map(|user| {
        let own: Vec<&Signature> = user
            .signatures
            .iter()
            .filter(|one| is_by(one, primary))
            .filter(|one| {
                one.verify_certification(primary, Tag::UserId, &user.id)
                    .is_ok()
            })
            .collect();
        let taken_back = own
            .iter()
            .any(|one| one.typ() == Some(SignatureType::CertRevocation));
        if taken_back { Vec::new() } else { own }
    });
    direct.chain(users).collect()
}

fn newest<'a>(all: &[&'a Signature]) -> Option<&'a Signature> {
    all.iter().copied().max_by_key(|one| created(one))
}

fn created(signature: &Signature) -> i64 {
    signature
        .created()
        .map_or(0, |time| i64::from(time.as_secs()))
}

fn seconds(key: &impl KeyDetails) -> i64 {
    i64::from(key.created_at().as_secs())
}

/// Whether a key that was made then has not expired by what is said of it.
fn lasts(whose: &str, made: i64, statement: &Signature, now: i64) -> Result<(), String> {
    let lasts = statement.key_expiration_time();
    let lasts = lasts
        .map(|lasts| i64::from(lasts.as_secs()))
        .filter(|lasts| *lasts > 0);
    match lasts {
        Some(lasts) if made + lasts <= now => {
            let end = jiff::Timestamp::from_second(made + lasts);
            let end = end.map_or_else(|_| "long ago".to_owned(), |end| end.to_string());
            Err(format!("{whose} expired at {end}"))
        }
        _ => Ok(()),
    }
}
