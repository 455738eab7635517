//! Go templates in files of ecspresso and `PipeCD`: what a template looks up becomes a variable.
//!
//! While a file is read, a variable is a marker of two characters of Unicode's private use around
//! its name, which neither YAML nor JSON reads as anything but text; [`Templates::finished`] makes
//! `${NAME}` of it, and `$${` of what would look like one and is none.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Note;
use super::variables::{Variables, from_env};

const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// What templates refer to, and what they turned into.
#[derive(Clone, Debug, Default)]
pub(super) struct Templates {
    pub(super) variables: Variables,
    /// The Terraform state behind each prefix of the functions of the `tfstate` plugin; empty if it is
    /// looked up itself.
    pub(super) states: BTreeMap<String, String>,
    pub(super) notes: Vec<Note>,
}

impl Templates {
    fn note(&mut self, file: &str, reason: String) {
        let note = Note {
            file: file.to_owned(),
            reason,
        };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The value with its markers as `${NAME}`.
    pub(super) fn finished(&self, value: &Value) -> Value {
        walk(value, &mut |text| self.finished_text(text))
    }

    /// The text with its markers as `${NAME}`.
    pub(super) fn finished_text(&self, text: &str) -> String {
        // Only names that are variables are escaped: any other `${…}` reaches AWS as it is.
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, tail) = rest.split_at(at);
            out.push_str(before);
            let name = tail[2..].split(['}', ':']).next().unwrap_or_default();
            out.push_str(if self.variables.has(name) {
                "$${"
            } else {
                "${"
            });
            rest = &tail[2..];
        }
        out.push_str(rest);
        out.replace(OPEN, "${").replace(CLOSE, "}")
    }
}

/// The value with every text changed.
pub(super) fn walk(value: &Value, change: &mut dyn FnMut(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => items.iter().map(|item| walk(item, change)).collect(),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| (change(name), walk(value, change)))
                .collect::<Map<_, _>>(),
        ),
        other => other.clone(),
    }
}

/// The value with its markers as nothing: paths that began with a template.
pub(super) fn restored(value: &Value) -> Value {
    walk(value, &mut without_templates)
}

/// The text without markers.
pub(super) fn without_templates(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            OPEN => inside = true,
            CLOSE => inside = false,
            _ if inside => {}
            _ => out.push(c),
        }
    }
    out
}

/// Whether a text holds a marker.
pub(super) fn has_variable(text: &str) -> bool {
    text.contains(OPEN)
}

/// The value of an evaluated document with the templates in its texts rendered.
pub(super) fn in_value(value: &Value, file: &str, templates: &mut Templates) -> Value {
    walk(value, &mut |text| render(text, file, templates))
}

/// The text with its templates rendered.
pub(super) fn render(text: &str, file: &str, templates: &mut Templates) -> String {
    let mut out = String::new();
    let mut rest = text;
    // How deep in a branch that is left out (`else`), by nested `if`s.
    let mut skipping: Option<usize> = None;
    let mut depth = 0usize;
    while let Some((before, action, after)) = next_action(rest) {
        if skipping.is_none() {
            out.push_str(before);
        }
        rest = after;
        let words = words(action);
        match words.first().map(|word| word.text.as_str()) {
            Some("if" | "with" | "range") => {
                depth += 1;
                if skipping.is_none() {
                    let reason = format!(
                        "`{{{{ {action} }}}}` is not evaluated: what stands in it is taken, what stands after its \
                         `else` is not"
                    );
                    templates.note(file, reason);
                }
            }
            Some("else") if skipping.is_none() => skipping = Some(depth),
            Some("else") => {}
            Some("end") => {
                if skipping == Some(depth) {
                    skipping = None;
                }
                depth = depth.saturating_sub(1);
            }
            _ if skipping.is_some() => {}
            _ => out.push_str(&evaluated(action, &words, file, templates)),
        }
    }
    if skipping.is_none() {
        out.push_str(rest);
    }
    out
}

/// The text before the next action, the action, and the text after it.
fn next_action(text: &str) -> Option<(&str, &str, &str)> {
    let (before, tail) = text.split_once("{{")?;
    let (action, after) = tail.split_once("}}")?;
    let (trim_before, action) = match action.strip_prefix("- ") {
        Some(action) => (true, action),
        None => (false, action),
    };
    let (trim_after, action) = match action.strip_suffix(" -") {
        Some(action) => (true, action),
        None => (false, action),
    };
    let before = if trim_before {
        before.trim_end()
    } else {
        before
    };
    let after = if trim_after {
        after.trim_start()
    } else {
        after
    };
    Some((before, action.trim(), after))
}

/// One word of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word {
    text: String,
    /// Whether it stood in quotes.
    quoted: bool,
}

/// The words of an action. In JSON the quotes of a template may stand escaped.
fn words(action: &str) -> Vec<Word> {
    let action = action.replace("\\\"", "\"");
    let mut all = Vec::new();
    let mut chars = action.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            continue;
        }
        if c == '`' || c == '"' {
            let text: String = chars.by_ref().take_while(|next| *next != c).collect();
            all.push(Word { text, quoted: true });
            continue;
        }
        let mut text = String::from(c);
        while let Some(next) =
            chars.next_if(|next| !next.is_whitespace() && !"`\"|()".contains(*next))
        {
            if "|()".contains(c) {
                break;
            }
            text.push(next);
        }
        all.push(Word {
            text,
            quoted: false,
        });
    }
    all
}

/// What an action stands for.
fn evaluated(action: &str, words: &[Word], file: &str, templates: &mut Templates) -> String {
    let pipe = words
        .iter()
        .position(|word| !word.quoted && word.text == "|");
    let (words, piped) = words.split_at(pipe.unwrap_or(words.len()));
    for word in piped
        .iter()
        .filter(|word| !word.quoted && word.text != "|" && word.text != "json_escape")
    {
        templates.note(
            file,
            format!("`{action}`: `{}` is not applied to the value", word.text),
        );
    }
    let Some((first, rest)) = words.split_first() else {
        return String::new();
    };
    if first.quoted && rest.is_empty() {
        return first.text.clone();
    }
    if first.text.starts_with("/*") {
        return String::new();
    }
    let literal = rest
        .iter()
        .all(|word| word.quoted || word.text.parse::<f64>().is_ok());
    let args: Vec<&str> = rest.iter().map(|word| word.text.as_str()).collect();
    let known = literal
        .then(|| looked_up(&first.text, &args, file, templates))
        .flatten();
    let (wanted, from) = known.unwrap_or_else(|| {
        let name = first.text.trim_start_matches('.');
        let wanted = name
            .split('.')
            .chain(args.iter().copied())
            .collect::<Vec<_>>()
            .join("_");
        (format!("{wanted}."), Value::Null)
    });
    let name = templates.variables.name(&wanted, &from);
    if from.is_null() {
        let reason = format!(
            "`{{{{ {action} }}}}` is nothing that Even Keel can look up: it is the variable {name}, whose value has to \
             be given to the process, or put into the Environment"
        );
        templates.note(file, reason);
    }
    format!("{OPEN}{name}{CLOSE}")
}

/// The name and the source of what a function looks up; `None` if it is not one of ecspresso's.
fn looked_up(
    function: &str,
    args: &[&str],
    file: &str,
    templates: &mut Templates,
) -> Option<(String, Value)> {
    match (function, args) {
        ("must_env", [name]) => Some(((*name).to_owned(), from_env(name, None))),
        ("env", [name]) => Some(((*name).to_owned(), from_env(name, Some("")))),
        ("env", [name, default, ..]) => Some(((*name).to_owned(), from_env(name, Some(default)))),
        _ => {
            // A plugin's functions may have a prefix (`func_prefix`).
            let known = [
                "tfstatef",
                "tfstate",
                "secretsmanager_arn",
                "ssm",
                "cfn_output",
                "cfn_export",
            ];
            let base = known.into_iter().find(|known| function.ends_with(known))?;
            let prefix = function.strip_suffix(base).unwrap_or_default();
            plugin(base, prefix, args, file, templates)
        }
    }
}

fn plugin(
    base: &str,
    prefix: &str,
    args: &[&str],
    file: &str,
    templates: &mut Templates,
) -> Option<(String, Value)> {
    match (base, args) {
        ("ssm", [name]) => Some((format!("SSM_{name}."), json!({"fromSsm": name}))),
        ("ssm", [name, index]) => {
            let reason = format!(
                "`ssm {name} {index}` takes one element of a StringList, which no variable can"
            );
            templates.note(file, reason);
            Some((format!("SSM_{name}_{index}."), Value::Null))
        }
        ("secretsmanager_arn", [name]) => Some((
            format!("SECRET_ARN_{name}."),
            json!({"fromSecretArn": name}),
        )),
        ("cfn_output", [stack, output]) => Some((
            format!("CFN_{stack}_{output}."),
            json!({"fromStackOutput": {"stack": stack, "output": output}}),
        )),
        ("cfn_export", [name]) => Some((format!("CFN_{name}."), json!({"fromExport": name}))),
        ("tfstate" | "tfstatef", [address, values @ ..]) => {
            let address = formatted(address, values);
            let state = templates.states.get(prefix).cloned().unwrap_or_else(|| {
                templates.note(
                    file,
                    "no `tfstate` plugin of the configuration says which Terraform state: terraform.tfstate is taken"
                        .to_owned(),
                );
                "terraform.tfstate".to_owned()
            });
            let wanted = format!("TF_{prefix}{address}.");
            // Of a state that cannot be read the configuration's own note tells.
            let readable =
                !state.is_empty() && (!state.contains("://") || state.starts_with("s3://"));
            let from = if readable {
                json!({"fromTerraform": {"state": state, "address": address}})
            } else {
                Value::Null
            };
            Some((wanted, from))
        }
        _ => None,
    }
}

/// `%s`, `%d` and `%v` of a format, in order.
fn formatted(format: &str, values: &[&str]) -> String {
    let mut out = String::new();
    let mut values = values.iter();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c == '%' && !values.as_slice().is_empty() {
            chars.next();
            out.push_str(values.next().copied().unwrap_or_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(text: &str) -> (String, Templates) {
        let mut templates = Templates::default();
        templates
            .states
            .insert(String::new(), "s3://bucket/tf".to_owned());
        let rendered = Value::String(render(text, "f", &mut templates));
        let finished = templates.finished(&rendered);
        (finished.as_str().unwrap().to_owned(), templates)
    }

    #[test]
    fn every_function_becomes_a_variable_with_its_source() {
        for (text, shown, from) in [
            (
                "a:{{ must_env `TAG` }}",
                "a:${TAG}",
                json!({"fromEnv": "TAG"}),
            ),
            (
                "{{ env \"TAG\" \"latest\" }}",
                "${TAG}",
                json!({"fromEnv": "TAG", "default": "latest"}),
            ),
            (
                "{{env `J` | json_escape}}",
                "${J}",
                json!({"fromEnv": "J", "default": ""}),
            ),
            ("{{ ssm `/a/b` }}", "${SSM_A_B}", json!({"fromSsm": "/a/b"})),
            (
                "{{ secretsmanager_arn `a/b` }}",
                "${SECRET_ARN_A_B}",
                json!({"fromSecretArn": "a/b"}),
            ),
            (
                "{{ cfn_output `st` `Out` }}",
                "${CFN_ST_OUT}",
                json!({"fromStackOutput": {"stack": "st", "output": "Out"}}),
            ),
            (
                "{{ cfn_export `Name` }}",
                "${CFN_NAME}",
                json!({"fromExport": "Name"}),
            ),
            (
                "{{ tfstatef `aws_subnet.a['%s'].id` `x` }}",
                "${TF_AWS_SUBNET_A_X_ID}",
                json!({"fromTerraform": {"state": "s3://bucket/tf", "address": "aws_subnet.a['x'].id"}}),
            ),
        ] {
            let (finished, templates) = done(text);
            assert_eq!(finished, shown, "{text}");
            assert!(templates.notes.is_empty(), "{text}: {:?}", templates.notes);
            let all = templates.variables.spec();
            assert_eq!(all.values().collect::<Vec<_>>(), [&from], "{text}");
        }
    }

    #[test]
    fn a_shell_variable_stays_and_one_of_the_same_name_is_escaped() {
        let (finished, _) = done("${HOME} ${TAG} {{ must_env `TAG` }}");
        assert_eq!(finished, "${HOME} $${TAG} ${TAG}");
    }

    #[test]
    fn branches_are_told_and_their_else_is_left_out() {
        let (finished, templates) =
            done("a{{ if (env `X` ``) }}b{{ if `y` }}c{{ else }}d{{ end }}{{ else }}e{{ end }}f");
        assert_eq!(finished, "abcf");
        assert_eq!(templates.notes.len(), 2);
    }

    #[test]
    fn what_nobody_can_look_up_is_a_variable_without_a_value() {
        let (finished, templates) = done("{{ .encryptedSecrets.foo }}");
        assert_eq!(finished, "${ENCRYPTEDSECRETS_FOO}");
        assert_eq!(templates.notes.len(), 1);
        assert_eq!(done("{{ `{{` }}").0, "{{");
    }
}
