//! Holds that persons set and end through the API: the tag is written beside the loop, and then the loop looks
//! again at all that it concerns. What a hold keeps from being written is decided in `kinds::hold`.
//!
//! Invariants:
//! - It needs no source: what is in force by a read of before will do, and a cluster is found by its name at
//!   AWS where nothing has been read yet.
//! - Once the answer to setting one is given, no pass that began before it writes any more.
//! - One at a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::Controller;
use super::pass::{Context, send};
use crate::ask::{Answer, HoldChange, HoldChanged, Refusal};
use crate::clock::Clock;
use crate::kinds::hold::{self, Place};
use crate::kinds::{HOLD_ALL_TAG, HOLD_TAG};
use crate::model::{HoldScope, Key, Kind, Seen};
use crate::status::EventKind;

/// How often AWS is asked whether a tag is there as written, and how long apart.
const LOOKS: (usize, Duration) = (6, Duration::from_secs(1));

/// The way without the daemon.
const BY_HAND: &str = "the tag can be set by hand: aws ecs tag-resource --resource-arn ARN --tags \
     key=evenkeel.dev/hold,value='reason=...'";

type Reply = oneshot::Sender<Result<Answer, Refusal>>;

/// A resource whose tag is to be written.
#[derive(Clone, Debug)]
struct Target {
    place: Place,
    tag: &'static str,
    scope: HoldScope,
}

/// What came of a change, and who waits for it.
#[derive(Debug)]
pub(super) struct Changed {
    change: HoldChange,
    targets: Vec<Target>,
    on: Vec<String>,
    absent: Vec<String>,
    confirmed: bool,
    refusal: Option<Refusal>,
    reply: Reply,
}

/// The change under way: at most one, that ends with the loop.
#[derive(Debug, Default)]
pub(super) struct Changing(JoinSet<Changed>);

impl Changing {
    /// Waits for it; for ever without one.
    pub(super) async fn next(&mut self) -> Changed {
        match self.0.join_next().await {
            Some(Ok(changed)) => return changed,
            // Whoever asked is refused by the loss of the reply.
            Some(Err(error)) => {
                tracing::error!("changing a hold broke; this is a defect of this program: {error}");
            }
            None => {}
        }
        std::future::pending().await
    }
}

impl Controller {
    /// Starts to set or end a hold.
    pub(super) fn change_hold(&mut self, change: HoldChange, reply: Reply) {
        let targets = match self.targets(change.key.as_ref()) {
            Ok(_) if !self.changing.0.is_empty() => Err(Refusal::Unavailable(
                "another hold is being set or ended; ask again".to_owned(),
            )),
            other => other,
        };
        match targets {
            Ok(targets) => {
                let (context, clock) = (Arc::clone(&self.context), self.clock.clone());
                let task = async move { carry_out(&context, &clock, change, targets, reply).await };
                self.changing.0.spawn(task);
            }
            Err(refusal) => {
                reply.send(Err(refusal)).ok();
            }
        }
    }

    /// The resources whose tags hold this.
    fn targets(&self, key: Option<&Key>) -> Result<Vec<Target>, Refusal> {
        let set = &self.state.set;
        let unread = self.revision.is_none();
        let target = |place, tag, scope| Target { place, tag, scope };
        let cluster = |name: &str| Place::Cluster {
            name: name.to_owned(),
            own: true,
        };
        let Some(key) = key else {
            let clusters = set.of_kind(Kind::Cluster);
            let targets: Vec<Target> = clusters
                .map(|one| {
                    let place = cluster(one.aws_name());
                    target(place, HOLD_ALL_TAG, HoldScope::Everything)
                })
                .collect();
            if !targets.is_empty() {
                return Ok(targets);
            }
            let text = if unread {
                format!("no manifest has been read yet, so the clusters are not known; {BY_HAND}")
            } else {
                "no Cluster has a manifest, and a hold of everything is kept on those; hold the services".to_owned()
            };
            return Err(Refusal::Unavailable(text));
        };
        match key.kind {
            Kind::Cluster if unread => {
                let place = cluster(&key.name);
                return Ok(vec![target(place, HOLD_TAG, HoldScope::Cluster)]);
            }
            Kind::Cluster | Kind::Service => {}
            _ => {
                let text = format!(
                    "a hold is of a Service, a Cluster or everything, and not of {key}; everything holds it too"
                );
                return Err(Refusal::NotApplicable(text));
            }
        }
        if unread {
            let text = format!(
                "no manifest has been read yet, so it is not known which service {key} is; {BY_HAND}"
            );
            return Err(Refusal::Unavailable(text));
        }
        self.known(key)?;
        let resource = set.get(key);
        Ok(resource
            .map(|resource| {
                if key.kind == Kind::Cluster {
                    let place = cluster(resource.aws_name());
                    return target(place, HOLD_TAG, HoldScope::Cluster);
                }
                let (cluster, name) = set.service_names(resource);
                let place = Place::Service {
                    cluster: cluster.to_owned(),
                    name: name.to_owned(),
                };
                target(place, HOLD_TAG, HoldScope::Service)
            })
            .into_iter()
            .collect())
    }

    /// Takes in what came of it: looks at all that it concerns, and answers.
    pub(super) fn hold_changed(&mut self, changed: Changed) {
        let Changed {
            change,
            targets,
            on,
            absent,
            confirmed,
            refusal,
            reply,
        } = changed;
        let now = self.clock.now();
        let set = Arc::clone(&self.state.set);
        let mut keys = BTreeSet::new();
        for target in &targets {
            keys.extend(hold::concerned(&set, &target.place, target.scope));
        }
        for key in keys {
            self.state.resync_of(&key, now);
        }
        if !on.is_empty() {
            let what = change
                .key
                .as_ref()
                .map_or_else(|| "everything".to_owned(), ToString::to_string);
            let text = match &change.text {
                Some(text) => format!("{} holds {what}: {text}", change.by),
                None => format!("{} ends the hold of {what}", change.by),
            };
            tracing::info!("{text}");
            let events = self.board.events();
            events.record(now, EventKind::Command, change.key.as_ref(), text);
        }
        let answer = match refusal {
            Some(refusal) => Err(refusal),
            None => Ok(Answer::Hold(HoldChanged {
                resync: self.count_resync(now),
                on,
                absent,
                confirmed,
            })),
        };
        reply.send(answer).ok();
    }
}

/// Writes the tags, lets what began before end, and looks whether AWS shows them.
async fn carry_out(
    context: &Context,
    clock: &Clock,
    change: HoldChange,
    targets: Vec<Target>,
    reply: Reply,
) -> Changed {
    let mut changed = Changed {
        change,
        targets,
        on: Vec::new(),
        absent: Vec::new(),
        confirmed: false,
        refusal: None,
        reply,
    };
    let text = changed.change.text.clone();
    for target in &changed.targets {
        match write(context, clock, target, text.as_deref()).await {
            Ok(Wrote::Yes) => changed.on.push(target.place.name()),
            Ok(Wrote::NoNeed) => {}
            Ok(Wrote::Absent) => changed.absent.push(target.place.name()),
            Err(refusal) => {
                changed.refusal = Some(refusal);
                break;
            }
        }
    }
    if changed.refusal.is_none() && changed.absent.len() == changed.targets.len() {
        let text = format!(
            "{} is not at AWS, so there is nothing to keep a hold on",
            changed.absent.join(", ")
        );
        changed.refusal = Some(Refusal::NotApplicable(text));
    }
    if changed.change.text.is_some() && !changed.on.is_empty() {
        context.outdate(clock.now()).await;
    }
    if changed.refusal.is_none() {
        changed.confirmed = shown(context, clock, &changed.targets, text.as_deref()).await;
    }
    changed
}

/// What came of one target.
enum Wrote {
    Yes,
    /// There was no hold to end.
    NoNeed,
    Absent,
}

async fn write(
    context: &Context,
    clock: &Clock,
    target: &Target,
    text: Option<&str>,
) -> Result<Wrote, Refusal> {
    let what = target.place.name();
    let mut read = hold::observe(&context.observer, vec![target.place.clone()], clock.now()).await;
    let document = match read.pop() {
        Some((_, Seen::Present(document))) => document,
        Some((_, Seen::Unknown(why))) => {
            let text = format!("cannot read {what}: {why}; {BY_HAND}");
            return Err(Refusal::Unavailable(text));
        }
        Some((_, Seen::Absent)) | None => return Ok(Wrote::Absent),
    };
    let member = if matches!(target.place, Place::Service { .. }) {
        "serviceArn"
    } else {
        "clusterArn"
    };
    let arn = document.get(member).and_then(serde_json::Value::as_str);
    let arn = arn.ok_or_else(|| Refusal::Unavailable(format!("AWS names no ARN of {what}")))?;
    if text.is_none() && hold::text_on(&document, target.tag).is_none() {
        return Ok(Wrote::NoNeed);
    }
    if text.is_some() && !hold::has_room(&document, target.tag) {
        let text = format!(
            "{what} has as many tags as AWS takes; take one away, or hold what is around it"
        );
        return Err(Refusal::NotApplicable(text));
    }
    let call = hold::change(arn, target.tag, text);
    match send(context, &call, None).await {
        Some(Ok(_)) => {
            context.observer.outdate(arn);
            Ok(Wrote::Yes)
        }
        Some(Err(fault)) => Err(Refusal::Unavailable(format!(
            "AWS did not take the tag {} of {what}: {fault}",
            target.tag
        ))),
        None => Err(Refusal::Unavailable(
            "the daemon may not write just now: it is stopping, or its credentials are of another account"
                .to_owned(),
        )),
    }
}

/// Whether AWS's reads show all tags as written. Written once more if they do not for a while: a pass that
/// began before may have taken the tag away as one that was over.
async fn shown(context: &Context, clock: &Clock, targets: &[Target], text: Option<&str>) -> bool {
    let (looks, apart) = LOOKS;
    for look in 0..looks {
        let mut same = true;
        for target in targets {
            let place = vec![target.place.clone()];
            let read = hold::observe(&context.observer, place, clock.now()).await;
            same &= read.iter().all(|(_, seen)| match seen {
                Seen::Present(document) => hold::text_on(document, target.tag).as_deref() == text,
                Seen::Absent => true,
                Seen::Unknown(_) => false,
            });
        }
        if same {
            return true;
        }
        if look == looks / 2 && text.is_some() {
            for target in targets {
                // What is wrong with it shows in the next look.
                write(context, clock, target, text).await.ok();
            }
        }
        clock.sleep(apart).await;
    }
    false
}
