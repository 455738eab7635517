//! Resource Groups Tagging API of the simulated AWS: which resources carry which tags, of the services that
//! are simulated with tags. It only reads: tags are written by each service's own operations.
//!
//! As AWS's, it knows what was deleted a while ago and is remembered still, such as an `INACTIVE` service.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{AwsError, World, input};

/// What one operation does.
pub type Operation = fn(&mut World, &Value) -> Result<Value, AwsError>;

/// The operation of this name, and whether it changes anything.
pub fn operation(name: &str) -> Option<(Operation, bool)> {
    match name {
        "GetResources" => Some((get_resources, false)),
        _ => None,
    }
}

/// Resources to a page where none is asked for, and at most (API reference, `ResourcesPerPage`).
const MOST: usize = 100;

/// `GetResources`: all filters must hold, of a filter's values one; in the order of the ARNs.
fn get_resources(world: &mut World, request: &Value) -> Result<Value, AwsError> {
    let filters = filters(request)?;
    let types = input::texts(request, "ResourceTypeFilters");
    let size = match input::int(request, "ResourcesPerPage")? {
        None => MOST,
        Some(size) => usize::try_from(size)
            .ok()
            .filter(|size| (1..=MOST).contains(size))
            .ok_or_else(|| invalid(format!("ResourcesPerPage must be between 1 and {MOST}")))?,
    };
    // An empty token is none (API reference).
    let after = input::filled(request, "PaginationToken").unwrap_or_default();
    let found = all(world);
    let fits = |(arn, tags): &(&String, &BTreeMap<String, String>)| {
        arn.as_str() > after
            && !tags.is_empty()
            && (types.is_empty() || types.iter().any(|one| is_of(arn, one)))
            && filters.iter().all(|(key, values)| {
                let value = tags.get(*key);
                value.is_some_and(|value| values.is_empty() || values.contains(value))
            })
    };
    let mut rest = found.iter().filter(fits).peekable();
    let mut list = Vec::new();
    let mut last = String::new();
    while let Some((arn, tags)) = rest.next_if(|_| list.len() < size) {
        let tags: Vec<Value> = tags
            .iter()
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        list.push(json!({"ResourceARN": arn, "Tags": tags}));
        last.clone_from(arn);
    }
    let token = if rest.peek().is_some() {
        last
    } else {
        String::new()
    };
    Ok(json!({"PaginationToken": token, "ResourceTagMappingList": list}))
}

/// The `TagFilters` of a request: key and values.
fn filters(request: &Value) -> Result<Vec<(&str, BTreeSet<String>)>, AwsError> {
    let filters = input::list(request, "TagFilters");
    if filters.len() > 50 {
        return Err(invalid("TagFilters can have at most 50 items"));
    }
    let read = |filter| {
        let key =
            input::filled(filter, "Key").ok_or_else(|| invalid("A tag filter needs a Key"))?;
        let values = input::texts(filter, "Values");
        if values.len() > 20 {
            return Err(invalid("A tag filter can have at most 20 values"));
        }
        Ok((key, values.into_iter().collect()))
    };
    filters.iter().map(read).collect()
}

/// ARN and tags of everything in the region that has any.
fn all(world: &World) -> BTreeMap<String, BTreeMap<String, String>> {
    let of_ecr = world.ecr.tagged(&world.region);
    let all = world.ecs.tagged().chain(world.elb.tagged()).chain(of_ecr);
    let all = all.chain(world.codedeploy.tagged());
    let all = all.chain(world.scaling.tagged());
    all.map(|(arn, tags)| (arn, tags.clone())).collect()
}

/// Whether an ARN is of a type: `SERVICE` or `SERVICE:RESOURCE`.
fn is_of(arn: &str, kind: &str) -> bool {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, resource) = (parts.next(), parts.nth(2).unwrap_or_default());
    let (wanted, kind) = kind.split_once(':').unwrap_or((kind, ""));
    let rest = resource.strip_prefix(kind);
    service == Some(wanted)
        && (kind.is_empty() || rest.is_some_and(|rest| rest.starts_with(['/', ':'])))
}

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("InvalidParameterException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        let mut world = World::new("us-east-1", 0);
        let mut call = |service: &str, operation: &str, input: Value| {
            let found = super::super::operation(service, operation).unwrap();
            (found.operation)(&mut world, &input).unwrap();
        };
        let tags = |owner: &str| json!([{"key": "owner", "value": owner}]);
        for (name, owner) in [("a", "x"), ("b", "y"), ("c", "x")] {
            let cluster = json!({"clusterName": name, "tags": tags(owner)});
            call("ecs", "CreateCluster", cluster);
        }
        call("ecs", "CreateCluster", json!({"clusterName": "bare"}));
        let repository =
            json!({"repositoryName": "repo", "tags": [{"Key": "owner", "Value": "x"}]});
        call("ecr", "CreateRepository", repository);
        let application = json!({"applicationName": "app", "computePlatform": "ECS",
            "tags": [{"Key": "owner", "Value": "x"}]});
        call("codedeploy", "CreateApplication", application);
        world
    }

    fn arns(world: &mut World, request: &Value) -> Vec<String> {
        let answer = get_resources(world, request).unwrap();
        let list = answer["ResourceTagMappingList"].as_array().unwrap();
        let name = |one: &Value| {
            let arn = one["ResourceARN"].as_str().unwrap();
            arn.rsplit(['/', ':']).next().unwrap().to_owned()
        };
        list.iter().map(name).collect()
    }

    #[test]
    fn resources_are_found_by_tag_and_type() {
        let mut world = world();
        let mine = json!([{"Key": "owner", "Values": ["x"]}]);
        for (request, expected) in [
            (json!({"TagFilters": mine}), &["app", "repo", "a", "c"][..]),
            (
                json!({"TagFilters": mine, "ResourceTypeFilters": ["ecs:cluster"]}),
                &["a", "c"],
            ),
            (
                json!({"TagFilters": mine, "ResourceTypeFilters": ["ecs:service"]}),
                &[],
            ),
            (
                json!({"TagFilters": mine, "ResourceTypeFilters": ["ecr", "codedeploy"]}),
                &["app", "repo"],
            ),
            (
                json!({"TagFilters": [{"Key": "owner", "Values": ["x", "y"]}], "ResourceTypeFilters": ["ecs"]}),
                &["a", "b", "c"],
            ),
            (
                json!({"TagFilters": [{"Key": "owner"}], "ResourceTypeFilters": ["ecs"]}),
                &["a", "b", "c"],
            ),
            (json!({"TagFilters": [{"Key": "other"}]}), &[]),
        ] {
            assert_eq!(arns(&mut world, &request), expected, "{request}");
        }
    }

    #[test]
    fn pages_follow_each_other_and_end_with_an_empty_token() {
        let mut world = world();
        let mut request = json!({"TagFilters": [{"Key": "owner"}], "ResourcesPerPage": 2});
        let mut seen = Vec::new();
        loop {
            seen.extend(arns(&mut world, &request));
            let token = get_resources(&mut world, &request).unwrap()["PaginationToken"].clone();
            if token == "" {
                break;
            }
            request["PaginationToken"] = token;
        }
        assert_eq!(seen, ["app", "repo", "a", "b", "c"]);
    }

    #[test]
    fn what_breaks_the_rules_is_refused() {
        for wrong in [
            json!({"ResourcesPerPage": 101}),
            json!({"ResourcesPerPage": 0}),
            json!({"TagFilters": [{"Values": ["x"]}]}),
        ] {
            let refused = get_resources(&mut world(), &wrong).unwrap_err();
            assert_eq!(refused.code, "InvalidParameterException", "{wrong}");
        }
    }
}
