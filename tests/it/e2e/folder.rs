//! A copy of the shipped manifests that a test may change.

use std::path::{Path, PathBuf};

/// A folder in a temporary place; gone with the value.
pub(super) struct Folder {
    place: tempfile::TempDir,
    path: PathBuf,
}

impl Folder {
    /// A copy of `manifests/NAME`.
    pub(super) fn copy(name: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("source");
        copy(&shipped(name), &path);
        Self { place, path }
    }

    /// Its path, as an argument.
    pub(super) fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// Puts a file in, as an editor does: a new file, then a rename over the old one.
    pub(super) fn write(&self, file: &str, text: &str) {
        let (new, old) = (self.path.join(".new"), self.path.join(file));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, old).unwrap();
    }

    /// Replaces a text that stands in a file once.
    pub(super) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path.join(file)).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{file}: {from}");
        self.write(file, &text.replace(from, to));
    }

    /// Moves the folder away while `work` runs, and back.
    pub(super) fn without<T>(&self, work: impl FnOnce() -> T) -> T {
        let elsewhere = self.place.path().join("elsewhere");
        std::fs::rename(&self.path, &elsewhere).unwrap();
        let result = work();
        std::fs::rename(&elsewhere, &self.path).unwrap();
        result
    }

    /// Makes a folder in it.
    pub(super) fn make(&self, folder: &str) {
        std::fs::create_dir(self.path.join(folder)).unwrap();
    }

    /// Takes a file away.
    pub(super) fn remove(&self, file: &str) {
        std::fs::remove_file(self.path.join(file)).unwrap();
    }
}

/// The path of a shipped folder of manifests.
fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("manifests")
        .join(name)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).unwrap();
        }
    }
}
