//! Writing files of manifests: all or none, and nothing over what is there unless told to.

use std::fs;
use std::path::Path;

/// Writes files below a folder; gives what was done, a line for each.
///
/// A file that has the text already is left alone.
///
/// # Errors
/// If a file is there with another text and `force` is not given, before anything is written; or if
/// the file system refuses.
pub(super) fn files(out: &Path, files: &[(String, String)], force: bool) -> Result<String, String> {
    let mut wanted = Vec::new();
    let mut done = String::new();
    let mut taken = Vec::new();
    for (path, text) in files {
        let target = out.join(path);
        match fs::read(&target) {
            Ok(bytes) if bytes == text.as_bytes() => {
                done.push_str(&format!("unchanged {}\n", target.display()));
                continue;
            }
            Ok(_) if !force => taken.push(target.display().to_string()),
            Ok(_) | Err(_) => {}
        }
        wanted.push((target, text));
    }
    if !taken.is_empty() {
        return Err(format!(
            "{} is there already with another text; nothing was written: choose another --out, or give --force",
            taken.join(", ")
        ));
    }
    for (target, text) in wanted {
        let failed = |error: std::io::Error| format!("cannot write {}: {error}", target.display());
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(&target, text).map_err(failed)?;
        done.push_str(&format!("wrote {}\n", target.display()));
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten_unless_told_and_then_all_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let first = [("a/b.yaml".to_owned(), "one".to_owned())];
        assert!(
            files(folder.path(), &first, false)
                .unwrap()
                .starts_with("wrote ")
        );
        assert!(
            files(folder.path(), &first, false)
                .unwrap()
                .starts_with("unchanged ")
        );
        let both = [
            ("c.yaml".to_owned(), "new".to_owned()),
            ("a/b.yaml".to_owned(), "two".to_owned()),
        ];
        let error = files(folder.path(), &both, false).unwrap_err();
        assert!(
            error.contains("b.yaml") && error.contains("--force"),
            "{error}"
        );
        assert!(!folder.path().join("c.yaml").exists());
        files(folder.path(), &both, true).unwrap();
        let text = fs::read_to_string(folder.path().join("a/b.yaml")).unwrap();
        assert_eq!(text, "two");
    }
}
