//! Jsonnet files as plain values. No disk: what a file imports is given.
//!
//! Invariants:
//! - Evaluation ends: the depth of calls is limited.
//! - Functions that a program adds (`std.native`) are not run: their result is the text of the Go
//!   template that asks for the same (`{{ must_env `NAME` }}`).

use std::collections::BTreeMap;

use jrsonnet_evaluator::error::{ErrorKind, Result as Evaluated};
use jrsonnet_evaluator::stack::limit_stack_depth;
use jrsonnet_evaluator::trace::PathResolver;
use jrsonnet_evaluator::{
    AsPathLike, ImportResolver, ResolvePathOwned, SourcePath, SourceVirtual, State,
};
use jrsonnet_gcmodule::Acyclic;
use jrsonnet_stdlib::ContextInitializer;
use serde_json::Value;

/// Deeper than any configuration is nested, and shallow enough for a thread's stack.
const MAX_DEPTH: usize = 100;

/// In the place of `std.native`: the template that asks for the same.
const NATIVES: &str = "local _std = std; local std = _std { native(name):: function(a, b=null, c=null) \
    '{{ ' + name + ' `' + a + '`' + (if b == null then '' else ' `' + b + '`') + (if c == null then '' else ' `' + c + '`') + ' }}' };";

/// Evaluates a file. `imports` are the texts that it may import, by path; `ext` are its external
/// variables (`std.extVar`), all of them texts.
///
/// # Errors
/// What Jsonnet says, in one line.
pub fn evaluate(
    path: &str,
    text: &str,
    imports: &BTreeMap<String, String>,
    ext: &BTreeMap<String, String>,
) -> Result<Value, String> {
    let _limit = limit_stack_depth(MAX_DEPTH);
    let context = ContextInitializer::new(PathResolver::FileName);
    for (name, value) in ext {
        context.add_ext_str(name.as_str().into(), value.as_str().into());
    }
    let mut files = imports.clone();
    files.insert(path.to_owned(), text.to_owned());
    let mut builder = State::builder();
    builder
        .import_resolver(Given { files })
        .context_initializer(context);
    let state = builder.build();
    let _entered = state.try_enter();
    let evaluated = state.import(path).map_err(|error| sentence(&error))?;
    serde_json::to_value(&evaluated).map_err(|error| error.to_string())
}

fn sentence(error: &jrsonnet_evaluator::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

/// The files that are given.
#[derive(Acyclic)]
struct Given {
    files: BTreeMap<String, String>,
}

impl ImportResolver for Given {
    fn resolve_from(&self, from: &SourcePath, path: &dyn AsPathLike) -> Evaluated<SourcePath> {
        let wanted = match path.as_path().to_owned() {
            ResolvePathOwned::Str(path) => path,
            ResolvePathOwned::Path(path) => path.to_string_lossy().into_owned(),
        };
        let beside = from
            .downcast_ref::<SourceVirtual>()
            .and_then(|from| from.0.rsplit_once('/').map(|(folder, _)| folder.to_owned()));
        let found = join(beside.as_deref().unwrap_or_default(), &wanted);
        if self.files.contains_key(&found) {
            return Ok(SourcePath::new(SourceVirtual(found.as_str().into())));
        }
        let error = ErrorKind::RuntimeError(format!("imports {wanted}, which is not there").into());
        Err(error.into())
    }

    fn load_file_contents(&self, resolved: &SourcePath) -> Evaluated<Vec<u8>> {
        let path = resolved
            .downcast_ref::<SourceVirtual>()
            .map(|path| path.0.to_string());
        let text = path
            .and_then(|path| self.files.get(&path))
            .cloned()
            .unwrap_or_default();
        if text.contains("std.native") {
            return Ok(format!("{NATIVES} {text}").into_bytes());
        }
        Ok(text.into_bytes())
    }
}

/// A path relative to a folder, without `.` and `..`.
fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(text: &str) -> Result<Value, String> {
        let imports = BTreeMap::from([
            (
                "lib/a.libsonnet".to_owned(),
                "{name: import 'b.json'}".to_owned(),
            ),
            ("lib/b.json".to_owned(), "\"b\"".to_owned()),
        ]);
        let ext = BTreeMap::from([("TIER".to_owned(), "blue".to_owned())]);
        evaluate("conf/x.jsonnet", text, &imports, &ext)
    }

    #[test]
    fn imports_external_variables_and_natives() {
        let text = "(import '../lib/a.libsonnet') + {tier: std.extVar('TIER'), count: 1 + 1, \
            tag: std.native('env')('TAG', 'latest')}";
        assert_eq!(
            run(text),
            Ok(json!({"count": 2, "name": "b", "tag": "{{ env `TAG` `latest` }}", "tier": "blue"}))
        );
    }

    #[test]
    fn what_is_wrong_is_told_and_endless_recursion_ends() {
        assert!(run("import 'gone'").unwrap_err().contains("gone"));
        assert!(run("std.extVar('NO')").unwrap_err().contains("NO"));
        assert!(run("local f(x) = f(x + 1) + 1; f(1)").is_err());
        assert!(run("{").is_err());
    }
}
