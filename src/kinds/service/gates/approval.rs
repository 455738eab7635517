//! A person's approval of a content before its rollout starts (`rollout.approval`). Pure.
//!
//! The approval is a tag on the service (`mark`), written by `evenkeel approve` and bound to the content's digest: a
//! newer manifest needs its own. The timeout (`rollout.approval.timeout`) bounds both: an approval that is older does not count, and
//! a content that has waited longer waits as `Blocked`, for the alerts; it can be approved all the same. How long it has waited is
//! not remembered over a restart of the daemon.
//!
//! Not asked for: a service that is only being made, which has no tag to carry an approval, and content that was
//! started before with this digest, so that healing what somebody changed by hand does not wait for a person.

use serde_json::Value;

use super::super::mark::{APPROVED_TAG, Mark};
use super::super::plan::{declared_tag, ways};
use crate::kinds::View;
use crate::kinds::heal::time;
use crate::model::{Block, Outcome, Wait};

/// Whether the manifest asks for an approval of this content before it starts. `service` is the live one.
pub(in super::super) fn asked(view: &View<'_>, service: &Value, digest: &str) -> bool {
    view.resource.approval().is_some() && declared_tag(service) != Some(digest)
}

/// Why the rollout waits for a person; `None` if it does not.
pub(super) fn shut(
    view: &View<'_>,
    service: Option<&Value>,
    digest: Option<&str>,
) -> Option<Outcome> {
    let (service, digest) = (service?, digest?);
    if !asked(view, service, digest) {
        return None;
    }
    let timeout = view.resource.approval()?;
    let mark = Mark::of(service, APPROVED_TAG);
    let given = match &mark {
        Some(mark) if mark.digest == digest => {
            if view.now.since(mark.at) < timeout {
                return None;
            }
            format!(", as what was {} no longer counts", mark.sentence())
        }
        _ => String::new(),
    };
    let ways = ways(view, digest);
    let since = view.asked.filter(|(asked, _)| *asked == digest);
    Some(match since {
        Some((_, since)) if view.now.since(since) >= timeout => {
            let since = time(since);
            let why = format!(
                "content {digest} has waited for an approval since {since}, longer than its manifest says{given}{ways}"
            );
            Outcome::Blocked(Block::ApprovalTimedOut, why)
        }
        _ => {
            let why = format!("content {digest} waits for an approval{given}{ways}");
            Outcome::Waiting(Wait::ApprovalPending, why)
        }
    })
}
