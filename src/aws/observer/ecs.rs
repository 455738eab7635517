//! Reads of ECS.

use std::collections::BTreeSet;
use std::sync::PoisonError;
use std::time::Duration;

use serde_json::{Value, json};

use super::batch::Found;
use super::{NEXT_TOKEN, Observer, by, list, text};
use crate::aws::{Class, Fault};
use crate::model::{Call, Moment, Seen, Service};

/// How long a listing may lag behind a registration. ECS reads are eventually consistent, by
/// seconds (aws-facts 3.4); a listing that still lacks a revision after this says that it is gone.
const LISTING_LAG: Duration = Duration::from_mins(1);

/// The documents by name: absent if `INACTIVE`, or if the answer's `failures` call it `MISSING`.
fn active(found: Vec<Value>, member: &str, answer: &Value) -> Found<String, Value> {
    let mut named: Found<String, Value> = missing(answer)
        .into_iter()
        .map(|arn| (arn.rsplit('/').next().unwrap_or(&arn).to_owned(), None))
        .collect();
    for document in found {
        let there = text(&document, "status") != "INACTIVE";
        named.insert(text(&document, member), there.then_some(document));
    }
    named
}

/// The ARNs that an answer's `failures` call `MISSING`.
fn missing(answer: &Value) -> Vec<String> {
    let failures = answer.get("failures").and_then(Value::as_array);
    failures
        .into_iter()
        .flatten()
        .filter(|one| text(one, "reason") == "MISSING")
        .map(|one| text(one, "arn"))
        .collect()
}

/// The failure of an answer that leaves out something it was asked for.
fn passed_over(operation: &'static str, arn: &str) -> super::Fault {
    super::Fault::internal(
        Service::Ecs,
        operation,
        format!("the answer passes over {arn}"),
    )
}

impl Observer {
    /// One member of `DescribeClusters.clusters`, with tags and settings. A deleted (`INACTIVE`)
    /// cluster is absent: its name can be created again.
    pub async fn cluster(&self, name: &str, fresh: Moment) -> Seen<Value> {
        let together = |_: &String, _: &String| true;
        self.clusters
            .get(
                &self.clock,
                &name.to_owned(),
                fresh,
                together,
                |names: Vec<_>| async move {
                    let include = ["TAGS", "SETTINGS", "CONFIGURATIONS"];
                    let input = json!({"clusters": names, "include": include});
                    let mut answer = self.ecs("DescribeClusters", input).await?;
                    let found = list(Service::Ecs, "DescribeClusters", &mut answer, "clusters")?;
                    Ok(active(found, "clusterName", &answer))
                },
            )
            .await
    }

    /// One member of `DescribeServices.services`, with tags, by cluster name and service name. A
    /// deleted (`INACTIVE`) service is absent; a draining one is still there.
    pub async fn service(&self, cluster: &str, name: &str, fresh: Moment) -> Seen<Value> {
        let key = (cluster.to_owned(), name.to_owned());
        let together = |one: &(String, String), other: &(String, String)| one.0 == other.0;
        self.services
            .get(
                &self.clock,
                &key,
                fresh,
                together,
                |keys: Vec<_>| async move {
                    let names: Vec<&String> = keys.iter().map(|(_, name)| name).collect();
                    let input = json!({"cluster": cluster, "services": names, "include": ["TAGS"]});
                    let mut answer = self.ecs("DescribeServices", input).await?;
                    let found = list(Service::Ecs, "DescribeServices", &mut answer, "services")?;
                    let named = active(found, "serviceName", &answer);
                    Ok(named
                        .into_iter()
                        .map(|(name, seen)| ((cluster.to_owned(), name), seen))
                        .collect())
                },
            )
            .await
    }

    /// The names of a cluster's services that are `ACTIVE`. Read anew at each call.
    ///
    /// # Errors
    /// A [`super::Fault`] if a page could not be read.
    pub async fn service_names(&self, cluster: &str) -> Result<Vec<String>, super::Fault> {
        let input = json!({"cluster": cluster, "maxResults": 100});
        let arns = self
            .pages(
                Service::Ecs,
                "ListServices",
                input,
                "serviceArns",
                NEXT_TOKEN,
            )
            .await?;
        let name = |arn: &Value| Some(arn.as_str()?.rsplit('/').next()?.to_owned());
        Ok(arns.iter().filter_map(name).collect())
    }

    /// `{"taskDefinition": …, "tags": […]}` of a revision, read once and kept for ever: revisions are
    /// immutable. (Their status and tags are not; a revision that is about to be deployed is listed
    /// afresh by [`Observer::revisions`].)
    pub async fn task_definition(&self, arn: &str) -> Seen<Value> {
        self.task_definition_afresh(arn, Moment(0)).await
    }

    /// The same read anew: for the tags of a revision.
    pub async fn task_definition_afresh(&self, arn: &str, fresh: Moment) -> Seen<Value> {
        self.task_definitions
            .get_alone(&self.clock, &arn.to_owned(), fresh, |arn| async move {
                let input = json!({"taskDefinition": arn, "include": ["TAGS"]});
                let operation = "DescribeTaskDefinition";
                let answer = self.ecs(operation, input).await?;
                // Kept for ever, an answer without it would be a revision of nothing for ever.
                if answer.get("taskDefinition").is_some_and(Value::is_object) {
                    return Ok(answer);
                }
                let why = "the answer has no taskDefinition".to_owned();
                Err(Fault::internal(Service::Ecs, operation, why))
            })
            .await
    }

    /// The members of `DescribeTasks.tasks` of a cluster's tasks that were started by this: those that run, and
    /// those of these families that stopped within the hour; absent if the cluster is. Read anew at each call.
    pub async fn tasks_started_by(
        &self,
        cluster: &str,
        started_by: &str,
        families: &[String],
    ) -> Seen<Vec<Value>> {
        match self.started_by(cluster, started_by, families).await {
            Ok(tasks) => Seen::Present(tasks),
            Err(fault) if fault.class == Class::NotFound => Seen::Absent,
            Err(fault) => Seen::Unknown(fault.to_string()),
        }
    }

    async fn started_by(
        &self,
        cluster: &str,
        started_by: &str,
        families: &[String],
    ) -> Result<Vec<Value>, super::Fault> {
        // By whom they were started only those are listed that run: it goes with no other filter ("cannot specify
        // startedBy with other arguments", aws/aws-sdk-go-v2#1893). Of a large service these are few, and the
        // family's many. Before those that have stopped, so that one that stops meanwhile is in either list.
        let mut asked = vec![json!({"cluster": cluster, "startedBy": started_by})];
        asked.extend(families.iter().map(|family| {
            json!({"cluster": cluster, "family": family, "desiredStatus": "STOPPED", "maxResults": 100})
        }));
        let mut arns: Vec<Value> = Vec::new();
        let mut known = BTreeSet::new();
        for input in asked {
            let listed = self
                .pages(Service::Ecs, "ListTasks", input, "taskArns", NEXT_TOKEN)
                .await?;
            arns.extend(
                listed
                    .into_iter()
                    .filter(|arn| known.insert(arn.to_string())),
            );
        }
        let mut tasks = Vec::new();
        for some in arns.chunks(100) {
            let operation = "DescribeTasks";
            let input = json!({"cluster": cluster, "tasks": some});
            let mut answer = self.ecs(operation, input).await?;
            let gone = missing(&answer);
            let found = list(Service::Ecs, operation, &mut answer, "tasks")?;
            for arn in some.iter().filter_map(Value::as_str) {
                let told = found.iter().any(|task| text(task, "taskArn") == arn);
                if !told && !gone.iter().any(|one| one == arn) {
                    return Err(passed_over(operation, arn));
                }
            }
            let own = |task: &Value| text(task, "startedBy") == started_by;
            tasks.extend(found.into_iter().filter(own));
        }
        Ok(tasks)
    }

    /// Keeps what `RegisterTaskDefinition` answered, so that a registration is known at once although
    /// AWS's listing lags behind it.
    pub fn registered(&self, answer: &Value) {
        let definition = answer.get("taskDefinition").unwrap_or(&Value::Null);
        let (arn, family) = (
            text(definition, "taskDefinitionArn"),
            text(definition, "family"),
        );
        if !arn.is_empty() {
            let now = self.clock.now();
            let mut registered = self
                .registered
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            registered.insert(family, (arn.clone(), now));
            self.task_definitions.put(arn, answer.clone(), now);
        }
    }

    /// ARNs of the newest `ACTIVE` revisions of exactly this family, newest first, at most ten; one
    /// that this process registered within `LISTING_LAG` comes in even if AWS's listing lags.
    pub async fn revisions(&self, family: &str, fresh: Moment) -> Seen<Vec<String>> {
        let listed = self
            .revisions
            .get_alone(
                &self.clock,
                &family.to_owned(),
                fresh,
                |family| async move {
                    let input = json!({"familyPrefix": family, "status": "ACTIVE", "sort": "DESC",
                    "maxResults": 10});
                    let operation = "ListTaskDefinitions";
                    let mut answer = self.ecs(operation, input).await?;
                    let arns = list(Service::Ecs, operation, &mut answer, "taskDefinitionArns")?
                        .iter()
                        .filter_map(Value::as_str)
                        // `familyPrefix` is documented as the full family name; a prefix match is
                        // filtered all the same.
                        .filter(|arn| family_of(arn) == Some(&family))
                        .map(str::to_owned)
                        .collect();
                    Ok(arns)
                },
            )
            .await;
        let now = self.clock.now();
        listed.map(|mut arns: Vec<String>| {
            let registered = self
                .registered
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some((arn, when)) = registered.get(family) {
                let newest = arns.first().map_or(0, |arn| revision_of(arn));
                if now.since(*when) < LISTING_LAG && revision_of(arn) > newest {
                    arns.insert(0, arn.clone());
                }
            }
            arns
        })
    }

    /// Revisions of this family that the services observed so far run. No call.
    pub fn running_revisions(&self, family: &str) -> Vec<String> {
        let mut arns: Vec<String> = Vec::new();
        self.services.each(|service| {
            let sets = service.get("taskSets").and_then(Value::as_array);
            for holder in std::iter::once(service).chain(sets.into_iter().flatten()) {
                let arn = holder
                    .get("taskDefinition")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                if family_of(arn) == Some(family) && !arns.iter().any(|known| known == arn) {
                    arns.push(arn.to_owned());
                }
            }
        });
        arns
    }

    /// The newest service deployments of a service, each with the service revision that it was of as
    /// `revision` unless that is gone, newest first, at most 20. Unknown if an answer passes over one:
    /// half of one would be taken for another.
    pub async fn service_deployments(
        &self,
        service_arn: &str,
        cluster: &str,
        fresh: Moment,
    ) -> Seen<Value> {
        self.service_deployments
            .get_alone(
                &self.clock,
                &service_arn.to_owned(),
                fresh,
                |service| async move {
                    let input = json!({"cluster": cluster, "service": service, "maxResults": 20});
                    let mut answer = self.ecs("ListServiceDeployments", input).await?;
                    let brief = list(
                        Service::Ecs,
                        "ListServiceDeployments",
                        &mut answer,
                        "serviceDeployments",
                    )?;
                    let arns: Vec<String> = brief
                        .iter()
                        .map(|d| text(d, "serviceDeploymentArn"))
                        .collect();
                    if arns.is_empty() {
                        return Ok(Value::from(brief));
                    }
                    // The list leaves out the circuit breaker, and keeps the order.
                    let operation = "DescribeServiceDeployments";
                    let input = json!({"serviceDeploymentArns": arns});
                    let mut answer = self.ecs(operation, input).await?;
                    let found = list(Service::Ecs, operation, &mut answer, "serviceDeployments")?;
                    let mut whole = by(found, "serviceDeploymentArn");
                    let mut deployments = Vec::new();
                    for arn in arns {
                        let Some(mut one) = whole.remove(&arn) else {
                            return Err(passed_over(operation, &arn));
                        };
                        // Only the list names the revision by this member.
                        if let Some(revision) = one.pointer("/targetServiceRevision/arn") {
                            one["targetServiceRevisionArn"] = revision.clone();
                        }
                        deployments.push(one);
                    }
                    let revisions: Vec<String> = deployments
                        .iter()
                        .map(|d| text(d, "targetServiceRevisionArn"))
                        .filter(|a| !a.is_empty())
                        .collect();
                    if !revisions.is_empty() {
                        let operation = "DescribeServiceRevisions";
                        let input = json!({"serviceRevisionArns": revisions});
                        let mut answer = self.ecs(operation, input).await?;
                        let found = list(Service::Ecs, operation, &mut answer, "serviceRevisions")?;
                        let found = by(found, "serviceRevisionArn");
                        let gone = missing(&answer);
                        for deployment in &mut deployments {
                            let arn = text(deployment, "targetServiceRevisionArn");
                            if let Some(revision) = found.get(&arn) {
                                deployment["revision"] = revision.clone();
                            } else if !arn.is_empty() && !gone.contains(&arn) {
                                return Err(passed_over(operation, &arn));
                            }
                        }
                    }
                    Ok(Value::from(deployments))
                },
            )
            .await
    }

    /// One member of `DescribeServiceRevisions.serviceRevisions`, read once and kept for ever: revisions
    /// are immutable. Twenty to a call. One that AWS calls missing is absent.
    pub async fn service_revision(&self, arn: &str) -> Seen<Value> {
        self.service_revisions
            .get(
                &self.clock,
                &arn.to_owned(),
                Moment(0),
                |_, _| true,
                |arns: Vec<_>| async move {
                    let operation = "DescribeServiceRevisions";
                    let input = json!({"serviceRevisionArns": arns});
                    let mut answer = self.ecs(operation, input).await?;
                    let found = list(Service::Ecs, operation, &mut answer, "serviceRevisions")?;
                    let absent = missing(&answer).into_iter();
                    let mut seen: Found<String, Value> = absent.map(|arn| (arn, None)).collect();
                    let found = by(found, "serviceRevisionArn").into_iter();
                    seen.extend(found.map(|(arn, revision)| (arn, Some(revision))));
                    Ok(seen)
                },
            )
            .await
    }

    /// Why the newest tasks of a service stopped: one line each, newest first, at most five. Those that were
    /// no longer wanted say nothing.
    pub async fn stop_reasons(
        &self,
        cluster: &str,
        service: &str,
        fresh: Moment,
    ) -> Seen<Vec<String>> {
        let key = (cluster.to_owned(), service.to_owned());
        self.failures
            .get(&self.clock, &key, fresh, |_, _| false, |keys: Vec<_>| async move {
                let input = json!({"cluster": cluster, "serviceName": service, "desiredStatus": "STOPPED", "maxResults": 20});
                let arns = self.pages(Service::Ecs, "ListTasks", input, "taskArns", NEXT_TOKEN).await?;
                if arns.is_empty() {
                    return Ok(keys.into_iter().map(|key| (key, Some(Vec::new()))).collect());
                }
                let newest: Vec<Value> = arns.into_iter().take(100).collect();
                let mut answer = self.ecs("DescribeTasks", json!({"cluster": cluster, "tasks": newest})).await?;
                let mut tasks = list(Service::Ecs, "DescribeTasks", &mut answer, "tasks")?;
                tasks.retain(|task| !text(task, "stoppedReason").starts_with("Scaling activity initiated by"));
                tasks.sort_by(|a, b| stopped_at(b).total_cmp(&stopped_at(a)));
                let reasons = tasks.iter().take(5).map(why).collect::<Vec<_>>();
                Ok(keys.into_iter().map(|key| (key, Some(reasons.clone()))).collect())
            })
            .await
    }

    /// Has a cluster or a service be read anew when next asked for, however old a reading would do: its
    /// tags were written by request of a person.
    pub fn outdate(&self, arn: &str) {
        let now = self.clock.now();
        let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
        match resource.split('/').collect::<Vec<_>>().as_slice() {
            ["cluster", name] => self.clusters.outdate(&(*name).to_owned(), now),
            ["service", cluster, name] => {
                let key = ((*cluster).to_owned(), (*name).to_owned());
                self.services.outdate(&key, now);
            }
            _ => {}
        }
    }

    async fn ecs(&self, operation: &'static str, input: Value) -> Result<Value, super::Fault> {
        self.aws
            .call(&Call {
                service: Service::Ecs,
                operation,
                input,
            })
            .await
    }
}

fn stopped_at(task: &Value) -> f64 {
    task.get("stoppedAt")
        .and_then(Value::as_f64)
        .unwrap_or_default()
}

/// A stopped task in a line: its reason, and the containers that say more.
fn why(task: &Value) -> String {
    let mut line = text(task, "stoppedReason");
    let code = text(task, "stopCode");
    if !code.is_empty() {
        line.push_str(&format!(" ({code})"));
    }
    for container in task
        .get("containers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let name = text(container, "name");
        if let Some(code) = container.get("exitCode").and_then(Value::as_i64) {
            line.push_str(&format!("; container {name} exited with code {code}"));
        }
        let reason = text(container, "reason");
        if !reason.is_empty() {
            line.push_str(&format!("; container {name}: {reason}"));
        }
        if text(container, "healthStatus") == "UNHEALTHY" {
            line.push_str(&format!("; container {name} fails its health check"));
        }
    }
    line
}

/// `…:task-definition/family:7` → `family`.
fn family_of(arn: &str) -> Option<&str> {
    Some(arn.rsplit_once('/')?.1.rsplit_once(':')?.0)
}

/// `…:task-definition/family:7` → 7; 0 if it is no such ARN.
fn revision_of(arn: &str) -> u64 {
    arn.rsplit_once(':')
        .and_then(|(_, n)| n.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_arn_has_a_family_and_a_number() {
        let arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web-app:12";
        assert_eq!(family_of(arn), Some("web-app"));
        assert_eq!(revision_of(arn), 12);
        assert_eq!(family_of("web"), None);
    }

    #[test]
    fn a_stopped_task_says_why() {
        let task = json!({"stoppedReason": "Essential container in task exited",
            "containers": [{"name": "app", "exitCode": 1}, {"name": "log", "reason": "OutOfMemoryError"}]});
        assert_eq!(
            why(&task),
            "Essential container in task exited; container app exited with code 1; container log: OutOfMemoryError"
        );
    }
}
