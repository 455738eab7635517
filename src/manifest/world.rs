//! The drafts of all files side by side, for checks that look at more than one. Not the desired set:
//! drafts with errors are here too.

use std::collections::BTreeMap;

use super::diagnostic::{Diagnostic, Findings};
use super::envelope::Draft;
use super::hook_tasks::HookTask;
use super::set::{DEFAULT_CLUSTER, cluster_name};
use super::tree::{Node, Place};
use crate::model::{Key, Kind};

/// All drafts; where two claim one key, the first. What is asked for often is indexed, so that a
/// source of thousands of services is checked in time proportional to its size.
#[derive(Debug, Default)]
pub(super) struct World<'a> {
    drafts: BTreeMap<&'a Key, &'a Draft>,
    by_name: BTreeMap<(Kind, &'a str), &'a Draft>,
    /// Services by the names of cluster and service.
    services: BTreeMap<(&'a str, &'a str), Vec<&'a Draft>>,
    /// Scalable targets by the names of cluster and service.
    targets: BTreeMap<(&'a str, &'a str), Vec<&'a Draft>>,
    /// Deployment groups by the services and by the target groups that they name.
    groups: BTreeMap<&'a Key, Vec<&'a Draft>>,
    /// Services with one-off tasks by the task definitions that they name.
    with_tasks: BTreeMap<&'a Key, Vec<&'a Draft>>,
    /// Listeners and rules by the target groups that they forward to.
    fronts: BTreeMap<&'a Key, Vec<&'a Draft>>,
}

impl<'a> World<'a> {
    pub(super) fn new(drafts: &'a [Draft]) -> Self {
        let mut world = Self::default();
        for draft in drafts {
            world.drafts.entry(&draft.key).or_insert(draft);
            world
                .by_name
                .entry((draft.key.kind, draft.aws_name()))
                .or_insert(draft);
        }
        let services: Vec<_> = world.of_kind(Kind::Service).collect();
        for service in services {
            let names = (world.cluster_of(service), service.aws_name());
            world.services.entry(names).or_default().push(service);
            let tasks = HookTask::all(&service.beside).next();
            if let Some(named) = service
                .linked("/taskDefinitionRef")
                .filter(|_| tasks.is_some())
            {
                world.with_tasks.entry(named).or_default().push(service);
            }
        }
        let targets: Vec<_> = world.of_kind(Kind::ScalableTarget).collect();
        for target in targets {
            if let Some(names) = world.scaled_names(target) {
                world.targets.entry(names).or_default().push(target);
            }
        }
        let groups: Vec<_> = world.of_kind(Kind::DeploymentGroup).collect();
        for group in groups {
            for named in world
                .services_of(group)
                .into_iter()
                .chain(world.pair_of(group))
            {
                world.groups.entry(&named.key).or_default().push(group);
            }
        }
        let fronts: Vec<_> = [Kind::Listener, Kind::ListenerRule]
            .into_iter()
            .flat_map(|kind| world.of_kind(kind).collect::<Vec<_>>())
            .collect();
        for front in fronts {
            for target_group in Self::target_groups_of(front) {
                world.fronts.entry(target_group).or_default().push(front);
            }
        }
        world
    }

    /// The listeners and rules that forward to this target group.
    pub(super) fn fronts_of(&self, target_group: &Key) -> &[&'a Draft] {
        self.fronts.get(target_group).map_or(&[], Vec::as_slice)
    }

    /// The services with one-off tasks that name this task definition.
    pub(super) fn with_tasks(&self, task_definition: &Key) -> &[&'a Draft] {
        self.with_tasks
            .get(task_definition)
            .map_or(&[], Vec::as_slice)
    }

    pub(super) fn get(&self, key: &Key) -> Option<&'a Draft> {
        self.drafts.get(key).copied()
    }

    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &'a Draft> {
        self.drafts
            .values()
            .copied()
            .filter(move |draft| draft.key.kind == kind)
    }

    /// The manifest of this kind with this name at AWS.
    pub(super) fn named(&self, kind: Kind, aws_name: &'a str) -> Option<&'a Draft> {
        self.by_name.get(&(kind, aws_name)).copied()
    }

    /// The deployment groups that name this service, or this target group in their pair.
    pub(super) fn groups_of(&self, key: &Key) -> &[&'a Draft] {
        self.groups.get(key).map_or(&[], Vec::as_slice)
    }

    /// The manifest that the reference at this JSON pointer names.
    pub(super) fn linked(&self, draft: &Draft, pointer: &str) -> Option<&'a Draft> {
        self.get(draft.linked(pointer)?)
    }

    /// A service's cluster at AWS.
    pub(super) fn cluster_of(&self, service: &'a Draft) -> &'a str {
        let linked = self.linked(service, "/clusterRef").map(Draft::aws_name);
        linked
            .or_else(|| service.spec.text("cluster").map(cluster_name))
            .unwrap_or(DEFAULT_CLUSTER)
    }

    /// The cluster's and the service's names at AWS that an `ecsServices` element stands for.
    pub(super) fn service_names(
        &self,
        group: &'a Draft,
        index: usize,
        element: &'a Node,
    ) -> Option<(&'a str, &'a str)> {
        if let Some(service) = self.linked(group, &format!("/ecsServices/{index}/serviceRef")) {
            return Some((self.cluster_of(service), service.aws_name()));
        }
        let cluster = element
            .text("clusterName")
            .map_or(DEFAULT_CLUSTER, cluster_name);
        Some((cluster, element.text("serviceName")?))
    }

    /// The cluster's and the service's names at AWS of what a scalable target or a policy scales.
    pub(super) fn scaled_names(&self, draft: &'a Draft) -> Option<(&'a str, &'a str)> {
        if let Some(service) = self.linked(draft, "/ServiceRef") {
            return Some((self.cluster_of(service), service.aws_name()));
        }
        let id = draft.spec.text("ResourceId")?;
        let (cluster, service) = id.strip_prefix("service/")?.split_once('/')?;
        (!cluster.is_empty() && !service.is_empty() && !service.contains('/'))
            .then_some((cluster, service))
    }

    /// The service of the set that a scalable target or a policy scales.
    pub(super) fn scaled_service(&self, draft: &'a Draft) -> Option<&'a Draft> {
        let services = self.services.get(&self.scaled_names(draft)?)?;
        services.first().copied()
    }

    /// The scalable target of what a policy scales.
    pub(super) fn scalable_target_of(&self, policy: &'a Draft) -> Option<&'a Draft> {
        let targets = self.targets.get(&self.scaled_names(policy)?)?;
        targets.first().copied()
    }

    /// The services of the set that a deployment group deploys.
    pub(super) fn services_of(&self, group: &'a Draft) -> Vec<&'a Draft> {
        let elements = group.spec.list("ecsServices").iter().enumerate();
        elements
            .filter_map(|(index, element)| self.service_names(group, index, element))
            .filter_map(|names| self.services.get(&names))
            .flatten()
            .copied()
            .collect()
    }

    /// The target groups of a deployment group's pair that are in the set, with their places.
    pub(super) fn pair_of(&self, group: &'a Draft) -> Vec<&'a Draft> {
        let mut pair = Vec::new();
        let infos = group
            .spec
            .get(&["loadBalancerInfo", "targetGroupPairInfoList"])
            .map_or(&[][..], Node::items);
        for (info_at, info) in infos.iter().enumerate() {
            for (at, side) in info.list("targetGroups").iter().enumerate() {
                let pointer = format!(
                    "/loadBalancerInfo/targetGroupPairInfoList/{info_at}/targetGroups/{at}/targetGroupRef"
                );
                let by_name = || self.named(Kind::TargetGroup, side.text("name")?);
                pair.extend(self.linked(group, &pointer).or_else(by_name));
            }
        }
        pair
    }

    /// The target groups that a draft refers to anywhere.
    pub(super) fn target_groups_of(draft: &'a Draft) -> impl Iterator<Item = &'a Key> {
        draft
            .links
            .iter()
            .map(|link| &link.target)
            .filter(|key| key.kind == Kind::TargetGroup)
    }
}

/// Findings of several files.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// All of them.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The first error of each manifest.
    pub(super) errors: BTreeMap<Key, FirstError>,
}

/// What makes a manifest invalid, and where.
#[derive(Clone, Debug)]
pub(super) struct FirstError {
    pub(super) message: String,
    pub(super) place: Place,
}

impl FirstError {
    pub(super) fn of(findings: &Findings<'_>) -> Option<Self> {
        let found = findings.first_error()?;
        Some(Self {
            message: found.message.clone(),
            place: found.place,
        })
    }
}

impl Ledger {
    /// Takes over what was found about one manifest.
    pub(super) fn take(&mut self, key: &Key, findings: Findings<'_>) {
        if let Some(error) = FirstError::of(&findings) {
            self.errors.entry(key.clone()).or_insert(error);
        }
        self.diagnostics.extend(findings.list);
    }
}
