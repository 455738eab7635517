//! A folder of manifests, read recursively.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::document::digest;
use crate::manifest::SourceFile;

/// What a folder held at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The files, sorted by path.
    pub files: Vec<SourceFile>,
    /// Digest of paths and contents: equal snapshots have equal revisions.
    pub revision: String,
}

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file system said no.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// What was to be read.
        path: PathBuf,
        /// What the file system said.
        error: std::io::Error,
    },
    /// There is nothing to read.
    #[error("{} holds no .yaml, .yml, .json or .jsonnet file; an empty source is not taken for an empty desired state", .0.display())]
    Empty(PathBuf),
    /// More than can be meant.
    #[error("{} holds more than {MAX_FILES} files", .0.display())]
    TooMany(PathBuf),
    /// A file that is too large to be a manifest.
    #[error("{} has {size} bytes; a manifest may have {MAX_BYTES}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
}

/// 1,000 services with eight files each, and room. Beyond it the folder is not what was meant.
pub(super) const MAX_FILES: usize = 10_000;

/// A task definition has at most 64 KiB (aws-facts 3.2); a file of many documents rarely has 1 MiB.
pub(super) const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Folders deeper than this are a loop of links.
const MAX_DEPTH: usize = 32;

/// A folder, or a single file.
#[derive(Clone, Debug)]
pub struct Dir {
    root: PathBuf,
}

impl Dir {
    /// The folder at `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder's path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Reads every `.yaml`, `.yml`, `.json`, `.jsonnet` and `.libsonnet` file under the folder. Hidden files and folders are left
    /// out (editors' droppings, `.git`), and so are links that lead out of it.
    ///
    /// # Errors
    /// If any manifest in it cannot be read: a snapshot is whole or none.
    pub fn read(&self) -> Result<Snapshot, SourceError> {
        match self.read_once() {
            // A file went away between the listing and the reading: whoever writes here renames
            // files into place. Once more; a folder that never holds still is an error.
            Err(SourceError::Unreadable { error, .. }) if error.kind() == ErrorKind::NotFound => {
                self.read_once()
            }
            other => other,
        }
    }

    fn read_once(&self) -> Result<Snapshot, SourceError> {
        let inside = self
            .root
            .canonicalize()
            .map_err(|error| unreadable(&self.root, error))?;
        let mut paths = Vec::new();
        if inside.is_file() {
            paths.push(self.root.clone());
        } else {
            self.walk(&self.root, &inside, 0, &mut paths)?;
        }
        paths.sort();
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            let bytes = fs::read(&path).map_err(|error| unreadable(&path, error))?;
            files.push(SourceFile {
                path: path.to_string_lossy().into_owned(),
                bytes,
            });
        }
        if files.is_empty() {
            return Err(SourceError::Empty(self.root.clone()));
        }
        let revision = revision(&files);
        Ok(Snapshot { files, revision })
    }

    fn walk(
        &self,
        folder: &Path,
        inside: &Path,
        depth: usize,
        paths: &mut Vec<PathBuf>,
    ) -> Result<(), SourceError> {
        if depth > MAX_DEPTH {
            return Ok(());
        }
        let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unreadable(folder, error))?;
            let path = entry.path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or(".");
            let kind = entry
                .file_type()
                .map_err(|error| unreadable(&path, error))?;
            let wanted = is_manifest(name) || kind.is_dir() || kind.is_symlink();
            if name.starts_with('.') || !wanted {
                continue;
            }
            let real = match path.canonicalize() {
                Ok(real) => real,
                // A link to nowhere that is no manifest is none of our business.
                Err(_) if kind.is_symlink() && !is_manifest(name) => continue,
                Err(error) => return Err(unreadable(&path, error)),
            };
            if !real.starts_with(inside) {
                tracing::debug!(path = %path.display(), "left out: a link that leads out of the source");
                continue;
            }
            if real.is_dir() {
                self.walk(&path, inside, depth + 1, paths)?;
            } else if real.is_file() && is_manifest(name) {
                let size = real
                    .metadata()
                    .map_err(|error| unreadable(&path, error))?
                    .len();
                if size > MAX_BYTES {
                    return Err(SourceError::TooLarge { path, size });
                }
                paths.push(path);
                if paths.len() > MAX_FILES {
                    return Err(SourceError::TooMany(self.root.clone()));
                }
            }
        }
        Ok(())
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> SourceError {
    SourceError::Unreadable {
        path: path.to_owned(),
        error,
    }
}

pub(super) fn is_manifest(name: &str) -> bool {
    Path::new(name)
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| {
            ["yaml", "yml", "json", "jsonnet", "libsonnet"]
                .contains(&extension.to_ascii_lowercase().as_str())
        })
}

/// Whether this is the name of a Terraform state, which an Environment may name.
pub(super) fn is_state(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("tfstate"))
}

pub(super) fn revision(files: &[SourceFile]) -> String {
    let parts: Vec<serde_json::Value> = files
        .iter()
        .map(|file| serde_json::json!([file.path, String::from_utf8_lossy(&file.bytes)]))
        .collect();
    digest(&serde_json::Value::from(parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_files_and_other_endings_are_left_out_and_the_order_is_fixed() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "b.yaml",
            "a.json",
            "c.txt",
            ".hidden.yaml",
            "sub/d.YML",
            ".git/e.yaml",
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let snapshot = Dir::new(folder.path()).read().unwrap();
        let texts: Vec<String> = snapshot
            .files
            .iter()
            .map(|f| String::from_utf8_lossy(&f.bytes).into_owned())
            .collect();
        assert_eq!(texts, ["a.json", "b.yaml", "sub/d.YML"]);
        assert_eq!(
            snapshot.revision,
            Dir::new(folder.path()).read().unwrap().revision
        );
        fs::write(folder.path().join("b.yaml"), "changed").unwrap();
        assert_ne!(
            snapshot.revision,
            Dir::new(folder.path()).read().unwrap().revision
        );
    }

    #[test]
    fn an_empty_or_missing_folder_is_an_error_and_not_an_empty_state() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            Dir::new(folder.path()).read(),
            Err(SourceError::Empty(_))
        ));
        assert!(matches!(
            Dir::new(folder.path().join("gone")).read(),
            Err(SourceError::Unreadable { .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn links_to_nowhere_and_pipes_do_not_freeze_the_source() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yaml"), "a").unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("README-link")).unwrap();
        let pipe = folder.path().join("pipe.yaml");
        let made = std::process::Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap();
        assert!(made.success());
        let snapshot = Dir::new(folder.path()).read().unwrap();
        assert_eq!(snapshot.files.len(), 1);
        // A manifest that cannot be read is another matter.
        std::os::unix::fs::symlink("nowhere", folder.path().join("b.yaml")).unwrap();
        assert!(matches!(
            Dir::new(folder.path()).read(),
            Err(SourceError::Unreadable { .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_folder_is_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret.yaml"), "s").unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yaml"), "a").unwrap();
        std::os::unix::fs::symlink(
            outside.path().join("secret.yaml"),
            folder.path().join("b.yaml"),
        )
        .unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
        let snapshot = Dir::new(folder.path()).read().unwrap();
        assert!(snapshot.files.iter().all(|file| file.bytes == b"a"));
    }
}
