//! Where fetched objects lie, and which commit was last in force: a folder that outlives the process if
//! one was named, else a temporary one.
//!
//! What is remembered decides nothing by itself. A remembered commit is read again from the objects, by
//! its id, and then stands where it stood: in force until a head that descends from it is read. A folder
//! that another process holds is left alone.
//!
//! Invariant: whatever is here can be thrown away at any time; then a start takes the head that it finds.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::wire::Commit;
use crate::document::digest;

/// How often, and how far apart, it is looked whether a folder is still held: one who ends just now has it a little
/// longer, and so has a child of his that has not begun with its own program.
const LOOKS: u32 = 20;
const LOOK: Duration = Duration::from_millis(50);

/// A folder for one repository.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    /// Gone with the value.
    temporary: Option<TempDir>,
    /// Held while this process uses a lasting folder.
    _lock: Option<File>,
}

impl Store {
    /// The store of this repository under `root`; a temporary one without a root, or if another process
    /// holds it.
    pub(super) async fn open(root: Option<&Path>, repository: &str) -> io::Result<Self> {
        if let Some(root) = root {
            let folder = root.join(name(repository));
            make(&folder)?;
            let lock = File::create(folder.join("lock"))?;
            for _ in 0..LOOKS {
                if lock.try_lock().is_ok() {
                    return Ok(Self {
                        folder,
                        temporary: None,
                        _lock: Some(lock),
                    });
                }
                tokio::time::sleep(LOOK).await;
            }
            tracing::debug!(folder = %folder.display(), "another process holds it");
        }
        let temporary = tempfile::Builder::new().prefix("evenkeel-git-").tempdir()?;
        Ok(Self {
            folder: temporary.path().to_owned(),
            temporary: Some(temporary),
            _lock: None,
        })
    }

    /// The folder of the objects.
    pub(super) fn objects(&self) -> PathBuf {
        self.folder.join("objects.git")
    }

    /// Takes away what a worker that was killed left behind: locks and half-written packs. To be called
    /// while no worker runs; a lasting folder has one holder, so nobody else's are here.
    pub(super) fn sweep(&self) {
        let mut folders = vec![self.objects()];
        while let Some(folder) = folders.pop() {
            // What cannot be looked at or taken away is in the worker's way, and told then.
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            for entry in entries {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(entry.path());
                } else if name.ends_with(".lock") || name.starts_with(".tmp") {
                    fs::remove_file(entry.path()).ok();
                }
            }
        }
    }

    /// Throws the objects away.
    pub(super) fn clear(&self) {
        // What cannot be taken away is broken still, and told again.
        fs::remove_dir_all(self.objects()).ok();
    }

    /// The folder in which objects are gathered that are to take the place of those.
    pub(super) fn spare(&self) -> PathBuf {
        self.folder.join("spare.git")
    }

    /// Empties the spare folder.
    pub(super) fn clear_spare(&self) {
        fs::remove_dir_all(self.spare()).ok();
    }

    /// Puts what lies in the spare folder in the place of the objects.
    pub(super) fn take_spare(&self) -> io::Result<()> {
        let old = self.folder.join("old.git");
        fs::remove_dir_all(&old).ok();
        fs::rename(self.objects(), &old)?;
        fs::rename(self.spare(), self.objects())?;
        fs::remove_dir_all(&old)
    }

    /// The commit that was last in force at this place, and the ref that named it, if that is remembered.
    pub(super) fn remembered(&self, place: &str) -> Option<(String, String)> {
        let text = fs::read_to_string(self.folder.join(name(place))).ok()?;
        // A commit that was asked for by its id has no ref.
        let (id, reference) = text.split_once(' ').unwrap_or((&text, ""));
        let is_id = id.len() == 40 && id.chars().all(|one| one.is_ascii_hexdigit());
        is_id.then(|| (id.to_owned(), reference.to_owned()))
    }

    /// Remembers the commit that is in force at this place.
    pub(super) fn remember(&self, place: &str, commit: &Commit) {
        if self.temporary.is_some() {
            return;
        }
        let path = self.folder.join(name(place));
        let new = path.with_extension("new");
        let text = format!("{} {}", commit.id, commit.reference);
        let written = fs::write(&new, text).and_then(|()| fs::rename(&new, &path));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), "the commit in force is not remembered: {error}");
        }
    }
}

/// A file's or folder's name for any text.
pub(super) fn name(text: &str) -> String {
    digest(&serde_json::Value::from(text))
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect()
}

/// Makes a folder that nobody else may look into.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(id: &str, reference: &str) -> Commit {
        Commit {
            id: id.to_owned(),
            reference: reference.to_owned(),
            ..Commit::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lasting_store_remembers_and_is_held_by_one() {
        let root = tempfile::tempdir().unwrap();
        let id = "0123456789abcdef0123456789abcdef01234567";
        let tagged = commit(id, "refs/tags/v1.0.0");
        let store = Store::open(Some(root.path()), "repository").await.unwrap();
        assert_eq!(store.remembered("place"), None);
        store.remember("place", &tagged);
        let second = Store::open(Some(root.path()), "repository").await.unwrap();
        assert_ne!(second.objects(), store.objects());
        second.remember("place", &tagged);
        assert_eq!(second.remembered("place"), None);
        drop(store);
        let again = Store::open(Some(root.path()), "repository").await.unwrap();
        let known = |reference: &str| Some((id.to_owned(), reference.to_owned()));
        assert_eq!(again.remembered("place"), known("refs/tags/v1.0.0"));
        assert_eq!(again.remembered("other"), None);
        again.remember("place", &commit(id, ""));
        assert_eq!(again.remembered("place"), known(""));
        again.remember("place", &commit("rubbish", ""));
        assert_eq!(again.remembered("place"), None);
    }

    #[tokio::test]
    async fn a_temporary_store_goes_with_the_value() {
        let store = Store::open(None, "repository").await.unwrap();
        fs::create_dir(store.objects()).unwrap();
        let objects = store.objects();
        drop(store);
        assert!(!objects.exists());
    }
}
