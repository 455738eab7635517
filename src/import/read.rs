//! Reads services, their cluster, task definitions and deployment groups. I/O. Load balancing is in
//! `elb`, images are in `images`, scaling is in `scaling`.

use serde_json::Value;

use super::found::Account;
use super::{Wanted, images, shape};
use crate::aws::Observer;
use crate::kinds::deployment_group::group_arn;
use crate::kinds::service::{ON_THE_REVISION, newest_revision, running_revisions, suspension_mark};
use crate::model::{Kind, Moment, Seen};

/// Reads into an [`Account`].
pub(super) struct Reader<'a> {
    pub(super) observer: &'a Observer,
    pub(super) fresh: Moment,
    /// The id of the account that is read.
    pub(super) id: String,
    pub(super) account: Account,
    pub(super) notes: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(observer: &'a Observer, fresh: Moment, id: String) -> Self {
        Self {
            observer,
            fresh,
            id,
            account: Account::default(),
            notes: Vec::new(),
        }
    }

    /// Reads all that is wanted.
    pub(super) async fn all(&mut self, wanted: &Wanted) -> Result<(), String> {
        self.cluster(&wanted.cluster).await?;
        let mut services = wanted.services.clone();
        if services.is_empty() {
            let listed = self.observer.service_names(&wanted.cluster).await;
            services = listed.map_err(|fault| format!("cannot list the services: {fault}"))?;
            services.sort();
        }
        for service in &services {
            self.service(&wanted.cluster, service, wanted.group.as_ref())
                .await?;
        }
        Ok(())
    }

    async fn cluster(&mut self, name: &str) -> Result<(), String> {
        let what = format!("cluster {name}");
        let seen = self.observer.cluster(name, self.fresh).await;
        let live = self.required(seen, &what)?;
        let arn = text(&live, "clusterArn");
        let request = shape::request(Kind::Cluster, &live);
        self.account
            .add(Kind::Cluster, &[&arn, name], name, "cluster.yaml", request);
        Ok(())
    }

    async fn service(
        &mut self,
        cluster: &str,
        name: &str,
        group: Option<&(String, String)>,
    ) -> Result<(), String> {
        let what = format!("service {name} of cluster {cluster}");
        let seen = self.observer.service(cluster, name, self.fresh).await;
        let live = self.required(seen, &what)?;
        let live = self.with_revision(live, &what).await?;
        let request = shape::request(Kind::Service, &live);
        let file = format!("services/{name}.yaml");
        let revision = text(&request, "taskDefinition");
        let controller = request
            .pointer("/deploymentController/type")
            .and_then(Value::as_str);
        let controller = controller.unwrap_or("ECS").to_owned();
        let key = format!("{cluster}/{name}");
        let scaled = format!("service/{key}");
        let found = self.account.add(
            Kind::Service,
            &[&key, &scaled],
            name,
            &file,
            request.clone(),
        );
        if controller == "CODE_DEPLOY" {
            let hooks = "AWS does not tell an AppSpec's Hooks: if the deployments of this service call Lambda \
                         functions, name them under `rollout.hooks`.";
            found.comments.push(hooks.to_owned());
        }
        if !matches!(controller.as_str(), "ECS" | "CODE_DEPLOY") {
            self.notes.push(format!(
                "Service/{name}: its deployment controller is {controller}; Even Keel leaves such a service alone"
            ));
        }
        if !revision.is_empty() {
            self.task_definition(&revision, &file).await?;
        }
        let live_group = if controller == "CODE_DEPLOY" {
            self.deployment_group(cluster, name, group, &file).await?
        } else {
            None
        };
        self.load_balancing(&request, live_group.as_ref(), &file)
            .await?;
        let suspended = suspension_mark(&live).is_some();
        self.scaling(cluster, name, suspended, &file).await
    }

    /// A service with what only its newest revision reads back.
    async fn with_revision(&self, mut live: Value, what: &str) -> Result<Value, String> {
        let mut seen = Vec::new();
        for arn in running_revisions(&live) {
            seen.push(self.observer.service_revision(&arn).await);
        }
        match newest_revision(seen).unwrap_or(Seen::Absent) {
            Seen::Unknown(why) => Err(format!("cannot read the revision of {what}: {why}")),
            Seen::Absent => Ok(live),
            Seen::Present(revision) => {
                for member in ON_THE_REVISION {
                    if let Some(value) = revision.get(member) {
                        live[member] = value.clone();
                    }
                }
                Ok(live)
            }
        }
    }

    async fn task_definition(&mut self, arn: &str, file: &str) -> Result<(), String> {
        if self.account.has(Kind::TaskDefinition, arn) {
            return Ok(());
        }
        let seen = self.observer.task_definition(arn).await;
        let answer = self.required(seen, &format!("task definition {arn}"))?;
        let mut live = answer.get("taskDefinition").cloned().unwrap_or_default();
        if let Some(tags) = answer.get("tags") {
            live["tags"] = tags.clone();
        }
        let family = text(&live, "family");
        if self.account.has(Kind::TaskDefinition, &family) {
            self.notes.push(format!(
                "{file}: the service runs {arn}, and another one runs another revision of that family; a family has \
                 one manifest, so this service names its revision by ARN"
            ));
            return Ok(());
        }
        let mut request = shape::request(Kind::TaskDefinition, &live);
        let images = images::shorten(self, &mut request, file).await?;
        let found = self.account.add(
            Kind::TaskDefinition,
            &[arn, &family],
            &family,
            file,
            request,
        );
        found.comments.extend(images.comments);
        found.annotations.extend(images.annotations);
        Ok(())
    }

    /// The group of a service: the one named, or the one that ECS's console would have made.
    async fn deployment_group(
        &mut self,
        cluster: &str,
        service: &str,
        named: Option<&(String, String)>,
        file: &str,
    ) -> Result<Option<Value>, String> {
        let by_convention = (
            format!("AppECS-{cluster}-{service}"),
            format!("DgpECS-{cluster}-{service}"),
        );
        let (application, group) = named.unwrap_or(&by_convention);
        let what = format!("deployment group {group} of application {application}");
        let seen = self
            .observer
            .deployment_group(application, group, self.fresh)
            .await;
        let Some(mut live) = optional(seen, &what)? else {
            if named.is_some() {
                return Err(format!("{what} is not there"));
            }
            self.notes.push(format!(
                "Service/{service}: {what} is not there; name its own with --application and --deployment-group"
            ));
            return Ok(None);
        };
        let arn = group_arn(self.observer.region(), &self.id, application, group);
        let tags = self.observer.codedeploy_tags(&arn, self.fresh).await;
        if let Some(tags) = optional(tags, &format!("tags of {what}"))? {
            live["tags"] = tags;
        }
        let request = shape::request(Kind::DeploymentGroup, &live);
        self.account
            .add(Kind::DeploymentGroup, &[&arn], service, file, request);
        Ok(Some(live))
    }

    /// What was read; it is an error if it is not there.
    pub(super) fn required<T>(&self, seen: Seen<T>, what: &str) -> Result<T, String> {
        optional(seen, what)?.ok_or_else(|| {
            format!(
                "{what} is not in account {}, region {}: check the name, the region (AWS_REGION) and the credentials",
                self.id,
                self.observer.region()
            )
        })
    }
}

/// What was read, or why it could not be.
pub(super) fn optional<T>(seen: Seen<T>, what: &str) -> Result<Option<T>, String> {
    match seen {
        Seen::Present(value) => Ok(Some(value)),
        Seen::Absent => Ok(None),
        Seen::Unknown(reason) => Err(format!("cannot read {what}: {reason}")),
    }
}

/// The string member `name`, or the empty string.
pub(super) fn text(document: &Value, name: &str) -> String {
    let member = document.get(name).and_then(Value::as_str);
    member.unwrap_or_default().to_owned()
}
