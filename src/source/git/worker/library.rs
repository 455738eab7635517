//! A repository as the worker has it: how it is reached, and the store of what was fetched. Fetches what is
//! asked for; decides nothing about what is meant.
//!
//! A server that leaves out what it is told to (`filter` of Git's protocol, version 2) gives the commits
//! first, and then the folders and files that are looked at, by their ids. Any other gives the whole of a
//! commit.
//!
//! Invariant: of a store that was filled in parts nothing is told to a server as being there but commits,
//! and those only while their folders are left out too: it would leave out what belongs to them.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use super::super::store;
use super::super::wire::{Job, Limits, Place, Reason, Trouble, Wanted};
use super::choose::{Ref, Target};
use super::remote::{Ask, Filter, History, Session};
use super::{SKEW, causes, commit, descends, own_refs, step};
use crate::source::address::{same_server, submodule};
use crate::source::{Repository, Scheme};

/// Says of a store that it was filled in parts.
const PARTS: &str = "evenkeel-parts";

/// Tips of branches and tags that are fetched in search of a commit.
const MAX_TIPS: usize = 1000;

/// A repository.
pub(super) struct Library {
    pub(super) address: Repository,
    /// That of which it is a submodule, by its number.
    pub(super) parent: Option<usize>,
    /// How many repositories it is below the first.
    pub(super) level: usize,
    place: Place,
    offline: bool,
    store: PathBuf,
    limits: Limits,
    session: Session,
    /// The server has refused what it offered.
    whole: bool,
}

impl Library {
    /// The one that the job is about.
    pub(super) fn of(job: &Job) -> Self {
        Self {
            address: job.address.clone(),
            parent: None,
            level: 0,
            place: job.place.clone(),
            offline: job.offline,
            store: job.store.clone(),
            limits: job.limits,
            session: Session::new(job.place.clone(), job.limits.pack_bytes),
            whole: false,
        }
    }

    /// That of a submodule, by the address that stands in this one; `own` is this one's number.
    ///
    /// # Errors
    /// If it may not be read.
    pub(super) fn submodule(&self, own: usize, text: &str) -> Result<Self, String> {
        let address = submodule(&self.address, text)?;
        let store = self
            .store
            .join("modules")
            .join(store::name(&address.to_string()));
        let place = if self.offline {
            Place::File {
                path: store.clone(),
            }
        } else {
            place_beside(&self.place, &self.address, &address)?
        };
        Ok(Self {
            parent: Some(own),
            level: self.level + 1,
            session: Session::new(place.clone(), self.limits.pack_bytes),
            place,
            address,
            offline: self.offline,
            store,
            limits: self.limits,
            whole: false,
        })
    }

    /// The store; or the repository itself, if it is a folder.
    pub(super) fn open(&self) -> Result<gix::Repository, Trouble> {
        let options = || {
            gix::open::Options::isolated()
                .config_overrides([
                    format!("gitoxide.objects.allocLimit={}", self.limits.pack_bytes),
                    "pack.threads=1".to_owned(),
                ])
                .bail_if_untrusted(false)
        };
        let internal = |error: gix::Error| {
            Trouble::new(Reason::Corrupt, format!("no store: {}", causes(&error)))
        };
        match &self.place {
            Place::File { path } => gix::open_opts(path, options()).map_err(|error| {
                let what = format!("it cannot be opened as a repository: {}", causes(&error));
                Trouble::new(Reason::Unreachable, what)
            }),
            _ if self.store.join("HEAD").exists() => {
                gix::open_opts(&self.store, options().open_path_as_is(true)).map_err(internal)
            }
            _ => create(&self.store).map_err(internal).and_then(|()| {
                gix::open_opts(&self.store, options().open_path_as_is(true)).map_err(internal)
            }),
        }
    }

    /// The refs of these names that it has.
    pub(super) fn refs(&mut self, names: &[String]) -> Result<Vec<Ref>, Trouble> {
        step("listing the refs");
        match &self.place {
            Place::File { .. } => own_refs(&self.open()?, names),
            _ => self.session.list(names),
        }
    }

    /// Whether it gives the parts of a commit that are asked for.
    fn gives_parts(&mut self) -> Result<bool, Trouble> {
        Ok(!self.whole && self.session.filters()?)
    }

    /// Sees to it that the target is in the store, with the history that tells whether it descends from
    /// the base. Its folders and files may not be.
    pub(super) fn bring(&mut self, wanted: &Wanted, target: &Target) -> Result<(), Trouble> {
        if matches!(self.place, Place::File { .. }) || self.is_enough(wanted, target)? {
            return Ok(());
        }
        if target.name.is_none() {
            return self.bring_commit(target.id, wanted.depth);
        }
        // Of the whole of a repository all folders are looked at, and most files.
        let parts = !wanted.path.is_empty() && self.gives_parts()?;
        if parts {
            match self.bring_history(wanted, target, true) {
                Err(trouble) if trouble.reason == Reason::Unreachable => self.whole = true,
                done => return done,
            }
        }
        self.bring_history(wanted, target, false)
    }

    fn is_enough(&self, wanted: &Wanted, target: &Target) -> Result<bool, Trouble> {
        let repo = self.open()?;
        let Ok(commit) = commit(&repo, target.id) else {
            return Ok(false);
        };
        // Of a tag whose commit is there already only the name may be new.
        if wanted.signed_by.is_some() && !repo.has_object(target.object) {
            return Ok(false);
        }
        match &wanted.base {
            Some(base) => descends(&commit, base),
            None => Ok(true),
        }
    }

    fn bring_history(
        &mut self,
        wanted: &Wanted,
        target: &Target,
        parts: bool,
    ) -> Result<(), Trouble> {
        let wants = [target.object];
        let Some(base) = &wanted.base else {
            let (history, filter) = match NonZeroU32::new(wanted.depth) {
                Some(depth) if depth.get() == 1 => (History::Depth(depth), Filter::AllBelow),
                Some(depth) => (History::Depth(depth), Filter::All),
                None => (History::Whole, Filter::All),
            };
            return self.get(
                &wants,
                None,
                history,
                if parts { filter } else { Filter::None },
            );
        };
        let filter = if parts { Filter::All } else { Filter::None };
        let id = gix::ObjectId::from_hex(base.commit.as_bytes()).ok();
        // Servers refuse a time that the whole of the history lies before, and old ones know none.
        let since = History::Since(base.time.saturating_sub(SKEW));
        let since = self.get(&wants, id, since, filter);
        if since.is_ok() && self.is_enough(wanted, target)? {
            return Ok(());
        }
        self.get(&wants, id, History::Whole, filter)
    }

    /// Sees to it that a commit is in the store, which perhaps no ref names. Its files may not be.
    pub(super) fn bring_commit(&mut self, id: gix::ObjectId, depth: u32) -> Result<(), Trouble> {
        let is_there = |library: &Self| Ok(commit(&library.open()?, id).is_ok());
        if is_there(self)? {
            return Ok(());
        }
        if matches!(self.place, Place::File { .. }) {
            return commit(&self.open()?, id).map(drop);
        }
        let parts = self.gives_parts()?;
        let filter = if parts { Filter::Files } else { Filter::None };
        let depth = NonZeroU32::new(depth).map_or(History::Whole, History::Depth);
        let mut direct = self.get(&[id], None, depth, filter);
        if parts && direct.is_err() {
            self.whole = true;
            direct = self.get(&[id], None, depth, Filter::None);
        }
        let Err(refused) = direct else {
            return Ok(());
        };
        if refused.reason != Reason::Unreachable {
            return Err(refused);
        }
        // A server may give nothing but what its refs lead to; then all that they lead to is looked through.
        let names = ["refs/heads/*".to_owned(), "refs/tags/*".to_owned()];
        let mut tips: Vec<gix::ObjectId> =
            self.refs(&names)?.iter().map(|one| one.object).collect();
        tips.sort();
        tips.dedup();
        tips.truncate(MAX_TIPS);
        let filter = if parts { Filter::All } else { Filter::None };
        if !tips.is_empty() {
            self.whole = false;
            self.get(&tips, None, History::Whole, filter)?;
        }
        if is_there(self)? {
            return Ok(());
        }
        let what = format!(
            "`{id}` is not given by the server ({}), and no branch or tag leads to it",
            refused.message
        );
        Err(Trouble::new(Reason::NoRevision, what))
    }

    /// Fetches objects that are missing: `folders` with all folders below them, `exactly` without. What
    /// belongs to these commits is meant.
    pub(super) fn bring_objects(
        &mut self,
        folders: &[gix::ObjectId],
        exactly: &[gix::ObjectId],
        commits: &[gix::ObjectId],
    ) -> Result<(), Trouble> {
        if matches!(self.place, Place::File { .. }) {
            let what = "an object of its commit is missing in the repository";
            return Err(Trouble::new(Reason::Corrupt, what));
        }
        if self.gives_parts()? {
            let mut done = Ok(());
            if !folders.is_empty() {
                done = self.get(folders, None, History::AsItIs, Filter::Files);
            }
            if done.is_ok() && !exactly.is_empty() {
                done = self.get(exactly, None, History::AsItIs, Filter::All);
            }
            match done {
                Err(trouble) if trouble.reason == Reason::Unreachable => self.whole = true,
                done => return done,
            }
        }
        self.get(commits, None, History::Depth(NonZeroU32::MIN), Filter::None)
    }

    fn get(
        &mut self,
        wants: &[gix::ObjectId],
        base: Option<gix::ObjectId>,
        history: History,
        filter: Filter,
    ) -> Result<(), Trouble> {
        step("fetching");
        let repo = self.open()?;
        let mark = self.store.join(PARTS);
        let in_parts = mark.exists();
        if filter != Filter::None && !in_parts {
            fs::write(&mark, "").map_err(|error| {
                let what = format!("the store cannot be written: {error}");
                Trouble::new(Reason::Internal, what)
            })?;
        }
        let told = filter == Filter::All || !in_parts;
        let haves: Vec<gix::ObjectId> = base
            .filter(|id| told && repo.has_object(id))
            .into_iter()
            .collect();
        let ask = Ask {
            wants,
            haves: &haves,
            history,
            filter,
        };
        self.session.fetch(&repo, &ask)
    }
}

/// How a submodule's repository is reached. The credential of this one goes to its own server alone.
fn place_beside(place: &Place, own: &Repository, address: &Repository) -> Result<Place, String> {
    Ok(match address.scheme {
        Scheme::Https | Scheme::Http => {
            let authorization = match place {
                Place::Http { authorization, .. } if same_server(own, address) => {
                    authorization.clone()
                }
                _ => None,
            };
            Place::Http {
                url: address.http_url(),
                authorization,
            }
        }
        Scheme::Ssh => match place {
            Place::Ssh { arguments, .. } if same_server(own, address) => Place::Ssh {
                arguments: arguments.clone(),
                path: address.path.clone(),
            },
            _ => return Err("is at a server that there is no key for".to_owned()),
        },
        Scheme::Daemon => Place::Daemon {
            host: address.host.clone(),
            port: address.port.unwrap_or(9418),
            path: address.path.clone(),
        },
        Scheme::File => Place::File {
            path: PathBuf::from(&address.path),
        },
    })
}

fn create(store: &Path) -> Result<(), gix::Error> {
    // That of a submodule is in the first one, into which nobody else may look.
    fs::create_dir_all(store).ok();
    gix::init_bare(store).map(drop)
}
