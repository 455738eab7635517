//! The committed corpus of the fuzz targets, given to what they check: what was found once is not lost.
//! The fuzzing itself is `fuzz/README.md`'s.

use std::path::Path;

#[path = "../../fuzz/checks/address.rs"]
mod address;
#[path = "../../fuzz/checks/manifest.rs"]
mod manifest;

/// Gives every input of a target to its check.
fn replay(target: &str, check: fn(&[u8])) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let checked = std::panic::catch_unwind(|| check(&bytes));
        assert!(checked.is_ok(), "of {}", path.display());
        count += 1;
    }
    count
}

#[test]
fn the_corpus_of_addresses() {
    assert!(replay("address", address::address) > 50);
}

#[test]
fn the_corpus_of_manifests() {
    assert!(replay("manifest", manifest::manifest) > 50);
}
