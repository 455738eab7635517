//! References and what they imply: who needs whom, what dangles, what goes in circles, and which
//! manifests are held back because of another's error. Not the parsing of references (`schema`).

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::Findings;
use super::envelope::Draft;
use super::image;
use super::nearest::nearest;
use super::rollout::DEPENDS_ON;
use super::world::{FirstError, Ledger, World};
use crate::model::{Key, Kind};

/// Who needs whom directly.
pub(super) type Needs = BTreeMap<Key, BTreeSet<Key>>;

/// Reports references that name no manifest. `unreadable`: files whose manifests are not all known.
pub(super) fn dangling(
    drafts: &[Draft],
    world: &World<'_>,
    unreadable: &[&str],
    ledger: &mut Ledger,
) {
    for draft in drafts {
        let mut findings = Findings::of(draft.file_of_spec());
        for link in draft
            .links
            .iter()
            .filter(|link| world.get(&link.target).is_none())
        {
            let message = format!("there is no manifest {}", link.target);
            let names: Vec<&str> = world
                .of_kind(link.target.kind)
                .map(|draft| draft.key.name.as_str())
                .collect();
            let namesake = Kind::ALL
                .into_iter()
                .map(|kind| Key::new(kind, link.target.name.clone()))
                .find(|key| world.get(key).is_some());
            let hint = if let Some(name) = nearest(&link.target.name, names.iter().copied()) {
                format!("Did you mean `{name}`?")
            } else if let Some(file) = unreadable.first() {
                format!("It may be in {file}, which cannot be read.")
            } else if let Some(key) = namesake {
                format!(
                    "{key} exists, but `{}` names a {}.",
                    link.row.member, link.target.kind
                )
            } else if names.is_empty() {
                format!("No {} is in the source at all.", link.target.kind)
            } else {
                let some: Vec<String> = names
                    .iter()
                    .take(5)
                    .map(|name| format!("`{name}`"))
                    .collect();
                format!("There are: {}.", some.join(", "))
            };
            findings
                .error("dangling-reference", link.place, link.path.clone(), message)
                .hint(hint);
        }
        ledger.take(&draft.key, findings);
        unknown_order(draft, world, unreadable, ledger);
    }
}

/// Reports services of `rollout.dependsOn` that no manifest declares.
fn unknown_order(draft: &Draft, world: &World<'_>, unreadable: &[&str], ledger: &mut Ledger) {
    let mut findings = Findings::of(&draft.file);
    for (key, place) in &draft.follows {
        if world.get(key).is_some() {
            continue;
        }
        let names = world.of_kind(Kind::Service).map(|one| &*one.key.name);
        let hint = match (nearest(&key.name, names), unreadable.first()) {
            (Some(name), _) => format!("Did you mean `{name}`?"),
            (None, Some(file)) => format!("It may be in {file}, which cannot be read."),
            (None, None) => "It names Service manifests by their `metadata.name`.".to_owned(),
        };
        let path = format!("rollout.{DEPENDS_ON}");
        let message = format!("there is no manifest {key}");
        findings
            .error("dangling-reference", *place, path, message)
            .hint(hint);
    }
    ledger.take(&draft.key, findings);
}

/// What comes before what: what every manifest needs, and the services whose rollouts come first.
pub(super) fn order(needs: &Needs, drafts: &[Draft], world: &World<'_>) -> Needs {
    let mut order = needs.clone();
    for draft in drafts {
        let known = draft.follows.iter().map(|(key, _)| key);
        let known = known.filter(|key| world.get(key).is_some()).cloned();
        order.entry(draft.key.clone()).or_default().extend(known);
    }
    order
}

/// What every manifest needs: what it refers to, and what its names imply.
pub(super) fn needs(world: &World<'_>) -> Needs {
    let mut needs = Needs::new();
    let fronts = fronts(world);
    for draft in Kind::ALL.into_iter().flat_map(|kind| world.of_kind(kind)) {
        let mut of: BTreeSet<Key> = draft
            .links
            .iter()
            .map(|link| &link.target)
            .filter(|target| world.get(target).is_some())
            .cloned()
            .collect();
        match draft.key.kind {
            Kind::Service => {
                let cluster = world.named(Kind::Cluster, world.cluster_of(draft));
                of.extend(cluster.map(|cluster| cluster.key.clone()));
                for target_group in target_groups_in_use(draft, world) {
                    of.extend(fronts.get(target_group).into_iter().flatten().cloned());
                }
            }
            Kind::TaskDefinition => of.extend(repositories(draft, world)),
            Kind::DeploymentGroup => {
                of.extend(
                    world
                        .services_of(draft)
                        .into_iter()
                        .map(|service| service.key.clone()),
                );
            }
            Kind::ScalableTarget => {
                of.extend(world.scaled_service(draft).map(|one| one.key.clone()));
            }
            Kind::ScalingPolicy => {
                of.extend(world.scaled_service(draft).map(|one| one.key.clone()));
                of.extend(world.scalable_target_of(draft).map(|one| one.key.clone()));
            }
            _ => {}
        }
        needs.insert(draft.key.clone(), of);
    }
    needs
}

/// The listeners and rules that name each target group. ECS refuses a service whose target group
/// has no load balancer (aws-facts 3.3), and it is they that give it one.
fn fronts<'a>(world: &World<'a>) -> BTreeMap<&'a Key, BTreeSet<Key>> {
    let mut fronts: BTreeMap<&Key, BTreeSet<Key>> = BTreeMap::new();
    for front in world
        .of_kind(Kind::Listener)
        .chain(world.of_kind(Kind::ListenerRule))
    {
        for target_group in World::target_groups_of(front) {
            fronts
                .entry(target_group)
                .or_default()
                .insert(front.key.clone());
        }
    }
    fronts
}

/// A service's own target groups and the other halves of their pairs.
fn target_groups_in_use<'a>(service: &'a Draft, world: &World<'a>) -> BTreeSet<&'a Key> {
    let mut used: BTreeSet<&Key> = World::target_groups_of(service).collect();
    let own = used.clone().into_iter().chain([&service.key]);
    for group in own.flat_map(|key| world.groups_of(key)) {
        used.extend(world.pair_of(group).iter().map(|half| &half.key));
    }
    used
}

/// The repositories of the set that a task definition's images lie in.
fn repositories(draft: &Draft, world: &World<'_>) -> Vec<Key> {
    let images = draft
        .spec
        .list("containerDefinitions")
        .iter()
        .filter_map(|one| one.text("image"));
    images
        .map(image::split)
        .filter(|name| name.host.is_none_or(image::is_ecr_host))
        .filter_map(|name| world.named(Kind::ImageRepository, name.repository))
        .map(|repository| repository.key.clone())
        .collect()
}

/// Reports manifests that need themselves by way of others.
pub(super) fn circles(needs: &Needs, world: &World<'_>, ledger: &mut Ledger) {
    for circle in find_circles(needs) {
        let names: Vec<String> = circle
            .iter()
            .chain(circle.first())
            .map(ToString::to_string)
            .collect();
        for (at, key) in circle.iter().enumerate() {
            let Some(draft) = world.get(key) else {
                continue;
            };
            let next = circle.get(at + 1).or(circle.first());
            let link = draft.links.iter().find(|link| Some(&link.target) == next);
            let follows = draft.follows.iter().find(|(key, _)| Some(key) == next);
            let in_manifest = follows.map_or_else(
                || (draft.file.as_str(), draft.name_place, "spec".to_owned()),
                |(_, place)| (&*draft.file, *place, format!("rollout.{DEPENDS_ON}")),
            );
            let (file, place, path) = link.map_or(in_manifest, |link| {
                (draft.file_of_spec(), link.place, link.path.clone())
            });
            let mut findings = Findings::of(file);
            let message = format!("the references go in a circle: {}", names.join(" -> "));
            findings
                .error("reference-cycle", place, path, message)
                .hint("Take one of them out.");
            ledger.take(key, findings);
        }
    }
}

/// Every circle once, each beginning with its least key.
fn find_circles(needs: &Needs) -> Vec<Vec<Key>> {
    let mut done: BTreeSet<&Key> = BTreeSet::new();
    let mut circles = Vec::new();
    for start in needs.keys() {
        // Depth first, without recursion: the path from `start`, each with what is left to visit.
        let mut path: Vec<(&Key, Vec<&Key>)> = Vec::new();
        let mut next = Some(start);
        loop {
            if let Some(key) = next.take() {
                if let Some(at) = path.iter().position(|(on_path, _)| *on_path == key) {
                    let mut circle: Vec<Key> =
                        path[at..].iter().map(|(key, _)| (*key).clone()).collect();
                    let least = (0..circle.len()).min_by_key(|at| &circle[*at]).unwrap_or(0);
                    circle.rotate_left(least);
                    circles.push(circle);
                } else if !done.contains(key) {
                    path.push((key, needs.get(key).into_iter().flatten().collect()));
                }
            }
            let Some((key, rest)) = path.last_mut() else {
                break;
            };
            next = rest.pop();
            if next.is_none() {
                done.insert(key);
                path.pop();
            }
        }
    }
    circles.sort();
    circles.dedup();
    circles
}

/// Adds to the errors every manifest that needs one with an error. A service whose deployment group
/// has an error is held back as well: it could not be deployed.
pub(super) fn hold_back(needs: &Needs, world: &World<'_>, ledger: &mut Ledger) {
    let mut waits_for = needs.clone();
    for group in world.of_kind(Kind::DeploymentGroup) {
        for service in world.services_of(group) {
            waits_for
                .entry(service.key.clone())
                .or_default()
                .insert(group.key.clone());
        }
    }
    let mut waiting: BTreeMap<&Key, Vec<&Key>> = BTreeMap::new();
    for (key, of) in &waits_for {
        for needed in of {
            waiting.entry(needed).or_default().push(key);
        }
    }
    let roots: Vec<Key> = ledger.errors.keys().cloned().collect();
    let mut held: BTreeMap<Key, Vec<Key>> = BTreeMap::new();
    for root in roots {
        let mut front = vec![&root];
        while let Some(because) = front.pop() {
            for key in waiting.get(because).into_iter().flatten() {
                if !ledger.errors.contains_key(key) {
                    let message = format!("needs {root}, which has an error");
                    let place = world
                        .get(key)
                        .map(|draft| draft.name_place)
                        .unwrap_or_default();
                    ledger
                        .errors
                        .insert((*key).clone(), FirstError { message, place });
                    held.entry(root.clone()).or_default().push((*key).clone());
                    front.push(key);
                }
            }
        }
    }
    for (root, mut keys) in held {
        let Some(draft) = world.get(&root) else {
            continue;
        };
        keys.sort();
        let names: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let mut findings = Findings::of(&draft.file);
        let message = format!("the error in {root} also holds back {}", names.join(", "));
        // The error of a manifest whose spec is in another file may be in either.
        let error = ledger
            .errors
            .get(&root)
            .filter(|_| draft.spec_file.is_none());
        let place = error.map_or(draft.name_place, |error| error.place);
        findings.warning("held-back", place, "", message);
        ledger.take(&root, findings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::new(Kind::Cluster, name)
    }

    fn graph(edges: &[(&str, &str)]) -> Needs {
        let mut needs = Needs::new();
        for (from, to) in edges {
            needs.entry(key(from)).or_default().insert(key(to));
            needs.entry(key(to)).or_default();
        }
        needs
    }

    #[test]
    fn circles_are_found_once_and_trees_are_none() {
        assert_eq!(
            find_circles(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])),
            Vec::<Vec<Key>>::new()
        );
        let circles = find_circles(&graph(&[
            ("b", "c"),
            ("c", "d"),
            ("d", "b"),
            ("x", "c"),
            ("y", "y"),
        ]));
        assert_eq!(
            circles,
            [vec![key("b"), key("c"), key("d")], vec![key("y")]]
        );
    }
}
