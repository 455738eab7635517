//! Revisions of an application: the texts that its deployments carried. Not their meaning (see
//! `appspec`). Only `GetApplicationRevision` gives a text back.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::{AwsError, Time, World};
use super::applications;
use super::input::{application_name, text, timestamp};
use super::paging::page;
use super::{appspec, tags};

/// A registered revision.
#[derive(Clone, Debug)]
pub(super) struct Revision {
    pub(super) location: Location,
    description: String,
    registered: Time,
    first_used: Option<Time>,
    last_used: Option<Time>,
    /// The deployment groups that it was deployed to.
    groups: BTreeSet<String>,
}

/// A revision as a request or a deployment holds it.
#[derive(Clone, Debug)]
pub(super) struct Location {
    /// `AppSpecContent`, or its older spelling `String`.
    kind: Kind,
    pub(super) content: String,
    pub(super) sha256: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    AppSpecContent,
    String,
}

impl Location {
    /// An `AppSpecContent` revision of this text.
    pub(super) fn of(content: String) -> Self {
        let sha256 = digest(&content);
        Self {
            kind: Kind::AppSpecContent,
            content,
            sha256,
        }
    }

    /// The `RevisionLocation` document, with the text or without.
    pub(super) fn read_back(&self, with_content: bool) -> Value {
        let mut inner = json!({"sha256": self.sha256});
        if with_content {
            inner["content"] = json!(self.content);
        }
        match self.kind {
            Kind::AppSpecContent => {
                json!({"revisionType": "AppSpecContent", "appSpecContent": inner})
            }
            Kind::String => json!({"revisionType": "String", "string": inner}),
        }
    }
}

fn digest(content: &str) -> String {
    hex::encode(Sha256::digest(content.as_bytes()))
}

fn invalid(text: impl Into<String>) -> AwsError {
    AwsError::new("InvalidRevisionException", text)
}

/// The inner structure of the request's `revision`, and its kind.
fn inner(input: &Value) -> Result<(Kind, &Value), AwsError> {
    let Some(revision) = input.get("revision") else {
        return Err(AwsError::new(
            "RevisionRequiredException",
            "RevisionLocation must be specified",
        ));
    };
    let (kind, member) = match text(revision, "revisionType") {
        Some("AppSpecContent") => (Kind::AppSpecContent, "appSpecContent"),
        Some("String") => (Kind::String, "string"),
        Some(other @ ("S3" | "GitHub")) => {
            return Err(AwsError::new(
                "RevisionDoesNotExistException",
                format!(
                    "revisionType {other}: the simulated AWS has no {other}; pass the AppSpec itself \
                     as revisionType AppSpecContent."
                ),
            ));
        }
        other => return Err(invalid(format!("revisionType {other:?} is not valid."))),
    };
    let inner = revision.get(member).filter(|inner| inner.is_object());
    Ok((
        kind,
        inner.ok_or_else(|| invalid(format!("revision.{member} is missing.")))?,
    ))
}

/// The request's `revision` with its text, which must be a well-formed `AppSpec` for ECS.
pub(super) fn read(input: &Value) -> Result<(Location, appspec::AppSpec), AwsError> {
    let (kind, inner) = inner(input)?;
    let content = text(inner, "content").filter(|content| !content.trim().is_empty());
    let content = content.ok_or_else(|| invalid("The AppSpec content is missing or empty."))?;
    let sha256 = digest(content);
    if let Some(given) = text(inner, "sha256").filter(|given| !given.is_empty())
        && !given.eq_ignore_ascii_case(&sha256)
    {
        return Err(invalid(format!(
            "The content's SHA-256 is {sha256}, not {given}."
        )));
    }
    let spec = appspec::parse(content).map_err(|reason| {
        invalid(format!(
            "The deployment failed because the AppSpec file that specifies the deployment \
             configuration is missing or has an invalid configuration. {reason}"
        ))
    })?;
    Ok((
        Location {
            kind,
            content: content.to_owned(),
            sha256,
        },
        spec,
    ))
}

/// Registers a revision of an application and, if it is deployed, its use.
pub(super) fn record(
    world: &mut World,
    application: &str,
    location: &Location,
    group: Option<&str>,
) {
    let now = world.now;
    let Some(application) = world.codedeploy.applications.get_mut(application) else {
        return;
    };
    let revision = application
        .revisions
        .entry(location.sha256.clone())
        .or_insert_with(|| Revision {
            location: location.clone(),
            description: String::new(),
            registered: now,
            first_used: None,
            last_used: None,
            groups: BTreeSet::new(),
        });
    if let Some(group) = group {
        revision.first_used.get_or_insert(now);
        revision.last_used = Some(now);
        revision.groups.insert(group.to_owned());
    }
}

/// `RegisterApplicationRevision`.
pub(super) fn register(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = application_name(input, "applicationName")?;
    applications::find(world, name)?;
    let (location, _) = read(input)?;
    record(world, name, &location, None);
    let application = applications::find_mut(world, name)?;
    if let Some(revision) = application.revisions.get_mut(&location.sha256) {
        text(input, "description")
            .unwrap_or_default()
            .clone_into(&mut revision.description);
    }
    Ok(json!({}))
}

/// `GetApplicationRevision`: by the text or by its SHA-256.
pub(super) fn get(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = application_name(input, "applicationName")?;
    let application = applications::find(world, name)?;
    let (_, inner) = inner(input)?;
    let sha256 = match (text(inner, "sha256"), text(inner, "content")) {
        (Some(sha256), _) if !sha256.is_empty() => sha256.to_lowercase(),
        (_, Some(content)) => digest(content),
        _ => return Err(invalid("Neither content nor sha256 is given.")),
    };
    let Some(revision) = application.revisions.get(&sha256) else {
        let arn = tags::application_arn(world, name);
        let text = format!("No revision with SHA-256 {sha256} is registered with {arn}.");
        return Err(AwsError::new("RevisionDoesNotExistException", text));
    };
    let mut info = json!({
        "description": revision.description,
        "deploymentGroups": revision.groups,
        "registerTime": timestamp(revision.registered),
    });
    for (member, time) in [
        ("firstUsedTime", revision.first_used),
        ("lastUsedTime", revision.last_used),
    ] {
        if let Some(time) = time {
            info[member] = timestamp(time);
        }
    }
    Ok(json!({
        "applicationName": name,
        "revision": revision.location.read_back(true),
        "revisionInfo": info,
    }))
}

/// `ListApplicationRevisions`, by time of registration.
pub(super) fn list(world: &mut World, input: &Value) -> Result<Value, AwsError> {
    let name = application_name(input, "applicationName")?;
    let deployed = match text(input, "deployed") {
        None | Some("ignore") => None,
        Some("include") => Some(true),
        Some("exclude") => Some(false),
        Some(other) => {
            let text = format!("deployed {other:?} is not one of include, exclude, ignore.");
            return Err(AwsError::new("InvalidDeployedStateFilterException", text));
        }
    };
    let mut found: Vec<&Revision> = applications::find(world, name)?
        .revisions
        .values()
        .collect();
    found.retain(|revision| deployed.is_none_or(|wanted| wanted == revision.first_used.is_some()));
    found.sort_by_key(|revision| revision.registered);
    if text(input, "sortOrder") == Some("descending") {
        found.reverse();
    }
    page(
        input,
        "revisions",
        found.iter().map(|r| r.location.read_back(false)).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_comes_back_by_its_digest_and_only_there() {
        let mut world = World::new("eu-west-1", 0);
        applications::create(
            &mut world,
            &json!({"applicationName": "a", "computePlatform": "ECS"}),
        )
        .unwrap();
        let content = appspec::of_task_set("arn:td:1", "app", 80);
        let given =
            json!({"revisionType": "AppSpecContent", "appSpecContent": {"content": content}});
        register(
            &mut world,
            &json!({"applicationName": "a", "revision": given}),
        )
        .unwrap();
        let listed = list(&mut world, &json!({"applicationName": "a"})).unwrap();
        let location = &listed["revisions"][0];
        assert!(location["appSpecContent"].get("content").is_none());
        let read = get(
            &mut world,
            &json!({"applicationName": "a", "revision": location}),
        )
        .unwrap();
        assert_eq!(read["revision"]["appSpecContent"]["content"], content);
    }

    #[test]
    fn refusals() {
        let content = appspec::of_task_set("arn:td:1", "app", 80);
        for (revision, code) in [
            (json!(null), "InvalidRevisionException"),
            (
                json!({"revisionType": "S3", "s3Location": {}}),
                "RevisionDoesNotExistException",
            ),
            (
                json!({"revisionType": "AppSpecContent", "appSpecContent": {"content": "garbage"}}),
                "InvalidRevisionException",
            ),
            (
                json!({"revisionType": "AppSpecContent",
                    "appSpecContent": {"content": content, "sha256": "00"}}),
                "InvalidRevisionException",
            ),
        ] {
            let refusal = read(&json!({"revision": revision})).unwrap_err();
            assert_eq!(refusal.code, code, "{revision}");
        }
        let absent = read(&json!({})).unwrap_err();
        assert_eq!(absent.code, "RevisionRequiredException");
        assert_eq!(absent.message, "RevisionLocation must be specified");
    }
}
