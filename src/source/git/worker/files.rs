//! The manifests of one commit, and the Terraform states beside them, out of the object database. There is
//! no work tree: nothing is written, no link is followed, no filter runs.
//!
//! Invariants:
//! - Only regular files are read. A link or submodule with a manifest's name refuses the whole revision,
//!   and so does a name that would mean something else to a file system or a terminal.
//! - Every size is looked at before the object is unpacked.

use gix::bstr::ByteSlice as _;
use gix::glob::wildmatch::Mode;
use gix::objs::tree::EntryKind;

use super::super::super::dir::{is_manifest, is_state};
use super::super::wire::{Limits, Reason, Trouble, Wanted, clean};
use super::broken;

/// A file: its path in the repository, and its bytes.
pub(super) type File = (String, Vec<u8>);

/// Folders deeper than this are refused.
const MAX_DEPTH: usize = 32;

/// Longer paths are refused.
const MAX_PATH: usize = 1024;

/// Reads every manifest of the commit that is wanted.
pub(super) fn read(
    commit: &gix::Commit<'_>,
    wanted: &Wanted,
    limits: &Limits,
) -> Result<Vec<File>, Trouble> {
    let mut walk = Walk {
        repo: commit.repo,
        wanted,
        limits,
        entries: 0,
        bytes: 0,
        files: Vec::new(),
        states: Vec::new(),
    };
    let tree = commit.tree().map_err(|error| broken(&error))?;
    if wanted.path.is_empty() {
        walk.folder(&tree, "", 0)?;
    } else {
        let entry = tree
            .lookup_entry_by_path(&wanted.path)
            .map_err(|error| broken(&error))?
            .ok_or_else(|| {
                let what = format!("commit {} has no path `{}`", short(commit), wanted.path);
                Trouble::new(Reason::NoPath, what)
            })?;
        match entry.mode().kind() {
            EntryKind::Tree => {
                let object = entry.object().map_err(|error| broken(&error))?;
                walk.folder(&object.into_tree(), &wanted.path, 0)?;
            }
            EntryKind::Blob | EntryKind::BlobExecutable => {
                walk.file(wanted.path.clone(), entry.object_id())?;
            }
            EntryKind::Link | EntryKind::Commit => return Err(no_file(&wanted.path)),
        }
    }
    if walk.files.is_empty() {
        let what = format!(
            "commit {} holds no manifest at `{}`; an empty source is not taken for an empty desired state",
            short(commit),
            if wanted.path.is_empty() {
                "/"
            } else {
                &wanted.path
            }
        );
        return Err(Trouble::new(Reason::Empty, what));
    }
    walk.states()?;
    walk.files.sort();
    Ok(walk.files)
}

fn short(commit: &gix::Commit<'_>) -> String {
    commit.id.to_hex_with_len(12).to_string()
}

fn no_file(path: &str) -> Trouble {
    let what = format!(
        "`{}` is a symbolic link or a submodule; only files are read",
        clean(path, 200)
    );
    Trouble::new(Reason::Refused, what)
}

fn too_large(what: String) -> Trouble {
    Trouble::new(Reason::TooLarge, what)
}

struct Walk<'a> {
    repo: &'a gix::Repository,
    wanted: &'a Wanted,
    limits: &'a Limits,
    entries: usize,
    bytes: u64,
    files: Vec<File>,
    /// Terraform states that were met.
    states: Vec<(String, gix::ObjectId)>,
}

impl Walk<'_> {
    fn folder(&mut self, tree: &gix::Tree<'_>, path: &str, depth: usize) -> Result<(), Trouble> {
        if depth > MAX_DEPTH {
            let what = format!(
                "`{}` is more than {MAX_DEPTH} folders deep",
                clean(path, 200)
            );
            return Err(too_large(what));
        }
        for entry in tree.iter() {
            let entry = entry.map_err(|error| broken(&error))?;
            self.entries += 1;
            if self.entries > self.limits.entries {
                return Err(too_large(format!(
                    "it has more than {} files and folders; name a smaller `path`",
                    self.limits.entries
                )));
            }
            let name = entry.filename();
            let kind = entry.mode().kind();
            let plain = matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable);
            let state = plain && name.to_str().is_ok_and(is_state);
            let manifest =
                name.to_str().is_ok_and(is_manifest) || is_manifest(&name.to_str_lossy());
            if !manifest && !state && kind != EntryKind::Tree {
                continue;
            }
            let name = checked(name, path)?;
            if name.starts_with('.') {
                // Hidden, as in a folder; `.git` in any spelling is among them.
                continue;
            }
            let path = if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}/{name}")
            };
            if path.len() > MAX_PATH {
                let what = format!("the path `{}` is longer than {MAX_PATH}", clean(&path, 200));
                return Err(too_large(what));
            }
            match kind {
                EntryKind::Tree => {
                    let object = entry.object().map_err(|error| broken(&error))?;
                    self.folder(&object.into_tree(), &path, depth + 1)?;
                }
                _ if !self.is_wanted(&path) => {}
                _ if state => self.states.push((path, entry.object_id())),
                EntryKind::Blob | EntryKind::BlobExecutable => {
                    self.file(path, entry.object_id())?;
                }
                EntryKind::Link | EntryKind::Commit => return Err(no_file(&path)),
            }
        }
        Ok(())
    }

    fn is_wanted(&self, path: &str) -> bool {
        let below = path
            .strip_prefix(self.wanted.path.as_str())
            .map_or(path, |rest| rest.trim_start_matches('/'));
        let matches = |pattern: &String| {
            gix::glob::wildmatch(
                pattern.as_str().into(),
                below.into(),
                Mode::NO_MATCH_SLASH_LITERAL,
            )
        };
        let Wanted {
            include, exclude, ..
        } = self.wanted;
        (include.is_empty() || include.iter().any(matches)) && !exclude.iter().any(matches)
    }

    /// Reads the states that fit into what the manifests leave: nobody may need them. Who needs one that
    /// is not there is told why.
    fn states(&mut self) -> Result<(), Trouble> {
        for (path, id) in std::mem::take(&mut self.states) {
            let header = self.repo.find_header(id).map_err(|error| broken(&error))?;
            let (limits, size) = (self.limits, header.size());
            let fits = size <= limits.file_bytes
                && self.bytes + size <= limits.total_bytes
                && self.files.len() < limits.files;
            if fits {
                self.file(path, id)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: String, id: gix::ObjectId) -> Result<(), Trouble> {
        let limits = self.limits;
        let header = self.repo.find_header(id).map_err(|error| broken(&error))?;
        let size = header.size();
        if size > limits.file_bytes {
            return Err(too_large(format!(
                "`{}` has {size} bytes; a manifest may have {}",
                clean(&path, 200),
                limits.file_bytes
            )));
        }
        self.bytes += size;
        if self.bytes > limits.total_bytes {
            let what = format!("its manifests have more than {} bytes", limits.total_bytes);
            return Err(too_large(what));
        }
        if self.files.len() >= limits.files {
            let what = format!("it holds more than {} manifests", limits.files);
            return Err(too_large(what));
        }
        let mut blob = self.repo.find_blob(id).map_err(|error| broken(&error))?;
        self.files.push((path, std::mem::take(&mut blob.data)));
        Ok(())
    }
}

/// A name that means the same everywhere.
fn checked<'a>(name: &'a gix::bstr::BStr, folder: &str) -> Result<&'a str, Trouble> {
    let plain = name.to_str().ok().filter(|name| {
        let bad = |one: char| one.is_control() || one == '/' || one == '\\';
        !name.is_empty() && *name != "." && *name != ".." && !name.contains(bad)
    });
    plain.ok_or_else(|| {
        let what = format!(
            "the name `{}` in `{}` is refused: it is not UTF-8, or means something else to a file system \
             or terminal",
            clean(&name.to_str_lossy(), 100),
            clean(folder, 200)
        );
        Trouble::new(Reason::Refused, what)
    })
}
