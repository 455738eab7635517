//! Making a task of a task definition. Not whether and where one is wanted.

use super::super::clusters::capacity_providers::FARGATE;
use super::super::{Time, World, arn, ecr::Lookup, input, order};
use super::{Container, Phase, Task};
use serde_json::{Map, Value, json};

/// Who starts a task, and with what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Launch<'a> {
    /// The name of the cluster.
    pub(crate) cluster: &'a str,
    /// The id of the task set; empty for `RunTask`.
    pub(crate) set: &'a str,
    /// `startedBy`.
    pub(crate) started_by: Option<&'a str>,
    /// `group`.
    pub(crate) group: &'a str,
    /// The members of a service's specification.
    pub(crate) spec: &'a Map<String, Value>,
    /// The capacity provider that was chosen, if a strategy was given.
    pub(crate) provider: Option<&'a str>,
    /// `overrides`.
    pub(crate) overrides: Option<&'a Value>,
    /// `enableExecuteCommand`.
    pub(crate) execute_command: bool,
}

/// Whether tasks of this specification run on Fargate; on anything else they need a container
/// instance, and there are none.
pub(crate) fn on_fargate(spec: &Map<String, Value>, provider: Option<&str>) -> bool {
    match provider {
        Some(provider) => FARGATE.contains(&arn::last(provider)),
        None => spec.get("launchType").is_some_and(|it| it == "FARGATE"),
    }
}

/// The provider of the next task: bases first, then by weight. `running` tells how many tasks a
/// provider has.
pub(crate) fn provider(strategy: &[Value], running: impl Fn(&str) -> i64) -> Option<String> {
    let item = |item: &Value| {
        let name = input::text(item, "capacityProvider")
            .unwrap_or_default()
            .to_owned();
        let number = |member| item.get(member).and_then(Value::as_i64).unwrap_or(0);
        let tasks = running(&name);
        (name, number("base"), number("weight"), tasks)
    };
    let items: Vec<_> = strategy.iter().map(item).collect();
    if let Some((name, ..)) = items.iter().find(|(_, base, _, tasks)| tasks < base) {
        return Some(name.clone());
    }
    // The fewest tasks beyond the base for its weight; fractions compared by cross-multiplication.
    let weighted = items.iter().filter(|(_, _, weight, _)| *weight > 0);
    let least = weighted.min_by(
        |(_, base, weight, tasks), (_, other_base, other_weight, other)| {
            ((tasks - base) * other_weight).cmp(&((other - other_base) * weight))
        },
    );
    least.map(|(name, ..)| name.clone())
}

/// A new task, `PROVISIONING`. None if the task definition is gone.
pub(crate) fn launch(world: &mut World, launch: &Launch<'_>) -> Option<Task> {
    let reference = launch.spec.get("taskDefinition").and_then(Value::as_str)?;
    let definition = world.ecs.definition(reference)?.clone();
    let id = world.next_hex();
    world.ecs.addresses += 1;
    let interface = world.ecs.addresses;
    let network = launch
        .spec
        .get("networkConfiguration")
        .and_then(|it| it.get("awsvpcConfiguration"));
    let subnets = network.map_or(&[][..], |it| input::list(it, "subnets"));
    let nth = usize::try_from(interface).unwrap_or(0) % subnets.len().max(1);
    let subnet = subnets
        .get(nth)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let zone = ["a", "b", "c"][usize::try_from(order::hash(&subnet) % 3).unwrap_or(0)];
    let targets = launch
        .spec
        .get("loadBalancers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let targets = targets.filter_map(|it| {
        let port = it.get("containerPort").and_then(Value::as_u64)?;
        Some((
            input::text(it, "targetGroupArn")?.to_owned(),
            u16::try_from(port).ok()?,
        ))
    });
    let containers = definition
        .containers()
        .iter()
        .map(|it| container(world, it, launch.overrides))
        .collect();
    let mut doc = Map::new();
    for member in ["cpu", "memory", "ephemeralStorage"] {
        if let Some(value) = definition.doc.get(member) {
            doc.insert(member.to_owned(), value.clone());
        }
    }
    if on_fargate(launch.spec, launch.provider) {
        doc.entry("ephemeralStorage")
            .or_insert_with(|| json!({"sizeInGiB": 20}));
        doc.insert("launchType".to_owned(), "FARGATE".into());
        doc.insert("platformFamily".to_owned(), "Linux".into());
        let version = launch.spec.get("platformVersion").and_then(Value::as_str);
        doc.insert("platformVersion".to_owned(), concrete(version).into());
    }
    if let Some(provider) = launch.provider {
        doc.insert("capacityProviderName".to_owned(), provider.into());
    }
    let none = json!({"containerOverrides": [], "inferenceAcceleratorOverrides": []});
    doc.insert(
        "overrides".to_owned(),
        launch.overrides.cloned().unwrap_or(none),
    );
    doc.insert(
        "enableExecuteCommand".to_owned(),
        launch.execute_command.into(),
    );
    Some(Task {
        arn: arn::of(&world.region, &format!("task/{}/{id}", launch.cluster)),
        id,
        cluster: launch.cluster.to_owned(),
        set: launch.set.to_owned(),
        started_by: launch.started_by.map(str::to_owned),
        group: launch.group.to_owned(),
        definition: definition.arn().to_owned(),
        doc,
        phase: Phase::Provisioning,
        containers,
        interface,
        zone: format!("{}{zone}", world.region),
        subnet,
        targets: targets.collect(),
        registered: false,
        ready: false,
        created_at: world.now,
        pending_at: None,
        started_at: None,
        stopping_at: None,
        stopped_at: None,
        stop: None,
    })
}

/// `LATEST` and nothing stand for the platform version of today.
pub(crate) fn concrete(version: Option<&str>) -> &str {
    version
        .filter(|it| !it.is_empty() && *it != "LATEST")
        .unwrap_or("1.4.0")
}

/// A container of the task definition as it starts: its image resolved, its behaviour looked up.
fn container(world: &World, definition: &Value, overrides: Option<&Value>) -> Container {
    let image = input::text(definition, "image")
        .unwrap_or_default()
        .to_owned();
    let mut behaviour = world.behaviours.of(&image);
    let digest = match world.ecr.lookup(&world.region, &image) {
        Lookup::Found { digest } => Some(digest),
        Lookup::External => None,
        Lookup::Missing => {
            behaviour.missing = true;
            None
        }
    };
    let health = definition.get("healthCheck").map(|check| {
        let seconds = |member: &str, default: Time| {
            check.get(member).and_then(Value::as_i64).unwrap_or(default) * 1000
        };
        let interval = seconds("interval", 30);
        let retries = check.get("retries").and_then(Value::as_i64).unwrap_or(3);
        (interval, seconds("startPeriod", 0) + interval * retries)
    });
    let name = input::text(definition, "name").unwrap_or_default();
    let own = overrides.map_or(&[][..], |it| input::list(it, "containerOverrides"));
    let own = own.iter().find(|it| input::text(it, "name") == Some(name));
    let words = own.map_or_else(Vec::new, |it| input::texts(it, "command"));
    Container {
        name: name.to_owned(),
        image,
        digest,
        behaviour,
        command: (!words.is_empty()).then(|| world.commands.of(&words)),
        essential: input::flag(definition, "essential").unwrap_or(true),
        health,
        exit_code: None,
        reason: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn strategies_fill_bases_and_then_keep_the_weights() {
        let strategy = [
            json!({"capacityProvider": "FARGATE", "base": 2, "weight": 1}),
            json!({"capacityProvider": "FARGATE_SPOT", "base": 0, "weight": 3}),
        ];
        let mut tasks: BTreeMap<String, i64> = BTreeMap::new();
        for _ in 0..10 {
            let chosen = provider(&strategy, |name| tasks.get(name).copied().unwrap_or(0)).unwrap();
            *tasks.entry(chosen).or_default() += 1;
        }
        assert_eq!(
            tasks,
            BTreeMap::from([("FARGATE".to_owned(), 4), ("FARGATE_SPOT".to_owned(), 6)])
        );
        assert_eq!(provider(&[], |_| 0), None);
    }
}
