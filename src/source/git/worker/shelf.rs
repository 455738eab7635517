//! What was read for one place, and its bounds. Pure.

use gix::bstr::{BStr, ByteSlice as _};
use gix::glob::wildmatch::Mode;

use super::super::wire::{Limits, Reason, Trouble, Wanted, clean};
use crate::source::dir::is_manifest;

/// A file: its path in the repository, and its bytes.
pub(super) type File = (String, Vec<u8>);

/// Folders deeper than this are refused.
const MAX_DEPTH: usize = 32;

/// Longer paths are refused.
const MAX_PATH: usize = 1024;

/// The files of one place.
pub(super) struct Shelf<'a> {
    pub(super) wanted: &'a Wanted,
    /// The beginning of its commit's id, for people.
    pub(super) commit: String,
    /// Submodules that were followed.
    pub(super) modules: usize,
    pub(super) files: Vec<File>,
    /// Why it cannot be read.
    pub(super) trouble: Option<Trouble>,
    limits: Limits,
    entries: usize,
    /// Files for which there is room.
    count: usize,
    bytes: u64,
}

impl<'a> Shelf<'a> {
    pub(super) fn new(wanted: &'a Wanted, limits: Limits, commit: String) -> Self {
        Self {
            wanted,
            commit,
            modules: 0,
            files: Vec::new(),
            trouble: None,
            limits,
            entries: 0,
            count: 0,
            bytes: 0,
        }
    }

    /// The files, by their paths, or why there are none.
    pub(super) fn done(mut self) -> Result<Vec<File>, Trouble> {
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        if !self.files.iter().any(|(path, _)| is_manifest(path)) {
            let path = &self.wanted.path;
            let what = format!(
                "commit {} holds no manifest at `{}`; an empty source is not taken for an empty desired state",
                self.commit,
                if path.is_empty() { "/" } else { path }
            );
            return Err(Trouble::new(Reason::Empty, what));
        }
        self.files.sort();
        Ok(self.files)
    }

    /// Whether a file is one of those that are read, by the patterns.
    pub(super) fn is_wanted(&self, path: &str) -> bool {
        let include = &self.wanted.include;
        (include.is_empty() || self.matches(include, path)) && !self.is_excluded(path)
    }

    /// Whether a pattern leaves it out.
    pub(super) fn is_excluded(&self, path: &str) -> bool {
        self.matches(&self.wanted.exclude, path)
    }

    fn matches(&self, patterns: &[String], path: &str) -> bool {
        let below = path
            .strip_prefix(self.wanted.path.as_str())
            .map_or(path, |rest| rest.trim_start_matches('/'));
        patterns.iter().any(|pattern| {
            let mode = Mode::NO_MATCH_SLASH_LITERAL;
            gix::glob::wildmatch(pattern.as_str().into(), below.into(), mode)
        })
    }

    /// Counts an entry of a folder.
    pub(super) fn count_entry(&mut self) -> Result<(), Trouble> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(too_large(format!(
                "it has more than {} files and folders; name a smaller `path`",
                self.limits.entries
            )));
        }
        Ok(())
    }

    pub(super) fn check_depth(&self, path: &str) -> Result<(), Trouble> {
        let parts = |path: &str| path.split('/').filter(|part| !part.is_empty()).count();
        if parts(path) > parts(&self.wanted.path) + MAX_DEPTH {
            let what = format!(
                "`{}` is more than {MAX_DEPTH} folders deep",
                clean(path, 200)
            );
            return Err(too_large(what));
        }
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "it is asked where the others are")]
    pub(super) fn check_path(&self, path: &str) -> Result<(), Trouble> {
        if path.len() > MAX_PATH {
            let what = format!("the path `{}` is longer than {MAX_PATH}", clean(path, 200));
            return Err(too_large(what));
        }
        Ok(())
    }

    /// Whether there is room for a file of this size.
    pub(super) fn fits(&self, size: u64) -> bool {
        size <= self.limits.file_bytes
            && self.bytes + size <= self.limits.total_bytes
            && self.count < self.limits.files
    }

    /// Takes the room for a file.
    pub(super) fn make_room(&mut self, path: &str, size: u64) -> Result<(), Trouble> {
        let limits = self.limits;
        if size > limits.file_bytes {
            return Err(too_large(format!(
                "`{}` has {size} bytes; a manifest may have {}",
                clean(path, 200),
                limits.file_bytes
            )));
        }
        self.bytes += size;
        if self.bytes > limits.total_bytes {
            let what = format!("its manifests have more than {} bytes", limits.total_bytes);
            return Err(too_large(what));
        }
        if self.count >= limits.files {
            let what = format!("it holds more than {} manifests", limits.files);
            return Err(too_large(what));
        }
        self.count += 1;
        Ok(())
    }
}

pub(super) fn too_large(what: String) -> Trouble {
    Trouble::new(Reason::TooLarge, what)
}

pub(super) fn no_file(path: &str) -> Trouble {
    let what = format!(
        "`{}` is a symbolic link or a submodule; only files are read",
        clean(path, 200)
    );
    Trouble::new(Reason::Refused, what)
}

/// A name that means the same everywhere.
pub(super) fn checked<'a>(name: &'a BStr, folder: &str) -> Result<&'a str, Trouble> {
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
