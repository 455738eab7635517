//! Tells that a folder may have changed. Not what changed: the folder is read again whole, and the
//! slow poll finds what no event told.
//!
//! The folder is watched, not its files, because editors and config mounts replace files and swap
//! links; events are gathered for a moment, because one save makes many. When the folder itself is
//! replaced (a link swapped, a checkout moved into place) the watch is laid anew.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long (real time) to gather events after the last. Editors write, rename and touch within a
/// few milliseconds; a person does not notice a quarter of a second.
const GATHER: Duration = Duration::from_millis(250);

/// How long (real time) to gather at most, for folders that never hold still.
const GATHER_AT_MOST: Duration = Duration::from_secs(2);

/// How often (real time) to look whether the folder is still the one that is watched: the price of
/// two system calls.
const LOOK: Duration = Duration::from_secs(2);

/// A watch. It ends when this is dropped.
#[derive(Debug)]
pub struct Watcher {
    root: PathBuf,
    sender: mpsc::Sender<()>,
    events: mpsc::Receiver<()>,
    laid: Option<Laid>,
}

/// A watch on one folder.
#[derive(Debug)]
struct Laid {
    _watcher: notify::RecommendedWatcher,
    folder: Identity,
}

/// Which folder a path leads to: its real path and, where there are such, its device and inode.
type Identity = (PathBuf, u64, u64);

impl Watcher {
    /// A watch on the folder at `root`, or on the folder of the file there. A folder that is not
    /// there yet is watched when it appears.
    pub fn new(root: &Path) -> Self {
        // One place is enough: an event says only "look", and a full channel already says it.
        let (sender, events) = mpsc::channel(1);
        let mut watcher = Self {
            root: root.to_owned(),
            sender,
            events,
            laid: None,
        };
        watcher.lay();
        watcher
    }

    /// Waits until the folder may have changed and has been quiet for a moment.
    pub async fn changed(&mut self) {
        loop {
            let event = tokio::time::timeout(LOOK, self.events.recv()).await;
            // The channel is never closed: a sender of it is here.
            if event.is_ok() {
                break;
            }
            if identity(&self.root).as_ref() != self.laid.as_ref().map(|laid| &laid.folder) {
                self.lay();
                break;
            }
        }
        let deadline = Instant::now() + GATHER_AT_MOST;
        while Instant::now() < deadline
            && tokio::time::timeout(GATHER, self.events.recv())
                .await
                .is_ok()
        {}
    }

    /// Lays the watch on the folder that the path leads to now.
    fn lay(&mut self) {
        self.laid = None;
        let Some(folder) = identity(&self.root) else {
            return;
        };
        let sender = self.sender.clone();
        let watcher =
            notify::recommended_watcher(move |event: Result<notify::Event, notify::Error>| {
                // An error may hide a change, so it tells too.
                if event.as_ref().map_or(true, tells) {
                    sender.try_send(()).ok();
                }
            });
        let laid = watcher.and_then(|mut watcher| {
            watcher.watch(&folder.0, RecursiveMode::Recursive)?;
            Ok(watcher)
        });
        match laid {
            Ok(watcher) => {
                self.laid = Some(Laid {
                    _watcher: watcher,
                    folder,
                });
            }
            Err(error) => tracing::warn!("cannot watch the source, polling alone: {error}"),
        }
    }
}

/// Whether an event may be of a manifest: not a read of ours, and not of hidden files alone (`.git`,
/// editors' droppings).
fn tells(event: &notify::Event) -> bool {
    let hidden = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            // Config mounts swap a link of this name to publish new files.
            .is_some_and(|name| name.starts_with('.') && name != "..data")
            || path.components().any(|part| part.as_os_str() == ".git")
    };
    !event.kind.is_access() && (event.paths.is_empty() || !event.paths.iter().all(hidden))
}

/// Which folder is at this path now, if any is.
fn identity(root: &Path) -> Option<Identity> {
    let real = root.canonicalize().ok()?;
    let folder = if real.is_file() {
        real.parent()?.to_owned()
    } else {
        real
    };
    let (device, inode) = numbers(&folder)?;
    Some((folder, device, inode))
}

#[cfg(unix)]
fn numbers(folder: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = folder.metadata().ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn numbers(folder: &Path) -> Option<(u64, u64)> {
    folder.metadata().ok().map(|_| (0, 0))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Longer than any machine takes to notice; only a failing test waits for it.
    const AT_MOST: Duration = Duration::from_mins(1);

    async fn noticed(watcher: &mut Watcher) -> bool {
        tokio::time::timeout(AT_MOST, watcher.changed())
            .await
            .is_ok()
    }

    #[tokio::test]
    async fn an_edit_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let mut watcher = Watcher::new(folder.path());
        fs::write(folder.path().join("a.yaml"), "a").unwrap();
        assert!(noticed(&mut watcher).await);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_swapped_link_is_noticed_and_so_is_an_edit_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new, link) = (
            folder.path().join("old"),
            folder.path().join("new"),
            folder.path().join("current"),
        );
        fs::create_dir(&old).unwrap();
        fs::create_dir(&new).unwrap();
        std::os::unix::fs::symlink(&old, &link).unwrap();
        let mut watcher = Watcher::new(&link);
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&new, &link).unwrap();
        assert!(noticed(&mut watcher).await);
        fs::write(new.join("a.yaml"), "a").unwrap();
        assert!(noticed(&mut watcher).await);
    }

    #[tokio::test]
    async fn a_folder_that_appears_later_is_watched() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("later");
        let mut watcher = Watcher::new(&root);
        fs::create_dir(&root).unwrap();
        assert!(noticed(&mut watcher).await);
        fs::write(root.join("a.yaml"), "a").unwrap();
        assert!(noticed(&mut watcher).await);
    }

    #[test]
    fn reads_and_hidden_files_tell_nothing() {
        use notify::event::{AccessKind, CreateKind, EventKind};
        let event =
            |kind: EventKind, path: &str| notify::Event::new(kind).add_path(PathBuf::from(path));
        let created = EventKind::Create(CreateKind::File);
        assert!(tells(&event(created, "/m/a.yaml")));
        assert!(tells(&event(created, "/m/..data")));
        assert!(!tells(&event(created, "/m/.a.yaml.swp")));
        assert!(!tells(&event(created, "/m/.git/index")));
        assert!(!tells(&event(
            EventKind::Access(AccessKind::Any),
            "/m/a.yaml"
        )));
    }
}
