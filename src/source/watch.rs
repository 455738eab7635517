//! Tells that a folder may have changed. Not what changed: the folder is read again whole, and the
//! slow poll finds what no event told.
//!
//! The folder is watched, not its files, because editors and config mounts replace files and swap
//! links; events are gathered for a moment, because one save makes many.

use std::path::Path;
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

/// How long (real time) to gather events after the first. Editors write, rename and touch within
/// a few milliseconds; a person does not notice a quarter of a second.
const GATHER: Duration = Duration::from_millis(250);

/// A running watch. It ends when this is dropped.
#[derive(Debug)]
pub struct Watcher {
    _watcher: notify::RecommendedWatcher,
    events: mpsc::Receiver<()>,
}

/// Starts watching.
///
/// # Errors
/// If the system refuses (out of inotify watches, say); polling alone still works.
pub fn watch(root: &Path) -> Result<Watcher, notify::Error> {
    // One place is enough: an event says only "look", and a full channel already says it.
    let (sender, events) = mpsc::channel(1);
    let mut watcher =
        notify::recommended_watcher(move |event: Result<notify::Event, notify::Error>| {
            // A read of ours must not wake us; an error may hide a change, so it does.
            if event.is_ok_and(|event| event.kind.is_access()) {
                return;
            }
            sender.try_send(()).ok();
        })?;
    let folder = if root.is_file() {
        root.parent().unwrap_or(root)
    } else {
        root
    };
    watcher.watch(folder, RecursiveMode::Recursive)?;
    Ok(Watcher {
        _watcher: watcher,
        events,
    })
}

impl Watcher {
    /// Waits until the folder may have changed and has been quiet for a moment.
    pub async fn changed(&mut self) {
        if self.events.recv().await.is_none() {
            // The watch died; the poll goes on without it.
            std::future::pending::<()>().await;
        }
        while tokio::time::timeout(GATHER, self.events.recv())
            .await
            .is_ok_and(|event| event.is_some())
        {}
    }
}
