//! What a person orders of a service's rollout: which calls carry it out as things stand, or why none does. The
//! calls are made by the controller, in the place of a pass over the service, so that no pass decides
//! beside it.
//!
//! With nothing in flight `rollback` has something to do (`rollback`), and `approve` and `reject` where content waits
//! for an approval before it starts. With a deployment in flight it stops that,
//! as `abort` does, and marks the declared content.
//!
//! | in flight | `abort` | `promote` | `approve`, `reject` |
//! |---|---|---|---|
//! | goes back already | no | no | no |
//! | somebody else's | if asked for by name | if asked for by name | no |
//! | waits for a person (`READY_WAIT`, pause hook) | stop, go back | go on | if it is of that content |
//! | `CodeDeploy`, old tasks wait to be stopped | stop, go back | stop them, if asked for by name | no |
//! | else | stop, go back | no | no |
//!
//! A service that is to move from `CodeDeploy` to ECS has no group any more: what is in flight there is not seen, and of a move
//! that waits for an approval only that is decided.
//!
//! What is stopped or rejected is marked on the service (`mark`) after AWS has accepted that, so that it is not
//! started again whatever AWS remembers; what is approved is marked before it goes on.
//!
//! Invariants:
//! - One order gives one action at most. That a deployment has moved on meanwhile is AWS's to refuse.
//! - Nothing is done because of what could not be read.

mod code_deploy;
mod ecs;
mod observe;
mod rollback;

use serde_json::Value;

use super::mark::{APPROVED_TAG, Mark, TAKEN_BACK_TAG};
use super::payload::attempt_digest;
use super::plan::{compared, controller, in_the_words_of_the_request, of_content, unresolved};
use super::{Observed, gates, native, queued, revision, taken_back, text};
use crate::aws::Observer;
use crate::kinds::View;
use crate::kinds::common::step as call;
use crate::model::{Command, Moment, Order, Seen, Step};

/// What follows from an order.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// These calls, in this order; the first that fails ends it.
    Do {
        /// The calls.
        steps: Vec<Step>,
        /// The deployment that it is about, by its id at AWS.
        deployment: Option<String>,
    },
    /// Nothing, and why, with the cure.
    No(String),
    /// Nothing, because something could not be read.
    Unknown(String),
}

/// Reads how the service stands, and decides.
pub async fn ordered(
    observer: &Observer,
    view: &View<'_>,
    order: &Order,
    fresh: Moment,
) -> Verdict {
    let standing = observe::standing(observer, view, order, fresh).await; // I/O
    decide(view, &standing, order) // pure
}

/// What an order looks at.
#[derive(Debug)]
pub(super) struct Standing {
    /// What a pass reads, and the deployments.
    pub(super) observed: Observed,
    /// The revision of `CodeDeploy` that a rollback would deploy; read only for one.
    pub(super) revision: Option<Seen<Value>>,
}

/// Decides.
pub(super) fn decide(view: &View<'_>, standing: &Standing, order: &Order) -> Verdict {
    let observed = &standing.observed;
    let name = view.resource.aws_name();
    let service = match &observed.service {
        Seen::Unknown(why) => return Verdict::Unknown(why.clone()),
        Seen::Absent => {
            return Verdict::No(format!(
                "service {name} does not exist at AWS yet; `evenkeel describe {}` says what it waits for",
                view.resource.key
            ));
        }
        Seen::Present(service) => service,
    };
    let known = match &observed.revision {
        Some(Seen::Unknown(why)) => {
            return Verdict::Unknown(format!("cannot read the revision of service {name}: {why}"));
        }
        known => known.as_ref().and_then(Seen::present),
    };
    let service = in_the_words_of_the_request(&revision::overlaid(service, known, view));
    // What an order is about is what comes first, where revisions wait for each other.
    queued::first(view, observed, &service, of_content, |view, _| {
        let (view, attempt) = declared(view, &service);
        let case = Case {
            retried: native::is_retried(&view, observed, &service),
            view: &view,
            service: &service,
            order,
            attempt,
        };
        match controller(&service) {
            "CODE_DEPLOY" => code_deploy::decide(&case, standing),
            "ECS" => ecs::decide(&case, observed),
            other => Verdict::No(format!(
                "service {name} has deployment controller {other}: its rollouts are driven by somebody else, and left to them"
            )),
        }
    })
}

/// The view of a service that is there, and the digest of the declared content once all of it is resolved.
fn declared<'a>(view: &View<'a>, service: &Value) -> (View<'a>, Option<String>) {
    let (_, view) = compared(view, service);
    let attempt = attempt_digest(&view).filter(|_| unresolved(&view).is_empty());
    (view, attempt)
}

/// What the decisions look at.
struct Case<'a> {
    view: &'a View<'a>,
    service: &'a Value,
    order: &'a Order,
    /// The digest of the declared content, once all of it is resolved.
    attempt: Option<String>,
    /// Whether it is to be started anew though it is live.
    retried: bool,
}

impl Case<'_> {
    /// The key, for commands that are named.
    fn key(&self) -> String {
        self.view.resource.key.to_string()
    }

    /// The declared content, if it waits for an approval before it starts.
    fn gated(&self) -> Option<&str> {
        let attempt = self.attempt.as_deref()?;
        let held = taken_back::marked(self.service).is_some_and(|mark| mark.digest == attempt);
        let waits = gates::asks_for_approval(self.view, self.service, attempt)
            && !held
            && (self.retried || !taken_back::is_live(self.view, self.service));
        waits.then_some(attempt)
    }

    /// What follows of an approval or a rejection for content that waits before it starts; `None` if the order is
    /// not about it. `flying` is the content that is in flight.
    fn at_the_gate(&self, flying: Option<&str>) -> Option<Verdict> {
        let attempt = self.gated().filter(|attempt| flying != Some(*attempt))?;
        let (tag, what) = match &self.order.command {
            Command::Approve { digest } if begins(attempt, digest) => (APPROVED_TAG, "approved"),
            Command::Reject {
                digest: Some(digest),
            } if begins(attempt, digest) => (TAKEN_BACK_TAG, "rejected"),
            Command::Reject { digest: None } if flying.is_none() => (TAKEN_BACK_TAG, "rejected"),
            _ => return None,
        };
        Some(Verdict::Do {
            steps: vec![self.mark(tag, attempt, what)],
            deployment: None,
        })
    }

    /// Nothing is in flight.
    fn resting(&self) -> Verdict {
        if let Some(verdict) = self.at_the_gate(None) {
            return verdict;
        }
        let key = self.key();
        if let Some(waits) = self.gated() {
            if let Some(no) = self.of_other_content("what waits for an approval", waits) {
                return no;
            }
            if matches!(self.order.command, Command::Promote { .. }) {
                return Verdict::No(format!(
                    "content {waits} waits for an approval before it starts: `evenkeel approve {key} --digest {waits}`"
                ));
            }
        }
        let name = text(self.service, "serviceName");
        Verdict::No(match self.order.command {
            Command::Abort { .. } | Command::Rollback { .. } => {
                format!("no deployment of service {name} is in flight")
            }
            Command::Promote { .. } | Command::Approve { .. } | Command::Reject { .. } => format!(
                "nothing of service {name} waits for a person: no deployment is in flight; `evenkeel describe {key}` \
                 says how it stands"
            ),
        })
    }

    /// Why a deployment of somebody else is left alone; `None` if the order names it.
    fn respected(&self, what: &str) -> Option<Verdict> {
        let named = match self.order.command {
            Command::Abort { foreign }
            | Command::Promote { foreign, .. }
            | Command::Rollback { foreign } => foreign,
            Command::Approve { .. } | Command::Reject { .. } => false,
        };
        if named {
            return None;
        }
        let cure = match self.order.command {
            Command::Approve { .. } => format!(
                "its content has no digest to be approved; `evenkeel promote {} --foreign` lets it go on",
                self.key()
            ),
            Command::Reject { .. } => {
                format!("`evenkeel abort {} --foreign` stops it", self.key())
            }
            _ => "to do so all the same, add --foreign".to_owned(),
        };
        Some(Verdict::No(format!(
            "{what} was started by somebody else and is respected; {cure}"
        )))
    }

    /// Why an approval is not of what waits; `None` if it is. `waits` is the digest of what does.
    fn of_other_content(&self, what: &str, waits: &str) -> Option<Verdict> {
        let (Command::Approve { digest: asked }
        | Command::Reject {
            digest: Some(asked),
        }) = &self.order.command
        else {
            return None;
        };
        if begins(waits, asked) {
            return None;
        }
        Some(Verdict::No(format!(
            "{what} is of content {waits}, not of {asked}: look at it with `evenkeel describe {}`, and name the digest \
             that it shows",
            self.key()
        )))
    }

    /// Why a deployment in flight is not continued.
    fn goes_on_by_itself(&self, course: &str) -> Verdict {
        Verdict::No(format!(
            "{course}; it waits for nobody. `evenkeel abort {}` stops it",
            self.key()
        ))
    }

    /// The mark of this content.
    fn mark(&self, tag: &str, digest: &str, what: &str) -> Step {
        let mark = Mark {
            digest: digest.to_owned(),
            what: what.to_owned(),
            by: self.order.by.clone(),
            at: self.view.now,
        };
        mark.write(self.service, tag)
    }

    /// Stopping a deployment of a content: the call, and the mark if the manifest still asks for it.
    fn stop(&self, id: &str, stop: Step, digest: Option<&str>) -> Verdict {
        let declared = self.attempt.as_deref();
        let (what, held) = match self.order.command {
            Command::Reject { .. } => ("rejected", digest.filter(|_| digest == declared)),
            // The manifest's content, whatever of ours is in flight: what was left by a rollback stays.
            Command::Rollback { .. } => (rollback::WORD, declared.filter(|_| digest.is_some())),
            _ => ("aborted", digest.filter(|_| digest == declared)),
        };
        let mark = held.map(|digest| self.mark(TAKEN_BACK_TAG, digest, what));
        Verdict::Do {
            steps: std::iter::once(stop).chain(mark).collect(),
            deployment: Some(id.to_owned()),
        }
    }

    /// Letting a deployment go on from where it waits for a person, unless a window that has closed holds it. Not the way back
    /// that a person ordered.
    fn let_on(&self, id: &str, digest: Option<&str>, calls: Vec<Step>) -> Verdict {
        let mark = taken_back::marked(self.service);
        let back = mark.is_some_and(|mark| digest != Some(&mark.digest));
        let held = gates::held(self.view).filter(|_| digest.is_some() && !back);
        match held {
            Some(why) => Verdict::No(format!("deployment {id} waits for a person; {why}")),
            None => self.go_on(id, digest, calls),
        }
    }

    /// Letting a deployment go on: the calls, after the mark of an approval.
    fn go_on(&self, id: &str, digest: Option<&str>, calls: Vec<Step>) -> Verdict {
        let approved = digest
            .filter(|_| matches!(self.order.command, Command::Approve { .. }))
            .map(|digest| self.mark(APPROVED_TAG, digest, "approved"));
        Verdict::Do {
            steps: approved.into_iter().chain(calls).collect(),
            deployment: Some(id.to_owned()),
        }
    }
}

/// Digits of a digest, after its `v1:`, that name it.
const ENOUGH: usize = 8;

/// Whether a text is a digest or the beginning of it that is long enough.
fn begins(digest: &str, text: &str) -> bool {
    let prefix = digest.find(':').map_or(0, |at| at + 1);
    digest == text || (digest.starts_with(text) && text.len() >= prefix + ENOUGH)
}
