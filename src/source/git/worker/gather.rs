//! The manifests of commits, and the Terraform states beside them, out of the object database: folder by
//! folder, for all places of a repository at once. What is missing in a store is fetched before the next
//! round; so there are as many fetches as folders are deep, however many places and files there are. There is
//! no work tree: nothing is written but the store, no link is followed, no filter of Git's runs.
//!
//! Invariants:
//! - Only regular files are read. A link with a manifest's name refuses the whole revision, and so does a
//!   name that would mean something else to a file system or a terminal.
//! - A submodule is followed only if that was asked for; else one with a manifest's name is refused. As
//!   many as [`MAX_MODULES`], each no more than [`MAX_LEVEL`] below the first repository.
//! - Every size is looked at before the object is unpacked, and its bytes are compared with its id after.

use std::collections::VecDeque;

use gix::bstr::ByteSlice as _;
use gix::objs::tree::EntryKind;

use super::super::super::dir::{is_manifest, is_state};
use super::super::wire::{Limits, Reason, Trouble, Wanted, clean};
use super::library::Library;
use super::modules;
use super::shelf::{File, Shelf, checked, no_file, too_large};
use super::{broken, genuine};

/// Submodules of one place that are followed.
const MAX_MODULES: usize = 32;

/// Submodules of submodules that are followed.
const MAX_LEVEL: usize = 3;

/// Rounds until everything is there: folders of the longest path in the deepest submodule, and room.
const MAX_ROUNDS: usize = 256;

/// Something to look at.
struct Task {
    /// The place, by its number.
    place: usize,
    /// The repository, by its number.
    library: usize,
    /// The commit of that repository.
    commit: gix::ObjectId,
    /// The path, from the first repository's root.
    path: String,
    /// Where in it the path in this repository begins.
    base: usize,
    what: What,
    /// What was missing for it was fetched.
    tried: bool,
}

enum What {
    /// A folder on the way to the place's path, with what is left of that.
    Way(gix::ObjectId, VecDeque<String>),
    Folder(gix::ObjectId),
    File(gix::ObjectId),
    State(gix::ObjectId),
    /// A submodule's commit, with what is left of the place's path.
    Module(gix::ObjectId, VecDeque<String>),
}

/// An entry of a folder.
struct Entry {
    name: gix::bstr::BString,
    kind: EntryKind,
    id: gix::ObjectId,
}

/// What a look came to.
enum Next {
    /// This is to be looked at too.
    More(Vec<Task>),
    /// This object is not in the store; all that is below it is wanted too, or not.
    Missing(gix::ObjectId, bool),
}

/// What is read for a place: a commit of the first library, or nothing.
pub(super) type Asked<'a> = (&'a Wanted, Option<gix::ObjectId>);

/// Reads for all places. The libraries of submodules are added to the one that is given.
pub(super) fn gather(
    library: Library,
    limits: Limits,
    asked: &[Asked<'_>],
) -> Vec<Result<Vec<File>, Trouble>> {
    let shelves = asked.iter().map(|(wanted, commit)| {
        let commit = commit.map(|id| id.to_hex_with_len(12).to_string());
        Shelf::new(wanted, limits, commit.unwrap_or_default())
    });
    let mut gathering = Gathering {
        shelves: shelves.collect(),
        states: Vec::new(),
        libraries: vec![library],
        open: vec![None],
    };
    let mut tasks = Vec::new();
    for (place, (wanted, commit)) in asked.iter().enumerate() {
        let Some(commit) = commit else { continue };
        match gathering.start(place, wanted, *commit) {
            Ok(task) => tasks.push(task),
            Err(trouble) => gathering.fail(place, trouble),
        }
    }
    gathering.work(tasks);
    gathering.shelves.into_iter().map(Shelf::done).collect()
}

struct Gathering<'a> {
    shelves: Vec<Shelf<'a>>,
    /// Terraform states that were met.
    states: Vec<Task>,
    libraries: Vec<Library>,
    /// Their stores, as they were when the round began.
    open: Vec<Option<gix::Repository>>,
}

impl Gathering<'_> {
    fn start(
        &mut self,
        place: usize,
        wanted: &Wanted,
        commit: gix::ObjectId,
    ) -> Result<Task, Trouble> {
        let parts = wanted.path.split('/').filter(|part| !part.is_empty());
        Ok(Task {
            place,
            library: 0,
            commit,
            path: String::new(),
            base: 0,
            what: What::Way(self.tree_of(0, commit)?, parts.map(str::to_owned).collect()),
            tried: false,
        })
    }

    fn fail(&mut self, place: usize, trouble: Trouble) {
        if let Some(shelf) = self.shelves.get_mut(place) {
            shelf.trouble.get_or_insert(trouble);
        }
    }

    fn failed(&self, place: usize) -> bool {
        self.shelves
            .get(place)
            .is_none_or(|shelf| shelf.trouble.is_some())
    }

    fn repo(&mut self, library: usize) -> Result<&gix::Repository, Trouble> {
        let gone = || Trouble::new(Reason::Internal, "no such repository");
        let slot = self.open.get_mut(library).ok_or_else(gone)?;
        match slot {
            Some(repo) => Ok(repo),
            none => {
                let repo = self.libraries.get(library).ok_or_else(gone)?.open()?;
                Ok(none.insert(repo))
            }
        }
    }

    fn tree_of(&mut self, library: usize, commit: gix::ObjectId) -> Result<gix::ObjectId, Trouble> {
        let repo = self.repo(library)?;
        let object = repo.find_object(commit).map_err(|error| broken(&error))?;
        genuine(&object)?;
        let commit = object.try_into_commit().map_err(|error| broken(&error))?;
        Ok(commit.tree_id().map_err(|error| broken(&error))?.detach())
    }

    fn work(&mut self, mut tasks: Vec<Task>) {
        for _ in 0..MAX_ROUNDS {
            let waiting = self.round(tasks);
            if waiting.is_empty() {
                // They get what the manifests leave.
                tasks = std::mem::take(&mut self.states);
                if tasks.is_empty() {
                    return;
                }
                continue;
            }
            self.fetch(&waiting);
            self.open.fill_with(|| None);
            tasks = waiting.into_iter().map(|(task, ..)| task).collect();
        }
        for place in 0..self.shelves.len() {
            self.fail(place, too_large("it takes too many fetches".to_owned()));
        }
    }

    /// Looks at everything that is there; gives what waits for an object.
    fn round(&mut self, mut tasks: Vec<Task>) -> Vec<(Task, gix::ObjectId, bool)> {
        let mut waiting = Vec::new();
        while let Some(mut task) = tasks.pop() {
            if self.failed(task.place) {
                continue;
            }
            match self.look(&mut task) {
                Ok(Next::More(more)) => tasks.extend(more),
                Ok(Next::Missing(..)) if task.tried => {
                    let what = "what was received lacks an object of its commit";
                    self.fail(task.place, Trouble::new(Reason::Corrupt, what));
                }
                Ok(Next::Missing(id, below)) => {
                    task.tried = true;
                    waiting.push((task, id, below));
                }
                Err(trouble) => self.fail(task.place, trouble),
            }
        }
        waiting
    }

    fn fetch(&mut self, waiting: &[(Task, gix::ObjectId, bool)]) {
        for index in 0..self.libraries.len() {
            let (mut folders, mut exactly, mut commits) = (Vec::new(), Vec::new(), Vec::new());
            let of = || waiting.iter().filter(|(task, ..)| task.library == index);
            for (task, id, below) in of() {
                if *below {
                    folders.push(*id);
                } else {
                    exactly.push(*id);
                }
                commits.push(task.commit);
            }
            for ids in [&mut folders, &mut exactly, &mut commits] {
                ids.sort();
                ids.dedup();
            }
            let library = self
                .libraries
                .get_mut(index)
                .filter(|_| !commits.is_empty());
            let done = library.map(|library| library.bring_objects(&folders, &exactly, &commits));
            if let Some(Err(trouble)) = done {
                for (task, ..) in of() {
                    self.fail(task.place, trouble.clone());
                }
            }
        }
    }

    fn look(&mut self, task: &mut Task) -> Result<Next, Trouble> {
        match &task.what {
            What::Way(id, left) => self.way(task, *id, left.clone()),
            What::Folder(id) => self.folder(task, *id),
            What::File(id) | What::State(id) => self.file(task, *id),
            What::Module(id, left) => self.module(task, *id, left.clone()),
        }
    }

    /// The entries of a folder, if it is in the store.
    fn entries(
        &mut self,
        library: usize,
        id: gix::ObjectId,
    ) -> Result<Option<Vec<Entry>>, Trouble> {
        let found = self.repo(library)?.try_find_object(id);
        let Some(found) = found.map_err(|error| broken(&error))? else {
            return Ok(None);
        };
        genuine(&found)?;
        let tree = found.try_into_tree().map_err(|error| broken(&error))?;
        let entries = tree.iter().map(|entry| {
            let entry = entry.map_err(|error| broken(&error))?;
            Ok(Entry {
                name: entry.filename().to_owned(),
                kind: entry.mode().kind(),
                id: entry.object_id(),
            })
        });
        entries.collect::<Result<_, Trouble>>().map(Some)
    }

    fn way(
        &mut self,
        task: &Task,
        id: gix::ObjectId,
        mut left: VecDeque<String>,
    ) -> Result<Next, Trouble> {
        let Some(name) = left.pop_front() else {
            let what = What::Folder(id);
            return Ok(Next::More(vec![task.on(task.path.clone(), what)]));
        };
        let Some(entries) = self.entries(task.library, id)? else {
            return Ok(Next::Missing(id, false));
        };
        let found = entries
            .into_iter()
            .find(|entry| entry.name == name.as_str());
        let shelf = self.shelf(task)?;
        let gone = || {
            let what = format!(
                "commit {} has no path `{}`",
                shelf.commit, shelf.wanted.path
            );
            Trouble::new(Reason::NoPath, what)
        };
        let Entry { kind, id, .. } = found.ok_or_else(gone)?;
        let path = join(&task.path, &name);
        let what = match kind {
            EntryKind::Tree => What::Way(id, left),
            EntryKind::Blob | EntryKind::BlobExecutable if left.is_empty() => What::File(id),
            EntryKind::Commit if shelf.wanted.submodules => What::Module(id, left),
            EntryKind::Commit | EntryKind::Link if left.is_empty() => return Err(no_file(&path)),
            _ => return Err(gone()),
        };
        Ok(Next::More(vec![task.on(path, what)]))
    }

    fn shelf(&self, task: &Task) -> Result<&Shelf<'_>, Trouble> {
        let shelf = self.shelves.get(task.place);
        shelf.ok_or_else(|| Trouble::new(Reason::Internal, "no such place"))
    }

    fn folder(&mut self, task: &Task, id: gix::ObjectId) -> Result<Next, Trouble> {
        self.shelf(task)?.check_depth(&task.path)?;
        let Some(entries) = self.entries(task.library, id)? else {
            // Of a first read everything below is new; later most of it is there.
            let first = self.shelf(task)?.wanted.known.is_empty();
            return Ok(Next::Missing(id, first));
        };
        let mut more = Vec::new();
        for Entry { name, kind, id } in entries {
            let shelf = self.shelves.get_mut(task.place);
            let Some(shelf) = shelf else { continue };
            shelf.count_entry()?;
            let state = is_plain(kind) && name.to_str().is_ok_and(is_state);
            let manifest =
                name.to_str().is_ok_and(is_manifest) || is_manifest(&name.to_str_lossy());
            let module = kind == EntryKind::Commit && shelf.wanted.submodules;
            if !manifest && !state && !module && kind != EntryKind::Tree {
                continue;
            }
            let name = checked(name.as_bstr(), &task.path)?;
            if name.starts_with('.') {
                // Hidden, as in a folder; `.git` in any spelling is among them.
                continue;
            }
            let path = join(&task.path, name);
            shelf.check_path(&path)?;
            let what = match kind {
                EntryKind::Tree => What::Folder(id),
                EntryKind::Commit if module && shelf.is_excluded(&path) => continue,
                EntryKind::Commit if module => What::Module(id, VecDeque::new()),
                _ if !shelf.is_wanted(&path) => continue,
                _ if state => {
                    self.states.push(task.on(path, What::State(id)));
                    continue;
                }
                EntryKind::Blob | EntryKind::BlobExecutable => What::File(id),
                EntryKind::Link | EntryKind::Commit => return Err(no_file(&path)),
            };
            more.push(task.on(path, what));
        }
        Ok(Next::More(more))
    }

    fn file(&mut self, task: &mut Task, id: gix::ObjectId) -> Result<Next, Trouble> {
        let state = matches!(task.what, What::State(_));
        let header = self.repo(task.library)?.try_find_header(id);
        let Some(header) = header.map_err(|error| broken(&error))? else {
            return Ok(Next::Missing(id, false));
        };
        let size = header.size();
        let Some(shelf) = self.shelves.get_mut(task.place) else {
            return Ok(Next::More(Vec::new()));
        };
        if state && !shelf.fits(size) {
            return Ok(Next::More(Vec::new()));
        }
        shelf.make_room(&task.path, size)?;
        let bytes = self.blob(task.library, id)?;
        if let Some(shelf) = self.shelves.get_mut(task.place) {
            shelf.files.push((std::mem::take(&mut task.path), bytes));
        }
        Ok(Next::More(Vec::new()))
    }

    fn blob(&mut self, library: usize, id: gix::ObjectId) -> Result<Vec<u8>, Trouble> {
        let found = self.repo(library)?.find_object(id);
        let found = found.map_err(|error| broken(&error))?;
        genuine(&found)?;
        let mut blob = found.try_into_blob().map_err(|error| broken(&error))?;
        Ok(std::mem::take(&mut blob.data))
    }

    fn module(
        &mut self,
        task: &Task,
        id: gix::ObjectId,
        left: VecDeque<String>,
    ) -> Result<Next, Trouble> {
        let shown = clean(&task.path, 200);
        let refused = |why: String| {
            let what = format!("the submodule `{shown}` is not read: {why}");
            Trouble::new(Reason::Refused, what)
        };
        let root = self.tree_of(task.library, task.commit)?;
        let Some(entries) = self.entries(task.library, root)? else {
            return Ok(Next::Missing(root, false));
        };
        let names = entries
            .into_iter()
            .find(|entry| entry.name == ".gitmodules");
        let names = names.filter(|entry| is_plain(entry.kind));
        let none = || refused("its repository has no file `.gitmodules`".to_owned());
        let names = names.ok_or_else(none)?.id;
        let header = self.repo(task.library)?.try_find_header(names);
        let Some(header) = header.map_err(|error| broken(&error))? else {
            return Ok(Next::Missing(names, false));
        };
        if header.size() > modules::MAX_BYTES {
            return Err(refused("`.gitmodules` is too large".to_owned()));
        }
        let names = self.blob(task.library, names)?;
        let inner = task.path.get(task.base..).unwrap_or_default();
        let text = modules::address(&names, inner).map_err(refused)?;
        let address = clean(&text, 200);
        let wrong = |why: String| refused(format!("its address `{address}` {why}"));
        let index = self.library(task, &text, wrong)?;
        let shelf = self.shelves.get_mut(task.place);
        if let Some(shelf) = shelf {
            shelf.modules += 1;
            if shelf.modules > MAX_MODULES {
                let what = format!("it has more than {MAX_MODULES} submodules");
                return Err(too_large(what));
            }
        }
        let library = self.libraries.get_mut(index);
        let library = library.ok_or_else(|| wrong("is lost".to_owned()))?;
        let told = |trouble: Trouble| {
            let what = format!("the submodule `{shown}` ({address}): {}", trouble.message);
            Trouble::new(trouble.reason, what)
        };
        library.bring_commit(id, 1).map_err(told)?;
        if let Some(open) = self.open.get_mut(index) {
            *open = None;
        }
        let tree = self.tree_of(index, id).map_err(told)?;
        Ok(Next::More(vec![Task {
            library: index,
            commit: id,
            base: task.path.len() + 1,
            ..task.on(task.path.clone(), What::Way(tree, left))
        }]))
    }

    /// The number of the submodule's repository.
    fn library(
        &mut self,
        task: &Task,
        text: &str,
        wrong: impl Fn(String) -> Trouble,
    ) -> Result<usize, Trouble> {
        let parent = self.libraries.get(task.library);
        let parent = parent.ok_or_else(|| wrong("is lost".to_owned()))?;
        let new = parent.submodule(task.library, text).map_err(&wrong)?;
        if new.level > MAX_LEVEL {
            let what = format!("submodules are more than {MAX_LEVEL} deep");
            return Err(too_large(what));
        }
        let same = |one: &Library| one.parent == new.parent && one.address == new.address;
        if let Some(index) = self.libraries.iter().position(same) {
            return Ok(index);
        }
        self.libraries.push(new);
        self.open.push(None);
        Ok(self.libraries.len() - 1)
    }
}

impl Task {
    /// Another, of the same repository.
    fn on(&self, path: String, what: What) -> Self {
        Self {
            path,
            what,
            tried: false,
            ..*self
        }
    }
}

fn is_plain(kind: EntryKind) -> bool {
    matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}
