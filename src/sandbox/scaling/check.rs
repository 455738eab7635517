//! What every operation asks of its input: namespace, dimension, resource id, and pages.

use super::{AwsError, DIMENSION, Identity, NAMESPACE, input, invalid};
use serde_json::{Value, json};

/// The namespaces of the service model.
const NAMESPACES: [&str; 15] = [
    "ecs",
    "elasticmapreduce",
    "ec2",
    "appstream",
    "dynamodb",
    "rds",
    "sagemaker",
    "custom-resource",
    "comprehend",
    "lambda",
    "cassandra",
    "kafka",
    "elasticache",
    "neptune",
    "workspaces",
];

/// Refuses a namespace that is missing, unknown, or not simulated.
pub(super) fn namespace(request: &Value) -> Result<(), AwsError> {
    let name = demanded(request, "ServiceNamespace")?;
    if !NAMESPACES.contains(&name) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at 'serviceNamespace' failed to satisfy \
             constraint: Member must satisfy enum value set: [{}]",
            NAMESPACES.join(", ")
        )));
    }
    if name != NAMESPACE {
        return Err(invalid(format!(
            "The simulated AWS scales the namespace {NAMESPACE} only, not {name}"
        )));
    }
    Ok(())
}

/// Refuses another dimension than that of ECS services, if one is given.
pub(super) fn dimension(request: &Value) -> Result<(), AwsError> {
    match input::filled(request, "ScalableDimension") {
        None | Some(DIMENSION) => Ok(()),
        Some(_) => Err(unsupported()),
    }
}

/// The target that a request names whole.
pub(super) fn identity(request: &Value) -> Result<Identity, AwsError> {
    namespace(request)?;
    let id = demanded(request, "ResourceId")?;
    demanded(request, "ScalableDimension")?;
    dimension(request)?;
    of(id)
}

/// The parts of `service/CLUSTER/SERVICE`.
pub(super) fn of(id: &str) -> Result<Identity, AwsError> {
    match id.split('/').collect::<Vec<_>>().as_slice() {
        ["service", cluster, service] if !cluster.is_empty() && !service.is_empty() => {
            Ok(Identity {
                id: id.to_owned(),
                cluster: (*cluster).to_owned(),
                service: (*service).to_owned(),
            })
        }
        _ => Err(unsupported()),
    }
}

fn unsupported() -> AwsError {
    invalid("Unsupported service namespace, resource type or scalable dimension")
}

/// A member that must be there.
pub(super) fn demanded<'a>(request: &'a Value, member: &str) -> Result<&'a str, AwsError> {
    input::filled(request, member).ok_or_else(|| {
        let mut name = member.to_owned();
        name[..1].make_ascii_lowercase();
        invalid(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: \
             Member must not be null"
        ))
    })
}

/// A dimension is only taken with a resource id beside it.
pub(super) fn dimension_needs(request: &Value, member: &str) -> Result<(), AwsError> {
    dimension(request)?;
    let alone = input::filled(request, "ScalableDimension").is_some()
        && input::filled(request, member).is_none()
        && input::list(request, member).is_empty();
    if alone {
        return Err(invalid(
            "If you specify a scalable dimension, you must also specify a resource ID",
        ));
    }
    Ok(())
}

/// One page of `all`, of at most `most` items, at the place that `NextToken` names.
pub(super) fn page(
    request: &Value,
    member: &str,
    most: usize,
    all: Vec<Value>,
) -> Result<Value, AwsError> {
    let size = match input::int(request, "MaxResults")? {
        None => most,
        Some(size) => usize::try_from(size)
            .ok()
            .filter(|size| (1..=most).contains(size))
            .ok_or_else(|| invalid(format!("MaxResults must be between 1 and {most}")))?,
    };
    let start = match input::filled(request, "NextToken") {
        None => 0,
        Some(token) => usize::from_str_radix(token, 16)
            .ok()
            .filter(|start| token.len() == 32 && *start < all.len())
            .ok_or_else(|| {
                AwsError::new("InvalidNextTokenException", "The next token is not valid")
            })?,
    };
    let more = all.len() > start + size;
    let items: Vec<Value> = all.into_iter().skip(start).take(size).collect();
    let mut answer = json!({ member: items });
    if more {
        answer["NextToken"] = json!(format!("{:032x}", start + size));
    }
    Ok(answer)
}
