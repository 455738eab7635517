//! Reading a file of a project as a value: YAML, JSON or Jsonnet, with its templates.

use std::rc::Rc;

use serde_json::Value;

use super::Input;
use super::template::{self, Templates};
use crate::jsonnet::{Request, evaluate};
use crate::manifest::values;

/// The folder of a path; empty at the top.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The path of a file that a configuration names relative to itself. A path that begins with a
/// template (`{{ must_env "PWD" }}/…`) is looked for by its end.
pub(super) fn resolve(input: &Input, configuration: &str, named: &str) -> Option<String> {
    let named = template::without_templates(named);
    let mut parts: Vec<&str> = folder(configuration)
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    for part in named.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    if input.files.contains_key(&path) {
        return Some(path);
    }
    let end = named.trim_start_matches('/');
    let mut ends: Vec<&str> = vec![end];
    while let Some((_, rest)) = ends.last().and_then(|end| end.split_once('/')) {
        ends.push(rest);
    }
    let beside = folder(configuration);
    ends.into_iter().find_map(|end| {
        let path = if beside.is_empty() {
            end.to_owned()
        } else {
            format!("{beside}/{end}")
        };
        input.files.contains_key(&path).then_some(path)
    })
}

/// A file beside this one whose name fits.
pub(super) fn beside(input: &Input, path: &str, fits: fn(&str) -> bool) -> Option<String> {
    let folder = folder(path);
    let here = input
        .files
        .keys()
        .filter(|other| self::folder(other) == folder);
    let mut here = here.filter(|other| fits(other.rsplit('/').next().unwrap_or(other)));
    here.next().cloned()
}

/// A configuration, its templates left as they stand.
pub(super) fn configuration(input: &Input, path: &str) -> Result<Value, String> {
    read(input, path, &mut Templates::default()).map(|value| template::restored(&value))
}

/// The value of a Jsonnet file. Whoever converts waits for it, so it is evaluated here.
fn evaluated(input: &Input, path: &str) -> Result<Value, String> {
    let ext = input.ext.iter();
    let request = Rc::new(Request {
        files: input.files.clone(),
        ext: ext
            .map(|(name, text)| (name.clone(), Value::from(text.clone())))
            .collect(),
        natives: true,
        ..Request::default()
    });
    evaluate(&request, path)
        .value
        .map_err(|mistake| mistake.message)
}

/// A file as a value; its templates are markers of variables ([`Templates::finished`]).
pub(super) fn read(input: &Input, path: &str, templates: &mut Templates) -> Result<Value, String> {
    let text = input
        .files
        .get(path)
        .ok_or_else(|| format!("{path} is not there"))?;
    if ["jsonnet", "libsonnet"].contains(&path.rsplit('.').next().unwrap_or_default()) {
        let value = evaluated(input, path)?;
        return Ok(template::in_value(&value, path, templates));
    }
    let rendered = template::render(text, path, templates);
    // JSON first: it may hold tabs, which YAML does not take as indentation.
    if let Ok(value) = serde_json::from_str(&rendered) {
        return Ok(value);
    }
    let mut all = values(&rendered)?.into_iter();
    all.next().ok_or_else(|| "holds nothing".to_owned())
}
