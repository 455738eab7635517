//! Terraform state, version 4: outputs and attributes of resources. It is read, never locked or
//! written; no Terraform is run.
//!
//! Invariant: a state that is not in S3 is read only inside the source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::{Beside, Found, Why, refused};
use crate::aws::Aws;
use crate::manifest::{Known, SourceFile, ValueFrom};

/// Larger states are refused; Terraform itself is slow with a tenth of it.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Reads what is wanted of every state, each state once. `file` is the Environment's.
pub(super) async fn read<'a>(
    wanted: &BTreeSet<&'a ValueFrom>,
    file: &Path,
    beside: Beside<'_>,
    aws: &Aws,
    found: &mut Found<'a>,
) -> Result<(), Why<'a>> {
    let mut states: BTreeMap<&str, Value> = BTreeMap::new();
    for from in wanted.iter().copied() {
        let ValueFrom::Terraform { state, what } = from else {
            continue;
        };
        if !states.contains_key(state.as_str()) {
            let bytes = match state.strip_prefix("s3://") {
                Some(address) => in_s3(from, address, aws).await?,
                None => match beside {
                    Beside::Folder(root) => local(state, file, root),
                    Beside::Read { root, states } => read_already(state, file, root, states),
                }
                .map_err(|why| (from, why))?,
            };
            let parsed = parse(&bytes).map_err(|why| (from, format!("{state} {why}")))?;
            states.insert(state, parsed);
        }
        let value = states
            .get(state.as_str())
            .and_then(|state| look(state, what));
        found.insert(from, value);
    }
    Ok(())
}

async fn in_s3<'a>(from: &'a ValueFrom, address: &str, aws: &Aws) -> Result<Vec<u8>, Why<'a>> {
    let Some((bucket, key)) = address.split_once('/') else {
        let why = format!("s3://{address} names no object; write s3://BUCKET/KEY");
        return Err((from, why));
    };
    let object = aws.object(bucket, key, MAX_BYTES).await;
    object.map_err(|fault| refused(from, &fault))
}

fn local(state: &str, file: &Path, root: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("{state} cannot be read: {error}");
    let path = file.parent().unwrap_or(Path::new("")).join(state);
    let real = path.canonicalize().map_err(unreadable)?;
    let root = root.canonicalize().map_err(unreadable)?;
    if !real.starts_with(root) {
        return Err(leads_out(state));
    }
    if real.metadata().map_err(unreadable)?.len() > MAX_BYTES as u64 {
        return Err(format!("{state} has more than {MAX_BYTES} bytes"));
    }
    std::fs::read(&real).map_err(unreadable)
}

/// The state among those that the source gave with its manifests.
fn read_already(
    state: &str,
    file: &Path,
    root: &Path,
    states: &[SourceFile],
) -> Result<Vec<u8>, String> {
    let mut path: PathBuf = file.parent().unwrap_or(Path::new("")).to_owned();
    let mut inside = true;
    for part in Path::new(state).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir => inside = inside && path.pop(),
            Component::RootDir | Component::Prefix(_) => inside = false,
        }
        inside = inside && path.starts_with(root);
    }
    if !inside {
        return Err(leads_out(state));
    }
    let found = states.iter().find(|one| Path::new(&one.path) == path);
    found.map(|one| one.bytes.clone()).ok_or_else(|| {
        format!(
            "{state} was not read with the manifests: it must be a file that ends in `.tfstate`, lies below \
             the source's path and has no more bytes than a manifest; or name it as s3://BUCKET/KEY"
        )
    })
}

fn leads_out(state: &str) -> String {
    format!("{state} leads out of the source; put it there, or name it as s3://BUCKET/KEY")
}

fn parse(bytes: &[u8]) -> Result<Value, String> {
    let state: Value = serde_json::from_slice(bytes).map_err(|_| "is no JSON".to_owned())?;
    match state.get("version").and_then(Value::as_i64) {
        Some(4) => Ok(state),
        _ => Err("is no Terraform state of version 4 (Terraform 0.12 and newer)".to_owned()),
    }
}

/// The scalar at `output.NAME`, with a path behind it or not, or at a resource's address. Keys may
/// stand in single quotes too, as ecspresso's users write them.
fn look(state: &Value, what: &str) -> Option<Known> {
    let what = &what.replace('\'', "\"");
    if let Some(rest) = what.strip_prefix("output.") {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, path) = rest.split_at(end);
        let output = state.get("outputs")?.get(name)?;
        let secret = output.get("sensitive") == Some(&Value::Bool(true));
        return scalar(walk(output.get("value")?, path)?, secret);
    }
    let resources = state.get("resources")?.as_array()?;
    for resource in resources {
        for instance in resource.get("instances")?.as_array()? {
            let address = address(resource, instance)?;
            let Some(path) = what.strip_prefix(&address) else {
                continue;
            };
            if !path.starts_with('.') {
                continue;
            }
            let value = walk(instance.get("attributes")?, path)?;
            return scalar(value, is_sensitive(instance, path));
        }
    }
    None
}

/// `module.net.data.aws_vpc.main[0]` of an instance.
fn address(resource: &Value, instance: &Value) -> Option<String> {
    let text = |member: &str| resource.get(member).and_then(Value::as_str);
    let mut out = String::new();
    if let Some(module) = text("module") {
        out.push_str(&format!("{module}."));
    }
    if text("mode") == Some("data") {
        out.push_str("data.");
    }
    out.push_str(&format!("{}.{}", text("type")?, text("name")?));
    if let Some(index) = instance.get("index_key") {
        out.push_str(&format!("[{index}]"));
    }
    Some(out)
}

/// The value at a path such as `.a.b[0]["c"]`; the whole for an empty one.
fn walk<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    steps(path)?
        .iter()
        .try_fold(value, |value, step| match value {
            Value::Array(items) => items.get(step.parse::<usize>().ok()?),
            other => other.get(step),
        })
}

fn steps(path: &str) -> Option<Vec<String>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(index) = rest.strip_prefix('[') {
            let end = index.find(']')?;
            steps.push(index[..end].trim_matches('"').to_owned());
            rest = &index[end + 1..];
        } else {
            let name = rest.strip_prefix('.')?;
            let end = name.find(['.', '[']).unwrap_or(name.len());
            steps.push(name[..end].to_owned());
            rest = &name[end..];
        }
    }
    Some(steps)
}

/// Whether the state calls the attribute at this path, or what it is in, sensitive.
fn is_sensitive(instance: &Value, path: &str) -> bool {
    let first = steps(path).and_then(|steps| steps.into_iter().next());
    let marked = instance
        .get("sensitive_attributes")
        .and_then(Value::as_array);
    marked.into_iter().flatten().any(|one| {
        let name = one.pointer("/0/value").and_then(Value::as_str);
        name.is_some() && name == first.as_deref()
    })
}

fn scalar(value: &Value, secret: bool) -> Option<Known> {
    (value.is_string() || value.is_number() || value.is_boolean()).then(|| Known {
        value: value.clone(),
        secret,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state() -> Value {
        json!({"version": 4, "outputs": {
            "subnets": {"value": ["subnet-1", "subnet-2"]},
            "password": {"value": "hunter2", "sensitive": true},
        }, "resources": [
            {"mode": "managed", "type": "aws_lb", "name": "main", "instances": [
                {"attributes": {"arn": "arn:lb", "port": 80, "tags": {"a": "b"}, "token": "t"},
                 "sensitive_attributes": [[{"type": "get_attr", "value": "token"}]]}]},
            {"module": "module.net", "mode": "data", "type": "aws_subnet", "name": "all", "instances": [
                {"index_key": 0, "attributes": {"id": "s-0"}}, {"index_key": "b", "attributes": {"id": "s-b"}}]},
        ]})
    }

    #[test]
    fn outputs_and_addresses_are_found() {
        for (what, expected) in [
            ("output.subnets[1]", json!("subnet-2")),
            ("aws_lb.main.arn", json!("arn:lb")),
            ("aws_lb.main.port", json!(80)),
            ("aws_lb.main.tags.a", json!("b")),
            ("aws_lb.main.tags[\"a\"]", json!("b")),
            ("module.net.data.aws_subnet.all[0].id", json!("s-0")),
            ("module.net.data.aws_subnet.all[\"b\"].id", json!("s-b")),
            ("module.net.data.aws_subnet.all['b'].id", json!("s-b")),
        ] {
            let known = look(&state(), what).unwrap();
            assert_eq!((known.value, known.secret), (expected, false), "{what}");
        }
        for what in [
            "output.subnets",
            "output.x",
            "aws_lb.main",
            "aws_lb.mainx.arn",
            "aws_lb.main.tags",
        ] {
            assert_eq!(look(&state(), what), None, "{what}");
        }
    }

    #[test]
    fn what_terraform_calls_sensitive_is_a_secret() {
        assert!(look(&state(), "output.password").unwrap().secret);
        assert!(look(&state(), "aws_lb.main.token").unwrap().secret);
    }

    #[test]
    fn a_state_that_was_read_is_found_below_the_root_alone() {
        let root = Path::new("h/o/r@main/prod");
        let state = |path: &str| SourceFile {
            path: path.to_owned(),
            bytes: path.as_bytes().to_vec(),
        };
        let states = [
            state("h/o/r@main/prod/net.tfstate"),
            state("h/o/r@main/prod/env/net.tfstate"),
            state("h/o/r@main/other/net.tfstate"),
        ];
        let of = |name: &str| {
            let file = Path::new("h/o/r@main/prod/env/env.yaml");
            read_already(name, file, root, &states)
        };
        assert_eq!(of("net.tfstate").unwrap(), states[1].bytes);
        assert_eq!(of("./../net.tfstate").unwrap(), states[0].bytes);
        for out in [
            "../../other/net.tfstate",
            "../../prod/net.tfstate",
            "/h/o/r@main/prod/net.tfstate",
            "../../../../../../net.tfstate",
        ] {
            assert!(of(out).unwrap_err().contains("leads out"), "{out}");
        }
        assert!(of("none.tfstate").unwrap_err().contains("was not read"));
    }

    #[test]
    fn a_state_outside_the_source_is_not_read() {
        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("source");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(outside.path().join("a.tfstate"), "{}").unwrap();
        std::fs::write(root.join("b.tfstate"), "{}").unwrap();
        let file = root.join("env.yaml");
        let error = local("../a.tfstate", &file, &root).unwrap_err();
        assert!(error.contains("leads out of the source"), "{error}");
        assert_eq!(local("b.tfstate", &file, &root).unwrap(), b"{}");
        assert!(local("c.tfstate", &file, &root).is_err());
    }
}
