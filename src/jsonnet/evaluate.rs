//! One Jsonnet file to its value, in this process. No disk: what a file imports is given.
//!
//! Invariants:
//! - The depth of calls is limited. Nothing else is: see the module above.
//! - An import leads to one of the given files or nowhere; absolute paths and `..` above the top are
//!   refused.
//! - Functions that a program adds (`std.native`) are not run.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use jrsonnet_evaluator::error::{ErrorKind, Result as Evaluated};
use jrsonnet_evaluator::function::CallLocation;
use jrsonnet_evaluator::manifest::JsonFormat;
use jrsonnet_evaluator::stack::limit_stack_depth;
use jrsonnet_evaluator::trace::PathResolver;
use jrsonnet_evaluator::{
    AsPathLike, Error, IStr, ImportResolver, NumValue, ResolvePathOwned, SourcePath, SourceVirtual,
    Span, State, Val,
};
use jrsonnet_gcmodule::Acyclic;
use jrsonnet_stdlib::{ContextInitializer, TracePrinter};
use serde_json::Value;

use super::{Answer, At, Fault, MAX_OUTPUT_BYTES, Mistake, Request};

/// How deep calls may be nested: deeper than any configuration is.
pub const MAX_DEPTH: usize = 200;

/// Longer messages are cut.
const MESSAGE_CHARS: usize = 400;

/// In the place of `std.native`: the template that asks for the same.
const NATIVES: &str = "local _std = std; local std = _std { native(name):: function(a, b=null, c=null) \
    '{{ ' + name + ' `' + a + '`' + (if b == null then '' else ' `' + b + '`') + (if c == null then '' else ' `' + c + '`') + ' }}' }; ";

/// Evaluates one file of a request.
pub fn evaluate(request: &Rc<Request>, path: &str) -> Answer {
    let _limit = limit_stack_depth(MAX_DEPTH);
    let context = ContextInitializer::new(PathResolver::FileName);
    context.settings_mut().trace_printer = Rc::new(Silent);
    for (name, value) in &request.ext {
        match value {
            Value::Bool(flag) => context.add_ext_var(name.as_str().into(), Val::Bool(*flag)),
            Value::Number(number) => {
                if let Some(number) = number.as_f64().and_then(NumValue::new) {
                    context.add_ext_var(name.as_str().into(), Val::Num(number));
                }
            }
            Value::String(text) => context.add_ext_str(name.as_str().into(), text.as_str().into()),
            _ => {}
        }
    }
    let imports = Rc::new(RefCell::new(BTreeSet::new()));
    let mut builder = State::builder();
    builder
        .import_resolver(Given {
            request: Rc::clone(request),
            imported: Rc::clone(&imports),
        })
        .context_initializer(context);
    let state = builder.build();
    let entered = state.try_enter();
    let value = value_of(&state, path);
    let imports = std::mem::take(&mut *imports.borrow_mut());
    let value = value.map_err(|refusal| match refusal {
        Refusal::Said(error) => mistake(&error, request, path, &imports),
        Refusal::Ours(mistake) => mistake,
    });
    drop(entered);
    drop(state);
    jrsonnet_gcmodule::collect_thread_cycles();
    Answer { value, imports }
}

/// Why there is no value.
enum Refusal {
    /// Jsonnet says so.
    Said(Error),
    /// It is none for us.
    Ours(Mistake),
}

impl Refusal {
    fn ours(fault: Fault, message: impl Into<String>) -> Self {
        Self::Ours(Mistake {
            fault,
            message: message.into(),
            at: None,
        })
    }
}

fn value_of(state: &State, path: &str) -> Result<Value, Refusal> {
    let start = SourcePath::new(SourceVirtual(path.into()));
    let value = state.import_resolved(start).map_err(Refusal::Said)?;
    if matches!(value, Val::Func(_)) {
        let message = "its value is a function, and a manifest is an object or an array of them";
        return Err(Refusal::ours(Fault::Function, message));
    }
    let text = value
        .manifest(JsonFormat::minify())
        .map_err(Refusal::Said)?;
    if text.len() > MAX_OUTPUT_BYTES {
        let length = text.len();
        let message = format!("its value has {length} bytes; at most {MAX_OUTPUT_BYTES} are taken");
        return Err(Refusal::ours(Fault::Bound, message));
    }
    // The JSON parser has a limit on nesting.
    let parsed = serde_json::from_str(&text);
    parsed.map_err(|_| Refusal::ours(Fault::Bound, "its value is nested too deeply"))
}

fn mistake(error: &Error, request: &Request, path: &str, imports: &BTreeSet<String>) -> Mistake {
    let mut frames = error.trace().0.iter();
    let innermost = frames.find_map(|frame| frame.location.clone());
    let (fault, span) = match error.error() {
        ErrorKind::ImportSyntaxError { error, .. } => (Fault::Text, Some(error.location.clone())),
        ErrorKind::StaticAnalysisError(found) => {
            (Fault::Text, found.iter().find_map(|one| one.span.clone()))
        }
        ErrorKind::ImportFileNotFound(..) | ErrorKind::ImportBadFileUtf8(_) => {
            (Fault::Text, innermost)
        }
        ErrorKind::UndefinedExternalVariable(_) => (Fault::Variable, innermost),
        _ => (Fault::Evaluation, innermost),
    };
    let at = span.and_then(|span| at(&span, request)).or_else(|| {
        // The evaluator gives no place for these; what stands only once is found by its name.
        let all = || imports.iter().map(String::as_str).chain([path]);
        match error.error() {
            ErrorKind::ImportFileNotFound(_, wanted) => only(
                all(),
                request,
                &[&format!("'{wanted}'"), &format!("\"{wanted}\"")],
            ),
            ErrorKind::NoSuchField(name, _) => only(all(), request, &[&format!(".{name}")]),
            _ => None,
        }
    });
    let mut message = sentence(error);
    if at.is_none() {
        message.push_str(&within(error));
    }
    Mistake { fault, message, at }
}

/// The one place where one of these texts stands, as a word, in these files.
fn only<'a>(
    paths: impl Iterator<Item = &'a str>,
    request: &Request,
    wanted: &[&str],
) -> Option<At> {
    let mut found = Vec::new();
    for path in paths {
        let Some(text) = request.files.get(path) else {
            continue;
        };
        for wanted in wanted {
            let ends = |at: &usize| {
                let after = text[at + wanted.len()..].chars().next();
                !after.is_some_and(|next| next == '_' || next.is_ascii_alphanumeric())
            };
            let places = text.match_indices(wanted).map(|(at, _)| at).filter(ends);
            found.extend(places.map(|start| At {
                file: path.to_owned(),
                start,
                end: start + wanted.len(),
            }));
        }
    }
    (found.len() == 1).then(|| found.swap_remove(0))
}

/// Which member of the value it was at, as the evaluator's frames tell it.
fn within(error: &Error) -> String {
    let frames = error.trace().0.iter().rev();
    let names = frames.filter_map(|frame| {
        let (_, rest) = frame.desc.split_once("field <")?;
        Some(rest.split_once('>')?.0)
    });
    let mut names: Vec<&str> = names.collect();
    names.dedup();
    if names.is_empty() {
        return String::new();
    }
    format!(" (in `{}`)", names.join("."))
}

fn sentence(error: &Error) -> String {
    if let ErrorKind::ImportFileNotFound(_, wanted) = error.error() {
        return format!("imports `{wanted}`, which is not in the source");
    }
    let text = match error.error() {
        ErrorKind::StackOverflow => format!("calls are nested deeper than {MAX_DEPTH}"),
        ErrorKind::UndefinedExternalVariable(name) => {
            format!("the external variable `{name}` is not given")
        }
        other => other.to_string(),
    };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let line = lines.join("; ");
    if line.chars().count() <= MESSAGE_CHARS {
        return line;
    }
    let kept: String = line.chars().take(MESSAGE_CHARS).collect();
    format!("{kept}…")
}

fn at(span: &Span, request: &Request) -> Option<At> {
    let path = span.0.source_path().downcast_ref::<SourceVirtual>()?;
    let file = path.0.to_string();
    let text = request.files.get(&file)?;
    let ahead = if has_natives(request, text) {
        NATIVES.len()
    } else {
        0
    };
    let byte = |offset: u32| (offset as usize).saturating_sub(ahead).min(text.len());
    Some(At {
        start: byte(span.1),
        end: byte(span.2),
        file,
    })
}

fn has_natives(request: &Request, text: &str) -> bool {
    request.natives && text.contains("std.native")
}

/// Keeps what a file traces to itself.
#[derive(Acyclic)]
struct Silent;

impl TracePrinter for Silent {
    fn print_trace(&self, _: CallLocation<'_>, _: IStr) {}
}

/// The files that are given.
#[derive(Acyclic)]
struct Given {
    request: Rc<Request>,
    imported: Rc<RefCell<BTreeSet<String>>>,
}

impl ImportResolver for Given {
    fn resolve_from(&self, from: &SourcePath, path: &dyn AsPathLike) -> Evaluated<SourcePath> {
        let named = path.as_path().to_owned();
        let wanted = match &named {
            ResolvePathOwned::Str(path) => path.clone(),
            ResolvePathOwned::Path(path) => path.to_string_lossy().into_owned(),
        };
        let file = from.downcast_ref::<SourceVirtual>();
        let found = file.and_then(|file| beside(&file.0, &wanted));
        match found.filter(|found| self.request.files.contains_key(found)) {
            Some(found) => {
                self.imported.borrow_mut().insert(found.clone());
                Ok(SourcePath::new(SourceVirtual(found.as_str().into())))
            }
            None => Err(ErrorKind::ImportFileNotFound(from.clone(), named).into()),
        }
    }

    fn load_file_contents(&self, resolved: &SourcePath) -> Evaluated<Vec<u8>> {
        let path = resolved.downcast_ref::<SourceVirtual>();
        let text = path.and_then(|path| self.request.files.get(path.0.as_str()));
        let Some(text) = text else {
            return Err(ErrorKind::ResolvedFileNotFound(resolved.clone()).into());
        };
        if has_natives(&self.request, text) {
            return Ok(format!("{NATIVES}{text}").into_bytes());
        }
        Ok(text.clone().into_bytes())
    }
}

/// The path of a file that another one names; `None` if it is absolute or leads above the top.
fn beside(file: &str, named: &str) -> Option<String> {
    if named.starts_with('/') || named.contains('\\') {
        return None;
    }
    let (folder, _) = file.rsplit_once('/').unwrap_or(("", file));
    let absolute = file.starts_with('/');
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in named.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().filter(|part| *part != "..")?;
            }
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    Some(if absolute { format!("/{path}") } else { path })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn run_with(text: &str, ext: BTreeMap<String, Value>) -> Answer {
        let files = BTreeMap::from([
            (
                "lib/a.libsonnet".to_owned(),
                "{name: import 'b.json'}".to_owned(),
            ),
            ("lib/b.json".to_owned(), "\"b\"".to_owned()),
            (
                "lib/bad.libsonnet".to_owned(),
                "{\n  ok: 1,\n  no: error 'out of blue',\n}".to_owned(),
            ),
            ("top.libsonnet".to_owned(), "{}".to_owned()),
            ("conf/x.jsonnet".to_owned(), text.to_owned()),
        ]);
        let request = Request {
            files,
            ext,
            natives: true,
            ..Request::default()
        };
        evaluate(&Rc::new(request), "conf/x.jsonnet")
    }

    fn run(text: &str) -> Answer {
        let ext = [
            ("TIER", json!("blue")),
            ("COUNT", json!(2)),
            ("ON", json!(true)),
        ];
        let ext = ext.map(|(name, value)| (name.to_owned(), value));
        run_with(text, BTreeMap::from(ext))
    }

    fn mistake_of(text: &str) -> Mistake {
        run(text).value.unwrap_err()
    }

    #[test]
    fn imports_external_variables_and_natives() {
        let text = "(import '../lib/a.libsonnet') + {tier: std.extVar('TIER'), \
            count: 1 + std.extVar('COUNT'), on: !std.extVar('ON'), tag: std.native('env')('TAG', 'latest')}";
        let answer = run(text);
        assert_eq!(
            answer.value,
            Ok(
                json!({"count": 3, "name": "b", "on": false, "tag": "{{ env `TAG` `latest` }}", "tier": "blue"})
            )
        );
        let imports: Vec<&str> = answer.imports.iter().map(String::as_str).collect();
        assert_eq!(imports, ["lib/a.libsonnet", "lib/b.json"]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, fault, said, marked) in [
            ("{\n  a: import 'gone',\n}", Fault::Text, "`gone`", "'gone'"),
            ("{a: std.extVar('NO')}", Fault::Variable, "`NO`", "('NO')"),
            (
                "{a: {b: error 'bad day'}}",
                Fault::Evaluation,
                "bad day",
                "error",
            ),
            ("{a: b}", Fault::Text, "b", "b"),
            ("{a: {b: 1}.c}", Fault::Evaluation, "no such field: c", ".c"),
            ("{a: 1", Fault::Text, "expected", ""),
        ] {
            let found = mistake_of(text);
            assert_eq!(found.fault, fault, "{text}: {found:?}");
            assert!(found.message.contains(said), "{text}: {found:?}");
            let at = found.at.unwrap();
            assert_eq!(at.file, "conf/x.jsonnet");
            assert_eq!(&text[at.start..at.end], marked, "{text}");
        }
        let twice = mistake_of("{a: {b: {b: 1}.c}, d: {b: 1}.c}");
        assert_eq!(twice.at, None, "either may be meant");
        assert!(twice.message.ends_with("(in `a.b`)"), "{twice:?}");
        let in_library = mistake_of("(import '../lib/bad.libsonnet')").at.unwrap();
        assert_eq!(in_library.file, "lib/bad.libsonnet");
        let shifted = "{\n a: std.native('env')('A'), b: error 'x'}";
        let at = mistake_of(shifted).at.unwrap();
        assert_eq!(&shifted[at.start..at.end], "error");
    }

    #[test]
    fn endless_recursion_functions_and_large_values_are_refused() {
        let deep = mistake_of("local f(x) = f(x + 1) + 1; f(1)");
        assert!(deep.message.contains("nested deeper"), "{deep:?}");
        assert_eq!(mistake_of("function(x) x").fault, Fault::Function);
        let large = mistake_of("{a: std.repeat('x', 2 * 1024 * 1024)}");
        assert_eq!(large.fault, Fault::Bound);
        let nested = "std.foldl(function(a, _) [a], std.range(1, 150), 1)";
        assert_eq!(mistake_of(nested).fault, Fault::Bound);
    }

    #[test]
    fn no_import_leads_out() {
        for import in [
            "/etc/passwd",
            "../../etc/passwd",
            "../../../../../../etc/passwd",
            "/lib/a.libsonnet",
            "../../top.libsonnet",
        ] {
            for word in ["import", "importstr", "importbin"] {
                let found = mistake_of(&format!("{word} '{import}'"));
                assert!(found.message.contains("not in the source"), "{found:?}");
            }
        }
        assert_eq!(run("import '../top.libsonnet'").value, Ok(json!({})));
        for (file, named, found) in [
            ("/s/x/a.jsonnet", "../b", Some("/s/b")),
            ("a.jsonnet", "./b", Some("b")),
            ("../a.jsonnet", "../b", None),
            ("a.jsonnet", "../b", None),
        ] {
            assert_eq!(beside(file, named).as_deref(), found, "{file} {named}");
        }
    }
}
