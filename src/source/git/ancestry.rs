//! Whether the commit in force at a place comes after another one: asked of what was fetched, and of the server
//! where that does not reach back far enough. It changes nothing of what is in force.

use std::path::PathBuf;

use super::wire::{self, Answer, Base, Reason, Revision, Wanted};
use super::{Git, Place, Trouble};
use crate::source::{Pick, Scheme};

/// What came of the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// There is nothing to ask: the source has no history, or the person who chose its commit answers for it.
    NoHistory,
    /// It does.
    Yes,
    /// It does not, or that cannot be told; the text says why.
    NotKnown(String),
}

/// Answers that are kept for a place; more are asked again.
const KEPT: usize = 1000;

impl Git {
    /// Whether the commit in force at a place is `ancestor` or comes after it.
    pub(in crate::source) async fn follows(&mut self, at: usize, ancestor: &str) -> Followed {
        let Some(place) = self.places.get(at) else {
            return Followed::NotKnown("it is no place that is read".to_owned());
        };
        if place.address.allow_history_rewrite || matches!(place.address.pick, Pick::Commit(_)) {
            return Followed::NoHistory;
        }
        let Some((head, _)) = &place.good else {
            return Followed::NotKnown("nothing of it is in force".to_owned());
        };
        let is_id = ancestor.len() == 40 && ancestor.chars().all(|one| one.is_ascii_hexdigit());
        if !is_id {
            return Followed::NotKnown("no commit of it is marked".to_owned());
        }
        let head = head.id.clone();
        if head == ancestor {
            return Followed::Yes;
        }
        let key = (head.clone(), ancestor.to_owned());
        let known = place.follows.get(&key).copied();
        let found = match known {
            Some(found) => Ok(found),
            None => self.descends(at, &head, ancestor).await,
        };
        if let (Ok(found), Some(place)) = (&found, self.places.get_mut(at)) {
            if place.follows.len() >= KEPT {
                place.follows.clear();
            }
            place.follows.insert(key, *found);
        }
        match found {
            Ok(true) => Followed::Yes,
            Ok(false) => Followed::NotKnown(format!(
                "{} is not in the history of {}",
                super::short(ancestor),
                super::short(&head)
            )),
            Err(trouble) => Followed::NotKnown(trouble.message),
        }
    }

    /// Asks the objects that are here, then the server for as much history as it takes.
    async fn descends(&mut self, at: usize, head: &str, ancestor: &str) -> Result<bool, Trouble> {
        let of_machine = self.repository.scheme == Scheme::File;
        let path = if of_machine {
            PathBuf::from(&self.repository.path)
        } else {
            self.objects()
        };
        let asked = |place: &Place, revision: Option<Revision>| {
            let wanted = place.wanted(true);
            Wanted {
                revision: revision.unwrap_or_else(|| wanted.revision.clone()),
                known: Vec::new(),
                base: Some(Base {
                    commit: ancestor.to_owned(),
                    time: 0,
                }),
                ..wanted
            }
        };
        let gone = || Trouble::new(Reason::Internal, "it is no place that is read");
        let place = self.places.get(at).ok_or_else(gone)?;
        let here = asked(place, Some(Revision::Commit(head.to_owned())));
        let objects = wire::Place::File { path };
        let answers = self.work(objects, self.objects(), vec![here]).await;
        if of_machine || matches!(&answers, Ok(all) if descends(all, head) == Ok(true)) {
            return answers.and_then(|all| descends(&all, head));
        }
        let there = asked(self.places.get(at).ok_or_else(gone)?, None);
        let server = self.place_now().await?;
        let answers = self.work(server, self.objects(), vec![there]).await?;
        descends(&answers, head)
    }
}

/// What the answers say of this head.
fn descends(answers: &[super::process::Answered], head: &str) -> Result<bool, Trouble> {
    match answers.first() {
        Some((
            Answer::Read {
                commit, descends, ..
            },
            _,
        )) if commit.id == head => Ok(*descends == Some(true)),
        Some((Answer::Trouble(trouble), _)) => Err(trouble.clone()),
        _ => Err(Trouble::new(
            Reason::NoRevision,
            "its head moves on; that is looked at first",
        )),
    }
}
