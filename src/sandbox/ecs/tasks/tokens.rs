//! Client tokens of `RunTask`: a request that is sent again starts nothing more.
//!
//! Invariant: a token lives for a day at most, and no longer than an hour after the last of its tasks has
//! stopped (ECS developer guide, "Ensuring idempotency"), which is as long as those are remembered. A request
//! that started nothing leaves none.

use super::super::refuse::invalid;
use super::super::services::create::same;
use super::super::{AwsError, Time, World, input};
use super::{Task, view};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The longest life of a token.
const DAY: Time = 24 * 3_600_000;

/// What was asked for with a token, and what it started.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// The request, without what names the cluster.
    request: Value,
    /// When it was made.
    at: Time,
    /// The ids of its tasks.
    tasks: Vec<String>,
}

impl Token {
    /// Whether any of its tasks is.
    pub(crate) fn is_remembered(&self, tasks: &BTreeMap<String, Task>) -> bool {
        self.tasks.iter().any(|id| tasks.contains_key(id))
    }
}

/// A request's token; none if it has none.
pub(crate) fn of(request: &Value) -> Result<Option<&str>, AwsError> {
    let token = input::filled(request, "clientToken");
    if token.is_some_and(|it| it.len() > 64 || !it.bytes().all(|b| (33..=126).contains(&b))) {
        return Err(invalid("clientToken can have at most 64 ASCII characters."));
    }
    Ok(token)
}

/// The answer to a request that was made before.
pub(crate) fn answered(
    world: &World,
    cluster: &str,
    token: &str,
    request: &Value,
) -> Result<Option<Value>, AwsError> {
    let known = world.ecs.run_tokens.get(&key(cluster, token));
    let alive = |it: &&Token| world.now < it.at + DAY && it.is_remembered(&world.ecs.tasks);
    let Some(known) = known.filter(alive) else {
        return Ok(None);
    };
    if !same(&known.request, &without_cluster(request)) {
        return Err(AwsError::new(
            "ConflictException",
            "The RunTask request could not be processed due to conflicts. The provided clientToken is already in \
             use with a different RunTask request.",
        ));
    }
    let tasks = known.tasks.iter().filter_map(|id| world.ecs.tasks.get(id));
    let tasks: Vec<Value> = tasks.map(|task| view::view(world, task, true)).collect();
    Ok(Some(json!({"tasks": tasks, "failures": []})))
}

/// Keeps what a request started.
pub(crate) fn keep(
    world: &mut World,
    cluster: &str,
    token: &str,
    request: &Value,
    tasks: Vec<String>,
) {
    if tasks.is_empty() {
        return;
    }
    let kept = Token {
        request: without_cluster(request),
        at: world.now,
        tasks,
    };
    world.ecs.run_tokens.insert(key(cluster, token), kept);
}

fn key(cluster: &str, token: &str) -> (String, String) {
    (cluster.to_owned(), token.to_owned())
}

/// The cluster is part of the token's own scope, however it is named.
fn without_cluster(request: &Value) -> Value {
    let mut request = request.clone();
    if let Some(members) = request.as_object_mut() {
        members.shift_remove("cluster");
    }
    request
}
