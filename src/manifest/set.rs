//! The desired set: every valid manifest, by key, with what it refers to. Not the parser.
//!
//! Invariants:
//! - Every [`Reference`] in the set points at a key of the set, and the references have no cycle.
//! - A manifest with an error is in [`DesiredSet::invalid`] and nowhere else; nothing is written for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use super::rollout::{
    APPROVAL, APPROVAL_TIMEOUT, DEADLINE, DEPENDS_ON, IN_FLIGHT, InFlight, LONGEST_RETRY,
    MOST_RETRIES, RETRIES, RETRY_FOR,
};
use super::sections::{PRUNE, SUSPEND, parse_duration};
use super::self_heal::{SELF_HEAL, SelfHeal, read as self_heal};
use super::windows::{self, Window};
use crate::document::Secrets;
use crate::model::{Key, Kind, Moment};

/// One target group of a pair, as a manifest names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// By another manifest.
    Manifest(Key),
    /// By its ARN.
    Literal(String),
}

/// Which fact of its target a reference asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// The ARN.
    Arn,
    /// The AWS name.
    Name,
    /// What it goes by where that is neither: see [`crate::model::Facts::label`].
    Label,
}

/// One place in a spec where a manifest names another manifest instead of an ARN or a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// JSON pointer of the reference member in the spec, such as `/loadBalancers/0/targetGroupRef`.
    pub pointer: String,
    /// The member that AWS knows and that replaces it, such as `targetGroupArn`; for a reference
    /// inside a list of plain strings, the same pointer's element is replaced.
    pub member: &'static str,
    /// What replaces it.
    pub ask: Ask,
    /// The manifest that it names.
    pub target: Key,
}

/// Where a manifest stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file's path, relative to the source's root.
    pub file: String,
    /// Line of the document's first member, from 1; 0 if it was computed (Jsonnet).
    pub line: usize,
}

/// One valid manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Kind and `metadata.name`.
    pub key: Key,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// The AWS-native document, references still in it; the AWS name member is always filled
    /// (from `metadata.name` where the spec leaves it out).
    pub spec: Value,
    /// What stands beside `spec`: sibling operations' members (`attributes`, `lifecyclePolicyText`,
    /// `policyText`) and our own sections (`rollout`, `sync`).
    pub beside: Map<String, Value>,
    /// References in the spec.
    pub references: Vec<Reference>,
    /// Every key that must be ready first: targets of the references, and what is implied by names
    /// (a service's cluster, the rules that put its target groups behind a load balancer, the
    /// image repositories of a task definition, a deployment group's service).
    pub needs: BTreeSet<Key>,
    /// Where it stands. Not part of what is desired: see [`Resource::same_desire`].
    pub origin: Origin,
}

impl Resource {
    /// Whether both ask for the same thing, wherever they stand.
    pub fn same_desire(&self, other: &Self) -> bool {
        self.key == other.key
            && self.annotations == other.annotations
            && self.spec == other.spec
            && self.beside == other.beside
            && self.needs == other.needs
    }

    /// The AWS name of the resource as its spec gives it.
    pub fn aws_name(&self) -> &str {
        self.spec
            .get(super::name_member(self.key.kind))
            .and_then(Value::as_str)
            .unwrap_or(&self.key.name)
    }

    /// How long drift in a field that starts a deployment is left alone: `sync.driftGrace`, if the
    /// manifest has its own.
    pub fn drift_grace(&self) -> Option<Duration> {
        parse_duration(self.beside.get("sync")?.get("driftGrace")?.as_str()?)
    }

    /// What becomes of a change that somebody made: `sync.selfHeal`, if the manifest says it.
    pub fn self_heal(&self) -> Option<SelfHeal> {
        self_heal(self.beside.get("sync")?.get(SELF_HEAL)?)
    }

    /// Whether a scalable target's scaling is suspended while `CodeDeploy` deploys its service:
    /// `sync.suspendDuringDeployments`.
    pub fn suspends_during_deployments(&self) -> bool {
        let sync = self.beside.get("sync");
        sync.and_then(|sync| sync.get(SUSPEND)) == Some(&Value::Bool(true))
    }

    /// The services whose rollouts come before this one's: `rollout.dependsOn`.
    pub fn depends_on(&self) -> impl Iterator<Item = Key> {
        let rollout = self.beside.get("rollout");
        let names = rollout.and_then(|rollout| rollout.get(DEPENDS_ON)?.as_array());
        let names = names.into_iter().flatten().filter_map(Value::as_str);
        names.map(|name| Key::new(Kind::Service, name))
    }

    /// For how long an approval of a content counts, if a person has to give one before its rollout starts:
    /// `rollout.approval`.
    pub fn approval(&self) -> Option<Duration> {
        let approval = self.beside.get("rollout")?.get(APPROVAL)?;
        if approval.get("required") == Some(&Value::Bool(false)) {
            return None;
        }
        let timeout = approval.get("timeout").and_then(Value::as_str);
        Some(timeout.and_then(parse_duration).unwrap_or(APPROVAL_TIMEOUT))
    }

    /// What becomes of the resource when this manifest is gone: `sync.prune` (`never` or `confirm`).
    pub fn prune(&self) -> Option<&str> {
        self.beside.get("sync")?.get(PRUNE)?.as_str()
    }

    /// How often a deployment is started again that failed before production traffic moved: `rollout.retries`.
    pub fn retries(&self) -> usize {
        let rollout = self.beside.get("rollout");
        let number = rollout.and_then(|rollout| rollout.get(RETRIES)?.as_u64());
        let number = number.unwrap_or(0).min(MOST_RETRIES);
        usize::try_from(number).unwrap_or(0)
    }

    /// For how long it is started again ever so often, after those: `rollout.retryFor`.
    pub fn retry_for(&self) -> Option<Duration> {
        let time = self.time_of_rollout(RETRY_FOR)?;
        Some(time.min(LONGEST_RETRY))
    }

    /// How long the new tasks of a rollout may take to come up: `rollout.deadline`.
    pub fn deadline(&self) -> Option<Duration> {
        self.time_of_rollout(DEADLINE)
    }

    fn time_of_rollout(&self, member: &str) -> Option<Duration> {
        let rollout = self.beside.get("rollout")?;
        parse_duration(rollout.get(member)?.as_str()?)
    }

    /// What a newer manifest does about a deployment in flight: `rollout.inFlight`.
    pub fn in_flight(&self) -> InFlight {
        let rollout = self.beside.get("rollout");
        let word = rollout.and_then(|rollout| rollout.get(IN_FLIGHT)?.as_str());
        let mut all = InFlight::ALL.into_iter();
        all.find(|one| Some(one.word()) == word).unwrap_or_default()
    }

    /// Pointers of the members that are left to others: `sync.ignore`.
    pub fn ignored(&self) -> impl Iterator<Item = &str> {
        ignored(&self.beside)
    }

    /// Whether the element of this key in a list beside or in the spec (`tags`, `attributes`) is
    /// left to others.
    pub fn ignores(&self, list: &str, key: &str) -> bool {
        ignores(&self.beside, list, key)
    }

    /// The manifest that the reference at this JSON pointer of the spec names.
    fn target(&self, pointer: &str) -> Option<&Key> {
        self.references
            .iter()
            .find(|reference| reference.pointer == pointer)
            .map(|reference| &reference.target)
    }
}

/// The pointers of `sync.ignore` among what stands beside a spec.
fn ignored(beside: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let list = beside
        .get("sync")
        .and_then(|sync| sync.get("ignore"))
        .and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// Whether `sync.ignore` holds `/LIST` or `/LIST/KEY`.
pub(crate) fn ignores(beside: &Map<String, Value>, list: &str, key: &str) -> bool {
    let key = key.replace('~', "~0").replace('/', "~1");
    ignored(beside).any(|pointer| {
        pointer.strip_prefix('/').is_some_and(|pointer| {
            pointer == list || pointer.strip_prefix(list) == Some(format!("/{key}").as_str())
        })
    })
}

/// Every manifest of the source that can be acted on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DesiredSet {
    /// The valid manifests.
    pub resources: BTreeMap<Key, Resource>,
    /// Keys whose manifest has an error, with the first error's text. Frozen: observed by nobody,
    /// written by nobody.
    pub invalid: BTreeMap<Key, String>,
    /// The values that may be shown nowhere. Part of what is known, not of what is desired.
    pub secrets: Secrets,
    /// The commits that the files are of, by what their paths begin with. Part of what is known, not of
    /// what is desired: a commit that changes nothing here causes nothing.
    pub commits: BTreeMap<PathBuf, Revision>,
    /// What the sources go by in marks at AWS, by what the paths of their files begin with. Part of what is
    /// known, not of what is desired.
    pub sources: BTreeMap<PathBuf, String>,
}

/// A commit, as it is told with what it causes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// Its id.
    pub commit: String,
    /// Its author's name.
    pub author: String,
    /// The first line of its message.
    pub message: String,
    /// When it was committed.
    pub time: Moment,
}

impl Revision {
    /// As much of its id as a person needs.
    pub fn short(&self) -> &str {
        self.commit.get(..12).unwrap_or(&self.commit)
    }
}

impl DesiredSet {
    /// The commit that declares this resource; `None` if it comes from a folder.
    pub fn revision_of(&self, resource: &Resource) -> Option<&Revision> {
        let file = Path::new(&resource.origin.file);
        let mut commits = self.commits.iter();
        let found = commits.find(|(root, _)| file.starts_with(root));
        found.map(|(_, revision)| revision)
    }

    /// What the source that declares this resource goes by in marks.
    pub fn source_of(&self, resource: &Resource) -> Option<&str> {
        let file = Path::new(&resource.origin.file);
        let of = self
            .sources
            .iter()
            .filter(|(root, _)| file.starts_with(root));
        // A folder may lie in another one.
        of.max_by_key(|(root, _)| root.components().count())
            .map(|(_, mark)| mark.as_str())
    }

    /// The manifest of this key.
    pub fn get(&self, key: &Key) -> Option<&Resource> {
        self.resources.get(key)
    }

    /// The keys that need `key` directly.
    pub fn dependents<'a>(&'a self, key: &'a Key) -> impl Iterator<Item = &'a Key> {
        self.resources
            .values()
            .filter(move |r| r.needs.contains(key))
            .map(|r| &r.key)
    }

    /// The deployment group that names this service in its `ecsServices`.
    pub fn deployment_group_of(&self, service: &Key) -> Option<&Resource> {
        let names = self.service_names(self.get(service)?);
        self.of_kind(Kind::DeploymentGroup)
            .find(|group| deploys(group, names))
    }

    /// The services that the deployment group of these names at AWS deploys.
    pub fn services_of(&self, application: &str, group: &str) -> Vec<&Key> {
        let named = |one: &&Resource| {
            one.spec.get("applicationName").and_then(Value::as_str) == Some(application)
                && one.aws_name() == group
        };
        let Some(group) = self.of_kind(Kind::DeploymentGroup).find(named) else {
            return Vec::new();
        };
        let services = self.of_kind(Kind::Service);
        services
            .filter(|one| deploys(group, self.service_names(one)))
            .map(|one| &one.key)
            .collect()
    }

    /// The scalable target that scales this service.
    pub fn scalable_target_of(&self, service: &Key) -> Option<&Resource> {
        let (cluster, name) = self.service_names(self.get(service)?);
        let id = format!("service/{cluster}/{name}");
        self.of_kind(Kind::ScalableTarget)
            .find(|target| target.spec.get("ResourceId").and_then(Value::as_str) == Some(&id))
    }

    /// Whether a manifest asks for the label of this resource.
    pub fn is_label_asked_of(&self, target: &Key) -> bool {
        let asking = match target.kind {
            Kind::Listener => Kind::Service,
            _ => Kind::ScalingPolicy,
        };
        self.of_kind(asking)
            .flat_map(|resource| &resource.references)
            .any(|one| one.ask == Ask::Label && one.target == *target)
    }

    /// The target group pairs of all deployment groups, as far as both groups are in the set.
    pub fn pairs(&self) -> Vec<[Key; 2]> {
        let mut pairs = Vec::new();
        for group in self.of_kind(Kind::DeploymentGroup) {
            let infos = group
                .spec
                .pointer("/loadBalancerInfo/targetGroupPairInfoList");
            for (index, info) in infos
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .enumerate()
            {
                let side = |at: usize| self.pair_side(group, index, at, info);
                if let (Some(first), Some(second)) = (side(0), side(1)) {
                    pairs.push([first, second]);
                }
            }
        }
        pairs
    }

    /// The target group pairs of all services that name an alternate target group: those between which
    /// ECS shifts traffic.
    pub fn shifted_pairs(&self) -> Vec<[Side; 2]> {
        let mut pairs = Vec::new();
        for service in self.of_kind(Kind::Service) {
            let balancers = service.spec.get("loadBalancers").and_then(Value::as_array);
            for index in 0..balancers.map_or(0, Vec::len) {
                let side = |member: &str| {
                    let path = format!("/loadBalancers/{index}/{member}");
                    let named = service.target(&format!("{path}Ref"));
                    named.cloned().map(Side::Manifest).or_else(|| {
                        let arn = service.spec.pointer(&format!("{path}Arn"))?.as_str()?;
                        Some(Side::Literal(arn.to_owned()))
                    })
                };
                let own = side("targetGroup");
                let other = side("advancedConfiguration/alternateTargetGroup");
                if let (Some(own), Some(other)) = (own, other) {
                    pairs.push([own, other]);
                }
            }
        }
        pairs
    }

    /// The cluster's and the service's name at AWS.
    pub fn service_names<'a>(&'a self, service: &'a Resource) -> (&'a str, &'a str) {
        let by_reference = service
            .target("/clusterRef")
            .and_then(|key| self.get(key))
            .map(Resource::aws_name);
        let literal = || {
            service
                .spec
                .get("cluster")
                .and_then(Value::as_str)
                .map(cluster_name)
        };
        (
            by_reference.or_else(literal).unwrap_or(DEFAULT_CLUSTER),
            service.aws_name(),
        )
    }

    /// The windows that are for a service: its own and those of its cluster's manifest.
    pub fn windows_of(&self, service: &Resource) -> Vec<Window> {
        let (name, _) = self.service_names(service);
        let mut clusters = self.of_kind(Kind::Cluster);
        let cluster = clusters.find(|cluster| cluster.aws_name() == name);
        let own = [Some(service), cluster];
        let own = own.into_iter().flatten();
        own.flat_map(|one| windows::read(one, service)).collect()
    }

    fn pair_side(&self, group: &Resource, pair: usize, at: usize, info: &Value) -> Option<Key> {
        let path = format!("/loadBalancerInfo/targetGroupPairInfoList/{pair}/targetGroups/{at}");
        if let Some(key) = group.target(&format!("{path}/targetGroupRef")) {
            return Some(key.clone());
        }
        let name = info
            .pointer(&format!("/targetGroups/{at}/name"))?
            .as_str()?;
        let found = self
            .of_kind(Kind::TargetGroup)
            .find(|group| group.aws_name() == name)?;
        Some(found.key.clone())
    }

    /// The manifests of one kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Resource> {
        // Keys are ordered by kind, then by name; no manifest has an empty name.
        let first = Key::new(kind, "");
        self.resources
            .range(first..)
            .take_while(move |(key, _)| key.kind == kind)
            .map(|(_, resource)| resource)
    }
}

/// Whether a deployment group names the service of this cluster and name in its `ecsServices`.
fn deploys(group: &Resource, (cluster, name): (&str, &str)) -> bool {
    let services = group.spec.get("ecsServices").and_then(Value::as_array);
    services.into_iter().flatten().any(|named| {
        let member = |name: &str| named.get(name).and_then(Value::as_str);
        member("serviceName") == Some(name)
            && cluster_name(member("clusterName").unwrap_or(DEFAULT_CLUSTER)) == cluster
    })
}

/// The cluster that ECS takes where none is named (`cluster` of `CreateService`, ECS API reference).
pub(super) const DEFAULT_CLUSTER: &str = "default";

/// The name in a cluster's name or ARN.
pub(super) fn cluster_name(name_or_arn: &str) -> &str {
    name_or_arn
        .rsplit_once(":cluster/")
        .map_or(name_or_arn, |(_, name)| name)
}
