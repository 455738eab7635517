//! `.gitmodules`: which address a submodule has. Pure. Nothing else of the file is looked at, its names of
//! sections included: no folder is named after one, and no command in it is anybody's.

use gix::bstr::ByteSlice as _;
use gix::config::File;
use gix::config::file::{Metadata, init::Options};

/// A `.gitmodules` is not larger.
pub(super) const MAX_BYTES: u64 = 256 * 1024;

/// The address that stands for the submodule at this path.
///
/// # Errors
/// If there is none, or more than one.
pub(super) fn address(text: &[u8], path: &str) -> Result<String, String> {
    // What it includes is not read.
    let file = File::from_bytes_no_includes(text, Metadata::api(), Options::default())
        .map_err(|_| "`.gitmodules` is not written as one is".to_owned())?;
    let sections = file.sections_by_name("submodule").into_iter().flatten();
    let mut addresses = sections
        .filter(|section| section.value("path").is_some_and(|value| value == path))
        .map(|section| section.value("url"));
    let none = || format!("`.gitmodules` names no address for `{path}`");
    let Some(found) = addresses.next() else {
        return Err(none());
    };
    if addresses.next().is_some() {
        return Err(format!("`.gitmodules` names `{path}` more than once"));
    }
    let found = found.ok_or_else(none)?;
    match found.to_str() {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(format!("the address of `{path}` is not UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_by_the_path_alone() {
        let text = b"[submodule \"../../.git/hooks\"]\n\tpath = lib\n\turl = ../lib.git\n\tupdate = !touch /tmp/x\n\
            [submodule \"b\"]\n\tpath = b\n[submodule \"c\"]\n\tpath = c\n\turl = x\n[submodule \"d\"]\n\tpath = c\n\
            \turl = y\n[include]\n\tpath = /etc/passwd\n";
        let of = |path| address(text, path);
        assert_eq!(of("lib").as_deref(), Ok("../lib.git"));
        for (path, why) in [
            ("../../.git/hooks", "no address"),
            ("b", "no address"),
            ("c", "more than once"),
            ("/etc/passwd", "no address"),
        ] {
            assert!(of(path).unwrap_err().contains(why), "{path}");
        }
        assert!(address(b"[submodule", "x").is_err());
        // A carriage return at the end is part of the path (CVE-2025-48384), and so of no entry.
        let odd = b"[submodule \"a\"]\n\tpath = \"lib\r\"\n\turl = x\n";
        assert!(address(odd, "lib").unwrap_err().contains("no address"));
    }
}
