//! Whether what was read is signed: the objects for `signature`, which judges.
//!
//! A branch, HEAD and a commit are judged by the commit's signature. A tag is judged by its own if it is an
//! annotated one that has a signature, and by the commit's if not: a tag that is signed by somebody unknown
//! is not taken because its commit is good.

use std::time::{SystemTime, UNIX_EPOCH};

use super::super::signature::{Keyring, judge, signed_name};
use super::super::wire::{Reason, Trouble, clean};
use super::choose::Target;
use super::{broken, genuine};

/// Fails unless a key among `keys` has signed.
pub(super) fn verify(
    commit: &gix::Commit<'_>,
    target: &Target,
    keys: &Result<String, String>,
) -> Result<(), Trouble> {
    let unverified = |what: String| Trouble::new(Reason::Unverified, clean(&what, 700));
    let keyring = keys.as_ref().map_err(Clone::clone);
    let keyring = keyring.and_then(|text| Keyring::read(text));
    let keyring = keyring.map_err(|why| unverified(format!("the keyring of `signedBy`: {why}")))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    let tag = target
        .name
        .as_deref()
        .and_then(|name| name.strip_prefix("refs/tags/"));
    if let Some(name) = tag {
        let object = commit.repo.find_object(target.object);
        let object = object.map_err(|error| broken(&error))?;
        genuine(&object)?;
        let signed = (object.kind == gix::objs::Kind::Tag).then(|| signed_name(&object.data));
        if let Some(signed) = signed.flatten() {
            if signed != name {
                return Err(unverified(format!(
                    "tag `{name}` is signed as `{signed}`, so somebody gave it another name"
                )));
            }
            judge(&object.data, &keyring, now)
                .map_err(|fault| unverified(format!("tag `{name}` {fault}")))?;
            // Where it leads was the server's word.
            let leads = object.peel_to_commit().map_err(|error| broken(&error))?;
            if leads.id != commit.id {
                return Err(unverified(format!(
                    "tag `{name}` is signed for another commit"
                )));
            }
            return Ok(());
        }
    }
    judge(&commit.data, &keyring, now).map_err(|fault| {
        let id = commit.id.to_hex_with_len(12);
        unverified(format!("commit {id} {fault}"))
    })?;
    Ok(())
}
