//! Service revisions: what was or is to be deployed, and the digests that ECS resolved.
//!
//! Invariant: a revision never changes; a rollback deploys an old one again.

use super::super::refuse::{invalid, missing};
use super::super::services::Service;
use super::super::tasks::launch::concrete;
use super::super::{AwsError, Time, World, arn, ecr::Lookup, input, stamp};
use super::native;
use serde_json::{Map, Value, json};

/// Items per `DescribeServiceRevisions` and `DescribeServiceDeployments` (ECS API).
pub(crate) const MOST: usize = 20;

/// One revision.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    /// Its ARN.
    pub(crate) arn: String,
    /// What it runs.
    pub(crate) spec: Map<String, Value>,
    /// The containers' images, with digests where they are known.
    pub(crate) images: Value,
    /// `resolvedConfiguration.loadBalancers`.
    pub(crate) resolved: Value,
    /// When it was made.
    pub(crate) created_at: Time,
}

/// Records what the service's document says as a new revision and returns its ARN. `placed` is the
/// specification with the target groups that the revision uses.
pub(crate) fn record(
    world: &mut World,
    service: &mut Service,
    placed: &Map<String, Value>,
) -> String {
    let number = world.next_id().wrapping_mul(0x9e37_79b9_7f4a_7c15) & ((1 << 62) - 1);
    let resource = format!(
        "service-revision/{}/{}/{}",
        service.cluster,
        service.name,
        number + 1_000_000_000_000_000_000
    );
    let arn = arn::of(&world.region, &resource);
    let spec = service.spec();
    let reference = spec
        .get("taskDefinition")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let containers = world
        .ecs
        .definition(reference)
        .map(|it| it.containers().to_vec());
    let images = containers.into_iter().flatten().map(|container| {
        let image = input::text(&container, "image").unwrap_or_default();
        let mut view = json!({"containerName": container["name"], "image": image});
        if let Lookup::Found { digest } = world.ecr.lookup(&world.region, image) {
            view["imageDigest"] = digest.into();
        }
        view
    });
    let images = images.collect();
    let created_at = world.now;
    service.revisions.insert(
        0,
        Revision {
            arn: arn.clone(),
            spec,
            images,
            resolved: native::traffic_of(placed),
            created_at,
        },
    );
    arn
}

/// `DescribeServiceRevisions`.
pub(crate) fn describe(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let wanted = wanted(request, "serviceRevisionArns")?;
    let (mut revisions, mut failures) = (Vec::new(), Vec::new());
    for arn in &wanted {
        let found = world.ecs.services.values().find_map(|service| {
            let revision = service.revisions.iter().find(|it| it.arn == *arn)?;
            Some(view(world, service, revision))
        });
        match found {
            Some(revision) => revisions.push(revision),
            None => failures.push(json!({"arn": arn, "reason": "MISSING"})),
        }
    }
    Ok(json!({"serviceRevisions": revisions, "failures": failures}))
}

/// The ARNs of a request's list, one to twenty.
pub(crate) fn wanted(request: &Value, member: &str) -> Result<Vec<String>, AwsError> {
    let wanted = input::texts(request, member);
    if wanted.is_empty() {
        return Err(missing(member));
    }
    if wanted.len() > MOST {
        return Err(invalid(format!("{member} can have at most {MOST} items.")));
    }
    Ok(wanted)
}

/// A revision as the API shows it.
fn view(world: &World, service: &Service, revision: &Revision) -> Value {
    let mut view = revision.spec.clone();
    if let Some(version) = view.get_mut("platformVersion") {
        *version = concrete(version.as_str()).into();
    }
    for (member, value) in [
        ("serviceRevisionArn", revision.arn.clone().into()),
        ("serviceArn", service.arn.clone().into()),
        (
            "clusterArn",
            arn::of(&world.region, &format!("cluster/{}", service.cluster)).into(),
        ),
        ("containerImages", revision.images.clone()),
        ("guardDutyEnabled", false.into()),
        ("createdAt", stamp(revision.created_at)),
        (
            "resolvedConfiguration",
            json!({"loadBalancers": revision.resolved}),
        ),
    ] {
        view.insert(member.to_owned(), value);
    }
    Value::Object(view)
}
