//! Documents of kind `SandboxSeed`: what is there from the start. Not what the controller makes.
//!
//! ```yaml
//! apiVersion: evenkeel.dev/v1alpha1
//! kind: SandboxSeed
//! metadata: { name: start }
//! spec:
//!   images:                      # fake images in ECR
//!     - repository: nova/auth-service
//!       tags: [1.4.0, latest]
//!       digest: sha256:...       # default: made from repository, tags and build
//!       build: "42"              # any text; another text gives another digest
//!       platforms: [linux/amd64] # an index of these; default: one image that does not say
//!       createRepository: true   # default: held until someone creates the repository
//!       crash: 1                 # how its containers behave, all optional: exit code,
//!       hang: true               # never leaves PENDING,
//!       unhealthy: true          # runs, fails its health checks,
//!       missing: true            # cannot be pulled,
//!       startSeconds: 10         # from PENDING to RUNNING
//!   behaviours:                  # the same knobs for every image that matches; outweigh the above
//!     - image: "*/auth-service:2.*"
//!       crash: 1
//!   commands:                    # what `RunTask` runs in the place of an image's own command: it ends
//!     - { command: "./migrate*", exitCode: 1, seconds: 40 }   # by itself, well after ten seconds by default
//!   parameters:                  # SSM Parameter Store
//!     - { name: /app/a, value: b, type: String }
//!   queues:                      # SQS; `events`: takes the region's pushes of images, changes of
//!     - { name: wake, events: true }                                  # deployments, as of EventBridge
//!   subnets:                     # an id alone closes the kind: only what is listed exists; an object
//!     - { id: subnet-0123abcd, vpc: vpc-0123abcd, zone: a, cidr: 10.0.0.0/24 }  # describes one
//!   vpcs: [vpc-0123abcd]         # likewise the other kinds
//!   securityGroups:              # `ingress`: over TCP; by default all from everywhere
//!     - { id: sg-0123abcd, vpc: vpc-0123abcd, ingress: [{ port: 80, source: 0.0.0.0/0 }] }
//!   roles:                       # by default ECS, its tasks and CodeDeploy may assume one, and it may
//!     - { arn: "arn:aws:iam::123456789012:role/a", trusts: [ecs-tasks.amazonaws.com],  # do all but
//!         denies: [logs:CreateLogGroup] }                                              # `denies`
//!   logGroups: [/ecs/a, { name: /ecs/b, region: eu-west-1 }]
//!   secrets: [prod/db]           # Secrets Manager: names or ARNs
//! ```
//!
//! Roles are global: they are closed in every region at once.
//!
//! Invariant: a document with an unknown, missing or ill-typed member changes nothing; the error
//! names the member's path and what it should be.

use super::behaviour::Behaviour;
use super::commands::Ending;
use super::ecr::{self, NewImage};
use super::seed_around::{self, Elsewhere};
use super::{World, sqs, ssm};
use serde_json::{Map, Value, json};

/// The members of one object and where it stands in the document.
pub(super) struct Object<'a> {
    path: String,
    members: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
    /// Refuses anything but an object with no other members than `known`.
    pub(super) fn read(value: &'a Value, path: &str, known: &[&str]) -> Result<Self, String> {
        let members = value
            .as_object()
            .ok_or_else(|| wrong(path, "an object", value))?;
        if let Some(member) = members
            .keys()
            .find(|member| !known.contains(&member.as_str()))
        {
            return Err(format!(
                "{path}.{member}: unknown member; known are {}",
                known.join(", ")
            ));
        }
        Ok(Self {
            path: path.to_owned(),
            members,
        })
    }

    pub(super) fn get<T>(
        &self,
        member: &str,
        what: &str,
        convert: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let Some(value) = self.members.get(member).filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let path = format!("{}.{member}", self.path);
        convert(value)
            .map(Some)
            .ok_or_else(|| wrong(&path, what, value))
    }

    pub(super) fn text(&self, member: &str) -> Result<Option<&'a str>, String> {
        self.get(member, "a string", Value::as_str)
    }

    pub(super) fn required(&self, member: &str) -> Result<&'a str, String> {
        self.text(member)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| format!("{}.{member}: missing; give a string", self.path))
    }

    fn flag(&self, member: &str) -> Result<bool, String> {
        Ok(self
            .get(member, "true or false", Value::as_bool)?
            .unwrap_or(false))
    }

    pub(super) fn texts(&self, member: &str) -> Result<Option<Vec<String>>, String> {
        self.get(member, "a list of strings", |value| {
            value
                .as_array()?
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect()
        })
    }

    /// The items of a list member, each with its path.
    pub(super) fn items(&self, member: &str) -> Result<Vec<(String, &'a Value)>, String> {
        let items = self.get(member, "a list", Value::as_array)?;
        Ok(items
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(at, item)| (format!("{}.{member}[{at}]", self.path), item))
            .collect())
    }

    /// Whether the member is there and not `null`.
    pub(super) fn has(&self, member: &str) -> bool {
        self.members
            .get(member)
            .is_some_and(|value| !value.is_null())
    }

    fn seconds(&self, member: &str) -> Result<Option<u32>, String> {
        self.get(member, "a number of seconds", |value| {
            value
                .as_u64()
                .and_then(|seconds| u32::try_from(seconds).ok())
        })
    }

    /// The behaviour that stands among the members; `None` when nothing of it does.
    fn behaviour(&self) -> Result<Option<Behaviour>, String> {
        if !KNOBS.iter().any(|knob| self.members.contains_key(*knob)) {
            return Ok(None);
        }
        let seconds = self.seconds("startSeconds")?;
        Ok(Some(Behaviour {
            crash: self.get("crash", "an exit code", Value::as_i64)?,
            hang: self.flag("hang")?,
            unhealthy: self.flag("unhealthy")?,
            missing: self.flag("missing")?,
            start_seconds: seconds.unwrap_or(Behaviour::default().start_seconds),
        }))
    }
}

const KNOBS: [&str; 5] = ["crash", "hang", "unhealthy", "missing", "startSeconds"];

fn wrong(path: &str, what: &str, value: &Value) -> String {
    format!("{path}: expected {what}, found {value}")
}

/// Reads one image; `also` are further members that the caller reads itself.
pub(super) fn image(value: &Value, path: &str, also: &[&str]) -> Result<NewImage, String> {
    let mut known = vec![
        "repository",
        "tags",
        "digest",
        "build",
        "platforms",
        "createRepository",
    ];
    known.extend(KNOBS.iter().chain(also));
    let object = Object::read(value, path, &known)?;
    let image = NewImage {
        repository: object.required("repository")?.to_owned(),
        tags: object.texts("tags")?.unwrap_or_default(),
        digest: object.text("digest")?.map(str::to_owned),
        build: object.text("build")?.map(str::to_owned),
        platforms: object.texts("platforms")?.unwrap_or_default(),
        create_repository: object.flag("createRepository")?,
        behaviour: object.behaviour()?,
    };
    image
        .check()
        .map_err(|error| format!("{path}: {}", error.message))?;
    Ok(image)
}

/// Reads one pattern and the behaviour of the images that match it.
pub(super) fn behaviour(
    value: &Value,
    path: &str,
    also: &[&str],
) -> Result<(String, Behaviour), String> {
    let mut known = vec!["image"];
    known.extend(KNOBS.iter().chain(also));
    let object = Object::read(value, path, &known)?;
    Ok((
        object.required("image")?.to_owned(),
        object.behaviour()?.unwrap_or_default(),
    ))
}

/// Reads one pattern of commands and how those that match it end; `also` are further members that the caller
/// reads itself.
pub(super) fn command(
    value: &Value,
    path: &str,
    also: &[&str],
) -> Result<(String, Ending), String> {
    let mut known = vec!["command", "exitCode", "seconds"];
    known.extend(also);
    let object = Object::read(value, path, &known)?;
    let usual = Ending::default();
    let code = object.get("exitCode", "an exit code", Value::as_i64)?;
    let ending = Ending {
        exit_code: code.unwrap_or(usual.exit_code),
        seconds: object.seconds("seconds")?.unwrap_or(usual.seconds),
    };
    Ok((object.required("command")?.to_owned(), ending))
}

/// Reads one parameter, as the input of `PutParameter`.
fn parameter(value: &Value, path: &str) -> Result<Value, String> {
    let object = Object::read(value, path, &["name", "value", "type"])?;
    Ok(json!({
        "Name": object.required("name")?,
        "Value": object.required("value")?,
        "Type": object.text("type")?.unwrap_or("String"),
        "Overwrite": true
    }))
}

/// Reads one queue: its name, and whether the region's events go into it; `also` are further members
/// that the caller reads itself.
pub(super) fn queue(value: &Value, path: &str, also: &[&str]) -> Result<(String, bool), String> {
    let known: Vec<&str> = ["name", "events"].iter().chain(also).copied().collect();
    let object = Object::read(value, path, &known)?;
    let name = object.required("name")?;
    sqs::check(name).map_err(|error| format!("{path}.name: {}", error.message))?;
    Ok((name.to_owned(), object.flag("events")?))
}

/// Puts what the document describes into a region; gives what it describes of the others.
pub(super) fn apply(world: &mut World, document: &Value) -> Result<Elsewhere, String> {
    let members = ["apiVersion", "kind", "metadata", "spec"];
    let top = Object::read(document, "SandboxSeed", &members)?;
    for (member, wanted) in [
        ("apiVersion", "evenkeel.dev/v1alpha1"),
        ("kind", "SandboxSeed"),
    ] {
        let found = top.required(member)?;
        if found != wanted {
            return Err(format!(
                "SandboxSeed.{member}: expected {wanted:?}, found {found:?}"
            ));
        }
    }
    let empty = json!({});
    let known: Vec<&str> = ["images", "behaviours", "commands", "parameters", "queues"]
        .into_iter()
        .chain(seed_around::MEMBERS)
        .collect();
    let spec = Object::read(document.get("spec").unwrap_or(&empty), "spec", &known)?;
    let images: Vec<_> = spec
        .items("images")?
        .into_iter()
        .map(|(path, item)| Ok((image(item, &path, &[])?, path)))
        .collect::<Result<_, String>>()?;
    let behaviours: Vec<_> = spec
        .items("behaviours")?
        .into_iter()
        .map(|(path, item)| behaviour(item, &path, &[]))
        .collect::<Result<_, _>>()?;
    let commands: Vec<_> = spec
        .items("commands")?
        .into_iter()
        .map(|(path, item)| command(item, &path, &[]))
        .collect::<Result<_, _>>()?;
    let parameters: Vec<_> = spec
        .items("parameters")?
        .into_iter()
        .map(|(path, item)| Ok((parameter(item, &path)?, path)))
        .collect::<Result<_, String>>()?;
    let queues: Vec<_> = spec
        .items("queues")?
        .into_iter()
        .map(|(path, item)| queue(item, &path, &[]))
        .collect::<Result<_, _>>()?;
    let (around, elsewhere) = seed_around::read(&spec, &world.region)?;
    world.surroundings.extend(around);
    for (pattern, behaviour) in behaviours {
        world.behaviours.set(&pattern, behaviour);
    }
    for (pattern, ending) in commands {
        world.commands.set(&pattern, ending);
    }
    for (image, path) in images {
        ecr::push(world, image).map_err(|error| format!("{path}: {}", error.message))?;
    }
    for (input, path) in parameters {
        ssm::put(world, &input).map_err(|error| format!("{path}: {}", error.message))?;
    }
    // Last: of what the seed itself brings, nothing is told.
    let now = world.now;
    for (name, events) in queues {
        world.sqs.set(&name, events, now);
    }
    Ok(elsewhere)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ecr::Lookup;

    fn seed(spec: &Value) -> (World, Result<(), String>) {
        let mut world = World::new("us-east-1", 0);
        let document = json!({
            "apiVersion": "evenkeel.dev/v1alpha1",
            "kind": "SandboxSeed",
            "metadata": { "name": "x" },
            "spec": spec
        });
        let mut sandbox = crate::sandbox::Sandbox::new(0);
        std::mem::swap(sandbox.region("us-east-1"), &mut world);
        let result = sandbox.seed("us-east-1", &document);
        std::mem::swap(sandbox.region("us-east-1"), &mut world);
        (world, result)
    }

    const HOST: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

    #[test]
    fn images_wait_for_their_repository() {
        let (mut world, result) = seed(&json!({
            "images": [
                { "repository": "nova/a", "tags": ["1", "latest"], "crash": 3 },
                { "repository": "nova/a", "tags": ["2"] },
                { "repository": "nova/b", "tags": ["1"], "createRepository": true }
            ],
            "parameters": [{ "name": "/a", "value": "b" }]
        }));
        assert_eq!(result, Ok(()));
        let a = format!("{HOST}/nova/a:1");
        assert_eq!(world.ecr.lookup("us-east-1", &a), Lookup::Missing);
        let b = world.ecr.lookup("us-east-1", &format!("{HOST}/nova/b:1"));
        assert!(matches!(b, Lookup::Found { .. }));
        let create = ecr::operation("CreateRepository").unwrap().0;
        create(&mut world, &json!({ "repositoryName": "nova/a" })).unwrap();
        let first = world.ecr.lookup("us-east-1", &a);
        assert!(matches!(first, Lookup::Found { .. }));
        assert_eq!(
            first,
            world.ecr.lookup("us-east-1", &format!("{HOST}/nova/a"))
        );
        assert_ne!(
            first,
            world.ecr.lookup("us-east-1", &format!("{HOST}/nova/a:2"))
        );
        assert_eq!(world.behaviours.of(&a).crash, Some(3));
        assert_eq!(world.behaviours.of(&format!("{HOST}/nova/a:2")).crash, None);
    }

    #[test]
    fn errors_name_the_member_and_change_nothing() {
        let good = json!({ "repository": "ok", "createRepository": true, "tags": ["1"] });
        let cases = [
            (
                json!({ "images": [good, { "repository": "a", "tag": "1" }] }),
                "spec.images[1].tag: unknown",
            ),
            (
                json!({ "images": [good, { "tags": [] }] }),
                "spec.images[1].repository: missing",
            ),
            (
                json!({ "images": [good, { "repository": "AB" }] }),
                "spec.images[1]: Invalid parameter",
            ),
            (
                json!({ "images": [good, { "repository": "ab", "digest": "x" }] }),
                "spec.images[1]: Invalid",
            ),
            (
                json!({ "images": [good, { "repository": "ab", "crash": "1" }] }),
                "spec.images[1].crash: expected an exit code, found \"1\"",
            ),
            (json!({ "images": {} }), "spec.images: expected a list"),
            (
                json!({ "behaviours": [{ "hang": true }] }),
                "spec.behaviours[0].image: missing",
            ),
            (
                json!({ "parameters": [{ "name": "a" }] }),
                "spec.parameters[0].value: missing",
            ),
            (
                json!({ "subnets": [1] }),
                "spec.subnets[0]: expected an object",
            ),
            (
                json!({ "securityGroups": [{ "id": "a", "ingress": [{ "source": "b" }] }] }),
                "spec.securityGroups[0].ingress[0].port: missing",
            ),
            (
                json!({ "roles": [{ "arn": "a", "trust": [] }] }),
                "spec.roles[0].trust: unknown member",
            ),
            (
                json!({ "logGroups": [{ "region": "x" }] }),
                "spec.logGroups[0].name: missing",
            ),
            (
                json!({ "images": [good], "queues": [{ "name": "a.b" }] }),
                "spec.queues[0].name: Can only include alphanumeric",
            ),
            (
                json!({ "queues": [{ "name": "a", "events": 1 }] }),
                "spec.queues[0].events: expected true or false",
            ),
            (
                json!({ "images": [good], "commands": [{ "command": "a", "exitCode": "1" }] }),
                "spec.commands[0].exitCode: expected an exit code",
            ),
            (
                json!({ "commands": [{ "seconds": 1 }] }),
                "spec.commands[0].command: missing",
            ),
            (json!({ "nope": 1 }), "spec.nope: unknown member"),
        ];
        for (spec, expected) in cases {
            let (world, result) = seed(&spec);
            let error = result.unwrap_err();
            assert!(
                error.starts_with(expected),
                "{error:?} should start with {expected:?}"
            );
            let image = format!("{HOST}/ok:1");
            assert_eq!(
                world.ecr.lookup("us-east-1", &image),
                Lookup::Missing,
                "{expected}"
            );
        }
    }

    #[test]
    fn a_list_of_surroundings_closes_the_world() {
        let (world, result) = seed(&json!({ "subnets": ["subnet-1"], "roles": [] }));
        assert_eq!(result, Ok(()));
        assert!(world.surroundings.has_subnet("subnet-1"));
        assert!(!world.surroundings.has_subnet("subnet-0123abcd"));
        assert!(
            !world
                .surroundings
                .has_role("arn:aws:iam::123456789012:role/a")
        );
        assert!(world.surroundings.has_vpc("vpc-0123abcd"));
    }
}
