//! `kind: Environment`: what differs between the places that one set of manifests is for. Not the
//! putting in of its values (`variables`), not the merging of its overlay (`overlay`) and not the
//! fetching of what it names (`crate::values`).
//!
//! Invariants:
//! - An Environment with an error cannot be selected.
//! - The names that any Environment of the source declares are variables in all of them, so that a
//!   name which one of them forgot is an error there and not a text that reaches AWS.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::diagnostic::Findings;
use super::nearest::suggestion;
use super::schema::{listed, unknown_key};
use super::set::Origin;
use super::tree::{Data, Entry, Node, Place};
use super::variables::is_name;

/// The kind's name.
pub(crate) const ENVIRONMENT: &str = "Environment";

/// One environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Environment {
    /// `metadata.name`, such as `staging`.
    pub name: String,
    /// The AWS account that the credentials must be of.
    pub account: Option<String>,
    /// The region that is called, whatever the AWS configuration says.
    pub region: Option<String>,
    /// The role that is assumed for every call.
    pub role_arn: Option<String>,
    /// What it declares. `None`: the name is declared and has no value here.
    pub variables: BTreeMap<String, Option<Variable>>,
    /// Where it stands.
    pub origin: Origin,
}

/// A variable's value, or where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Where its value comes from.
    pub from: ValueFrom,
    /// What it is if the place that it comes from does not have it.
    pub default: Option<Value>,
    /// Whether it is a secret; `None`: the place that it comes from says so.
    pub secret: Option<bool>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueFrom {
    /// It stands in the Environment: a text, number or boolean, written as JSON.
    Literal(String),
    /// A variable of the process's environment.
    Process(String),
    /// A parameter of the SSM Parameter Store, by name or ARN. A `SecureString` is a secret.
    Parameter(String),
    /// The value of a Secrets Manager secret, by name or ARN; of one member, if its value is a JSON
    /// object. Always a secret.
    Secret {
        /// Name or ARN.
        id: String,
        /// Member of the JSON object.
        key: Option<String>,
    },
    /// The ARN of a Secrets Manager secret, by its name; no secret.
    SecretArn(String),
    /// An output of a `CloudFormation` stack.
    StackOutput {
        /// The stack's name or id.
        stack: String,
        /// The output's key.
        output: String,
    },
    /// A `CloudFormation` export, by name.
    Export(String),
    /// Something in a Terraform state.
    Terraform {
        /// A path beside the Environment's file, or `s3://bucket/key`.
        state: String,
        /// An output's name, or an address such as `aws_lb.main.arn`.
        what: String,
    },
}

/// What a variable stands for.
#[derive(Clone, PartialEq)]
pub struct Known {
    /// A text, number or boolean.
    pub value: Value,
    /// Whether it must never be shown.
    pub secret: bool,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.secret {
            f.write_str("****")
        } else {
            self.value.fmt(f)
        }
    }
}

/// Every Environment of a source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Environments {
    /// Those without an error.
    pub valid: BTreeMap<String, Environment>,
    /// Names of those with an error, and the error with its place.
    pub broken: BTreeMap<String, String>,
    /// What could not be read and holds an Environment: nobody knows its name and what it declares. Each
    /// with its place and the error.
    pub unread: Vec<String>,
    /// Every variable's name that one of them declares, those with an error included.
    pub(super) names: BTreeSet<String>,
}

impl Environments {
    /// The environment of this name; `None` if the source has none at all and none is named.
    ///
    /// # Errors
    /// If the name is not there, or none is named and there are some: the sentence says which. If one
    /// could not be read at all: a name that it alone declares would reach AWS as it stands.
    pub fn select(&self, name: Option<&str>) -> Result<Option<&Environment>, String> {
        if !self.unread.is_empty() {
            return Err(format!(
                "which variables there are cannot be told, as an Environment cannot be read: {}",
                self.unread.join("; ")
            ));
        }
        let names: Vec<&str> = self.names().collect();
        match name {
            None if names.is_empty() => Ok(None),
            None => Err(format!(
                "the source has Environment manifests; choose one with --environment NAME (or \
                 EVENKEEL_ENVIRONMENT): {}",
                listed(&names)
            )),
            Some(name) => {
                if let Some(error) = self.broken.get(name) {
                    return Err(format!("Environment `{name}` has an error: {error}"));
                }
                self.valid.get(name).map(Some).ok_or_else(|| {
                    if names.is_empty() {
                        return format!(
                            "there is no Environment `{name}`: the source has no Environment manifest"
                        );
                    }
                    format!("there is no Environment `{name}`; there are {}", listed(&names))
                })
            }
        }
    }

    /// Every name, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let all: BTreeSet<&str> = self
            .valid
            .keys()
            .chain(self.broken.keys())
            .map(String::as_str)
            .collect();
        all.into_iter()
    }

    /// Every name that one of them declares.
    pub(super) fn declared(&self) -> BTreeSet<&str> {
        self.names.iter().map(String::as_str).collect()
    }
}

/// Every name that a document of this kind declares, wherever a misspelt member or a wrong indentation has
/// put its variables: the keys of every map in `spec`, and of the maps that should be in it.
pub(super) fn names_in(root: &Node) -> impl Iterator<Item = String> {
    let envelope = ["apiVersion", "kind", "metadata"];
    let members = root.entries().iter();
    let members = members.filter(move |entry| !envelope.contains(&entry.key.as_str()));
    let misplaced = members.clone().filter(|entry| entry.key != "spec");
    let inside = members.flat_map(|entry| entry.value.entries());
    let maps = inside.chain(misplaced).map(|entry| &entry.value);
    maps.flat_map(Node::entries)
        .map(|entry| entry.key.clone())
        .filter(|name| is_name(name))
}

/// Reads the spec of an Environment whose name is known.
pub(super) fn read(root: &Node, name: &str, findings: &mut Findings<'_>) -> Environment {
    for entry in root.entries() {
        let known = ["apiVersion", "kind", "metadata", "spec"];
        if !known.contains(&entry.key.as_str()) {
            unknown_key(entry, &known, "", findings);
        }
    }
    let empty = Node::empty(root.place);
    let spec = root.get(&["spec"]).unwrap_or(&empty);
    if !matches!(spec.data, Data::Map(_) | Data::Null) {
        wrong_type(spec, "spec", "a map", findings);
    }
    let known = ["account", "region", "roleArn", "variables"];
    for entry in spec.entries() {
        if !known.contains(&entry.key.as_str()) {
            unknown_key(entry, &known, "spec", findings);
        }
    }
    let account = text(spec, "account", "spec", findings);
    if let Some((account, place)) = &account
        && (account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()))
    {
        let message = format!("`{account}` is no account id");
        findings
            .error("bad-value", *place, "spec.account", message)
            .hint("Write the account's 12 digits in quotes.");
    }
    let role = text(spec, "roleArn", "spec", findings);
    if let Some((arn, place)) = &role
        && !(arn.starts_with("arn:") && arn.contains(":role/"))
    {
        let message = format!("`{arn}` is no role's ARN");
        findings
            .error("bad-value", *place, "spec.roleArn", message)
            .hint("Such as arn:aws:iam::123456789012:role/evenkeel.");
    }
    let mut variables = BTreeMap::new();
    if let Some(entry) = spec.entry("variables") {
        if !matches!(entry.value.data, Data::Map(_) | Data::Null) {
            wrong_type(&entry.value, "spec.variables", "a map", findings);
        }
        for variable in entry.value.entries() {
            variables.insert(variable.key.clone(), read_variable(variable, findings));
        }
    }
    let plain = |found: Option<(String, Place)>| found.map(|(text, _)| text);
    Environment {
        name: name.to_owned(),
        account: plain(account),
        region: plain(text(spec, "region", "spec", findings)),
        role_arn: plain(role),
        variables,
        origin: Origin {
            file: findings.file.to_owned(),
            line: root.place.line,
        },
    }
}

/// The forms that a variable which is not a plain value may have.
pub(crate) const FORMS: [&str; 8] = [
    "value",
    "fromEnv",
    "fromSsm",
    "fromSecret",
    "fromSecretArn",
    "fromStackOutput",
    "fromExport",
    "fromTerraform",
];

fn read_variable(entry: &Entry, findings: &mut Findings<'_>) -> Option<Variable> {
    let path = format!("spec.variables.{}", entry.key);
    if !is_name(&entry.key) {
        let message = format!("`{}` cannot name a variable", entry.key);
        findings
            .error("bad-name", entry.key_place, &path, message)
            .hint("Letters, digits and `_`, not beginning with a digit.");
        return None;
    }
    match &entry.value.data {
        Data::Null => None,
        Data::Map(members) => read_form(members, &path, entry.key_place, findings),
        Data::List(_) => {
            wrong_type(&entry.value, &path, "a text, number or boolean", findings);
            None
        }
        _ => Some(Variable {
            from: ValueFrom::Literal(entry.value.to_value().to_string()),
            default: None,
            secret: None,
        }),
    }
}

fn read_form(
    members: &[Entry],
    path: &str,
    place: Place,
    findings: &mut Findings<'_>,
) -> Option<Variable> {
    let known: Vec<&str> = FORMS.into_iter().chain(["default", "secret"]).collect();
    let (mut forms, mut default, mut secret, mut known_all) = (Vec::new(), None, None, true);
    for member in members {
        let path = format!("{path}.{}", member.key);
        match (member.key.as_str(), &member.value.data) {
            ("default", Data::Text(_) | Data::Number(_) | Data::Bool(_)) => {
                default = Some(member.value.to_value());
            }
            ("default", _) => {
                wrong_type(&member.value, &path, "a text, number or boolean", findings);
            }
            ("secret", Data::Bool(flag)) => secret = Some(*flag),
            ("secret", _) => wrong_type(&member.value, &path, "true or false", findings),
            (form, _) if FORMS.contains(&form) => forms.push(member),
            _ => {
                known_all = false;
                let hint = suggestion(&member.key, known.iter().copied())
                    .unwrap_or_else(|| format!("Known here: {}.", listed(&known)));
                let message = format!("unknown field `{}`", member.key);
                findings
                    .error("unknown-field", member.key_place, path, message)
                    .hint(hint);
            }
        }
    }
    let [form] = forms[..] else {
        let message = if forms.is_empty() {
            "nothing says where its value comes from".to_owned()
        } else {
            let names: Vec<&str> = forms.iter().map(|form| form.key.as_str()).collect();
            format!("{} stand side by side", listed(&names))
        };
        // A declared name that has only a default is that default.
        if let (true, Some(value)) = (forms.is_empty(), &default) {
            return Some(Variable {
                from: ValueFrom::Literal(value.to_string()),
                default: None,
                secret,
            });
        }
        if !known_all {
            return None;
        }
        findings
            .error("two-ways", place, path, message)
            .hint(format!("Give one of {}.", listed(&FORMS)));
        return None;
    };
    let from = read_from(form, &format!("{path}.{}", form.key), findings)?;
    Some(Variable {
        from,
        default,
        secret,
    })
}

fn read_from(form: &Entry, path: &str, findings: &mut Findings<'_>) -> Option<ValueFrom> {
    if form.key == "value" {
        if matches!(form.value.data, Data::List(_) | Data::Map(_) | Data::Null) {
            wrong_type(&form.value, path, "a text, number or boolean", findings);
            return None;
        }
        return Some(ValueFrom::Literal(form.value.to_value().to_string()));
    }
    if let (Some(text), true) = (
        form.value.as_text().filter(|text| !text.is_empty()),
        form.key != "fromTerraform",
    ) {
        return match form.key.as_str() {
            "fromEnv" => Some(ValueFrom::Process(text.to_owned())),
            "fromSsm" => Some(ValueFrom::Parameter(text.to_owned())),
            "fromSecretArn" => Some(ValueFrom::SecretArn(text.to_owned())),
            "fromSecret" => Some(ValueFrom::Secret {
                id: text.to_owned(),
                key: None,
            }),
            "fromExport" => Some(ValueFrom::Export(text.to_owned())),
            _ => {
                let Some((stack, output)) = text.rsplit_once('/') else {
                    let message = "names a stack and no output";
                    findings
                        .error("bad-value", form.value.place, path, message)
                        .hint("Write STACK/OUTPUT.");
                    return None;
                };
                Some(ValueFrom::StackOutput {
                    stack: stack.to_owned(),
                    output: output.to_owned(),
                })
            }
        };
    }
    let members: &[&str] = match form.key.as_str() {
        "fromSecret" => &["id", "key"],
        "fromStackOutput" => &["stack", "output"],
        "fromTerraform" => &["state", "output", "address"],
        _ => &[],
    };
    if members.is_empty() || !matches!(form.value.data, Data::Map(_)) {
        let expected = if form.key == "fromTerraform" {
            "a map with `state` and `output` or `address`"
        } else {
            "a text that names it"
        };
        wrong_type(&form.value, path, expected, findings);
        return None;
    }
    for entry in form.value.entries() {
        if !members.contains(&entry.key.as_str()) {
            unknown_key(entry, members, path, findings);
        }
    }
    let mut part = |name: &str| text(&form.value, name, path, findings).map(|(text, _)| text);
    let found = match form.key.as_str() {
        "fromSecret" => part("id").map(|id| ValueFrom::Secret {
            id,
            key: part("key"),
        }),
        "fromStackOutput" => part("stack").and_then(|stack| {
            Some(ValueFrom::StackOutput {
                stack,
                output: part("output")?,
            })
        }),
        _ => part("state").and_then(|state| {
            let what = match (part("output"), part("address")) {
                (Some(output), None) => format!("output.{output}"),
                (None, Some(address)) => address,
                _ => return None,
            };
            Some(ValueFrom::Terraform { state, what })
        }),
    };
    if found.is_none() {
        let message = "does not say what it names";
        findings
            .error("missing-field", form.key_place, path, message)
            .hint(match form.key.as_str() {
                "fromSecret" => "Give `id`, and `key` for one member of a JSON value.",
                "fromStackOutput" => "Give `stack` and `output`, or STACK/OUTPUT.",
                _ => "Give `state`, and either `output` or `address`.",
            });
    }
    found
}

/// The text that is this member, with its place.
fn text(
    node: &Node,
    member: &str,
    path: &str,
    findings: &mut Findings<'_>,
) -> Option<(String, Place)> {
    let value = node.get(&[member])?;
    match &value.data {
        Data::Text(text) if !text.is_empty() => Some((text.clone(), value.place)),
        _ => {
            wrong_type(value, &format!("{path}.{member}"), "a text", findings);
            None
        }
    }
}

fn wrong_type(node: &Node, path: &str, expected: &str, findings: &mut Findings<'_>) {
    let message = format!("expected {expected}, found {}", node.what());
    let found = findings.error("wrong-type", node.place, path, message);
    if matches!(node.data, Data::Number(_) | Data::Bool(_)) && expected == "a text" {
        found.hint("Put the value in quotes.");
    }
}
