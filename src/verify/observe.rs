//! Answers questions: the reads, batched as AWS's operations allow, a few at a time. I/O; judges nothing.
//!
//! Invariants:
//! - Only what AWS says is absent is absent. A failed read answers every question that it was for with
//!   [`Answer::Unknown`].
//! - No read returns a secret's or a parameter's value: `DescribeParameters` and not `GetParameters`, which
//!   shows a `String` in plain text with or without decryption; `DescribeSecret`.
//! - No image is pulled: of an image the manifest is read.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::question::{Answer, Facts, Ignorance, Question};
use crate::aws::{Aws, Class, Fault, Listing, MANIFESTS, Token, list};
use crate::model::{Call, Service};

/// Reads under way at once. The pace is the pacer's; this bounds what waits for it.
const AT_ONCE: usize = 16;

/// Ids in one call, of which a filter takes at most 200 values (EC2 API reference, Filter).
const IDS: usize = 200;

/// Names in one filter of `DescribeParameters` (service model, `ParameterStringFilterValueList`).
const PARAMETERS: usize = 50;

/// Images, clusters and services in one call (service models).
const IMAGES: usize = 100;
const CLUSTERS: usize = 100;
const SERVICES: usize = 10;

type Answers = Vec<(Question, Answer)>;
type Read = Pin<Box<dyn Future<Output = Answers> + Send>>;

/// Answers all of them.
pub(super) async fn answer(
    aws: &Aws,
    open: BTreeSet<Question>,
    facts: &mut Facts,
    progress: &impl Fn(usize, usize),
) {
    let before = facts.len();
    let all = before + open.len();
    let mut asked = open.clone();
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for read in reads(aws, open) {
        let gate = Arc::clone(&gate);
        running.spawn(async move {
            // The gate is never closed.
            let _turn = gate.acquire().await;
            read.await
        });
    }
    progress(before, all);
    while let Some(joined) = running.join_next().await {
        // A read that broke leaves its questions to the end.
        for (question, answer) in joined.unwrap_or_default() {
            asked.remove(&question);
            facts.put(question, answer);
        }
        progress(all - asked.len(), all);
    }
    for question in asked {
        let why = "AWS's answer passes over it".to_owned();
        let answer = Answer::Unknown(Ignorance { why, action: None });
        facts.put(question, answer);
    }
}

/// The reads that answer all of them.
fn reads(aws: &Aws, open: BTreeSet<Question>) -> Vec<Read> {
    let mut reads: Vec<Read> = Vec::new();
    let mut images: BTreeMap<(Option<String>, String), Vec<Question>> = BTreeMap::new();
    let mut groups: BTreeMap<(String, String), Vec<Question>> = BTreeMap::new();
    let mut services: BTreeMap<String, Vec<Question>> = BTreeMap::new();
    let mut kinds: BTreeMap<Kind, Vec<Question>> = BTreeMap::new();
    for question in open {
        let aws = aws.clone();
        match &question {
            Question::Image {
                registry,
                repository,
                ..
            } => {
                let of = (registry.clone(), repository.clone());
                images.entry(of).or_default().push(question);
            }
            Question::LogGroup { region, name } => {
                let of = (region.clone(), folder(name).to_owned());
                groups.entry(of).or_default().push(question);
            }
            Question::Service { cluster, .. } => {
                services.entry(cluster.clone()).or_default().push(question);
            }
            Question::Parameter(_) => kinds.entry(Kind::Parameters).or_default().push(question),
            Question::Subnet(_) => kinds.entry(Kind::Subnets).or_default().push(question),
            Question::SecurityGroup(_) => kinds.entry(Kind::Groups).or_default().push(question),
            Question::Vpc(_) => kinds.entry(Kind::Vpcs).or_default().push(question),
            Question::Cluster(_) => kinds.entry(Kind::Clusters).or_default().push(question),
            Question::TargetGroup(_) | Question::TargetGroupNamed(_) => {
                kinds.entry(Kind::TargetGroups).or_default().push(question);
            }
            Question::LoadBalancer(_) | Question::LoadBalancerNamed(_) => {
                kinds.entry(Kind::LoadBalancers).or_default().push(question);
            }
            _ => reads.push(Box::pin(async move { vec![alone(&aws, question).await] })),
        }
    }
    for (kind, questions) in kinds {
        for some in questions.chunks(kind.size()) {
            let (aws, some) = (aws.clone(), some.to_vec());
            reads.push(Box::pin(async move { together(&aws, kind, some).await }));
        }
    }
    for ((registry, repository), questions) in images {
        for some in questions.chunks(IMAGES) {
            let (aws, some) = (aws.clone(), some.to_vec());
            let (registry, repository) = (registry.clone(), repository.clone());
            reads.push(Box::pin(async move {
                images_of(&aws, registry, repository, some).await
            }));
        }
    }
    for ((region, _), questions) in groups {
        let aws = aws.clone();
        reads.push(Box::pin(async move {
            log_groups(&aws, &region, questions).await
        }));
    }
    for (cluster, questions) in services {
        for some in questions.chunks(SERVICES) {
            let (aws, some, cluster) = (aws.clone(), some.to_vec(), cluster.clone());
            reads.push(Box::pin(
                async move { services_of(&aws, &cluster, some).await },
            ));
        }
    }
    reads
}

/// What is read many to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Parameters,
    Subnets,
    Groups,
    Vpcs,
    Clusters,
    TargetGroups,
    LoadBalancers,
}

impl Kind {
    /// How many to a call. Target groups and load balancers are read for the whole region, because a
    /// call that names one which is missing fails whole.
    fn size(self) -> usize {
        match self {
            Self::Parameters => PARAMETERS,
            Self::Subnets | Self::Groups | Self::Vpcs => IDS,
            Self::Clusters => CLUSTERS,
            Self::TargetGroups | Self::LoadBalancers => usize::MAX,
        }
    }
}

/// The name, id or ARN that a question is about.
fn id(question: &Question) -> &str {
    match question {
        Question::Parameter(id)
        | Question::Subnet(id)
        | Question::SecurityGroup(id)
        | Question::Vpc(id)
        | Question::Cluster(id)
        | Question::TargetGroup(id)
        | Question::TargetGroupNamed(id)
        | Question::LoadBalancer(id)
        | Question::LoadBalancerNamed(id) => id,
        Question::LogGroup { name, .. } | Question::Service { name, .. } => name,
        Question::Image { reference, .. } => reference,
        _ => "",
    }
}

async fn together(aws: &Aws, kind: Kind, questions: Vec<Question>) -> Answers {
    let ids: Vec<&str> = questions.iter().map(id).collect();
    let filter = |name: &str| json!({"Filter": [{"Name": name, "Value": ids}]});
    let found = match kind {
        Kind::Parameters => {
            let by_name = json!({"Key": "Name", "Option": "Equals", "Values": ids});
            let token = Token {
                asked: "NextToken",
                answered: "NextToken",
            };
            let listing = Listing {
                service: Service::Ssm,
                operation: "DescribeParameters",
                items: "Parameters",
                token,
                region: None,
            };
            let input = json!({"ParameterFilters": [by_name], "MaxResults": 50});
            aws.pages(&listing, input).await
        }
        Kind::Subnets => ec2(aws, "DescribeSubnets", filter("subnet-id"), "subnetSet").await,
        Kind::Groups => {
            let input = filter("group-id");
            ec2(aws, "DescribeSecurityGroups", input, "securityGroupInfo").await
        }
        Kind::Vpcs => ec2(aws, "DescribeVpcs", filter("vpc-id"), "vpcSet").await,
        Kind::Clusters => {
            let input = json!({"clusters": ids});
            one(aws, Service::Ecs, "DescribeClusters", input, "clusters").await
        }
        Kind::TargetGroups => elb(aws, "DescribeTargetGroups", json!({}), "TargetGroups").await,
        Kind::LoadBalancers => elb(aws, "DescribeLoadBalancers", json!({}), "LoadBalancers").await,
    };
    let members: &[&str] = match kind {
        Kind::Parameters => &["Name"],
        Kind::Subnets => &["subnetId"],
        Kind::Groups => &["groupId"],
        Kind::Vpcs => &["vpcId"],
        Kind::Clusters => &["clusterName", "clusterArn"],
        Kind::TargetGroups => &["TargetGroupArn", "TargetGroupName"],
        Kind::LoadBalancers => &["LoadBalancerArn", "LoadBalancerName"],
    };
    sorted(questions, found, members)
}

/// Each question's own among what was found; what is not among it is not there.
fn sorted(questions: Vec<Question>, found: Result<Vec<Value>, Fault>, members: &[&str]) -> Answers {
    let found = match found {
        Ok(found) => found,
        Err(fault) => return failed(questions, &fault),
    };
    let mut by_name: BTreeMap<&str, &Value> = BTreeMap::new();
    for one in &found {
        let names = members
            .iter()
            .filter_map(|member| one.get(*member)?.as_str());
        by_name.extend(names.map(|name| (name, one)));
    }
    questions
        .into_iter()
        .map(|question| {
            let answer = match by_name.get(id(&question)) {
                Some(found) => Answer::Present((*found).clone()),
                None => Answer::Absent,
            };
            (question, answer)
        })
        .collect()
}

fn failed(questions: Vec<Question>, fault: &Fault) -> Answers {
    questions
        .into_iter()
        .map(|question| (question, told(fault)))
        .collect()
}

/// What a refusal says.
fn told(fault: &Fault) -> Answer {
    match fault.class {
        Class::NotFound => Answer::Absent,
        class => Answer::Unknown(Ignorance {
            why: fault.to_string(),
            action: (class == Class::Denied).then(|| fault.action()),
        }),
    }
}

async fn images_of(
    aws: &Aws,
    registry: Option<String>,
    repository: String,
    questions: Vec<Question>,
) -> Answers {
    let ids: Vec<Value> = questions
        .iter()
        .map(|question| match id(question) {
            digest if digest.contains(':') => json!({"imageDigest": digest}),
            tag => json!({"imageTag": tag}),
        })
        .collect();
    let mut input =
        json!({"repositoryName": repository, "imageIds": ids, "acceptedMediaTypes": MANIFESTS});
    if let Some(registry) = &registry {
        input["registryId"] = registry.clone().into();
    }
    let of_repository = Question::Repository {
        registry,
        name: repository,
    };
    let answer = match call(aws, Service::Ecr, "BatchGetImage", input).await {
        Ok(answer) => answer,
        Err(fault) => {
            let mut answers = failed(questions, &fault);
            answers.push((of_repository, told(&fault)));
            return answers;
        }
    };
    let named = |one: &Value, reference: &str| {
        ["/imageId/imageTag", "/imageId/imageDigest"]
            .iter()
            .any(|member| one.pointer(member).and_then(Value::as_str) == Some(reference))
    };
    let list = |member: &str| answer.get(member).and_then(Value::as_array);
    let mut answers = vec![(of_repository, Answer::Present(json!({})))];
    for question in questions {
        let reference = id(&question);
        let of = |member: &str| {
            list(member)
                .into_iter()
                .flatten()
                .find(|one| named(one, reference))
        };
        let found = of("images").and_then(|image| image.get("imageManifest")?.as_str());
        let failure = of("failures").and_then(|failure| failure.get("failureCode")?.as_str());
        let seen = match (found, failure) {
            (Some(manifest), _) => {
                Answer::Present(serde_json::from_str(manifest).unwrap_or(Value::Null))
            }
            (None, Some("ImageNotFound")) => Answer::Absent,
            (None, Some(code)) => Answer::Unknown(Ignorance {
                why: format!("ecr BatchGetImage: {code}"),
                action: None,
            }),
            (None, None) => continue,
        };
        answers.push((question, seen));
    }
    answers
}

async fn services_of(aws: &Aws, cluster: &str, questions: Vec<Question>) -> Answers {
    let names: Vec<&str> = questions.iter().map(id).collect();
    let input = json!({"cluster": cluster, "services": names});
    let found = one(aws, Service::Ecs, "DescribeServices", input, "services").await;
    sorted(questions, found, &["serviceName"])
}

/// Lists the groups with the prefix that all of them have: a call for each would take a second for ten.
async fn log_groups(aws: &Aws, region: &str, questions: Vec<Question>) -> Answers {
    let token = Token {
        asked: "nextToken",
        answered: "nextToken",
    };
    let listing = Listing {
        service: Service::Logs,
        operation: "DescribeLogGroups",
        items: "logGroups",
        token,
        region: Some(region),
    };
    let prefix = common_prefix(questions.iter().map(id));
    let input = json!({"logGroupNamePrefix": prefix, "limit": 50});
    let found = aws.pages(&listing, input).await;
    sorted(questions, found, &["logGroupName"])
}

/// The longest text that all of these begin with.
fn common_prefix<'a>(mut names: impl Iterator<Item = &'a str>) -> &'a str {
    let first = names.next().unwrap_or_default();
    names.fold(first, |prefix, name| {
        let same = prefix.char_indices().zip(name.chars());
        let same = same.take_while(|((_, one), other)| one == other);
        let length = same.map(|((at, one), _)| at + one.len_utf8()).last();
        &prefix[..length.unwrap_or(0)]
    })
}

/// What log groups have in common if they are listed together: the folder that they are in. At the top
/// is everything of the account, so that there each is listed alone.
fn folder(name: &str) -> &str {
    match name.rfind('/') {
        None | Some(0) => name,
        Some(at) => &name[..=at],
    }
}

/// What is read one to a call.
async fn alone(aws: &Aws, question: Question) -> (Question, Answer) {
    let is_iam = matches!(&question, Question::Role(_) | Question::Allowed { .. });
    if is_iam && !cfg!(feature = "iam") {
        let why = "this build has no IAM; build it with the Cargo feature `iam`".to_owned();
        return (question, Answer::NotAsked(why));
    }
    let found = match &question {
        Question::Role(name) => {
            let input = json!({"RoleName": name});
            part(aws, Service::Iam, "GetRole", input, "Role").await
        }
        Question::Allowed {
            role,
            action,
            resource,
        } => allowed(aws, role, action, resource).await,
        Question::Secret(name) => {
            let input = json!({"SecretId": name});
            call(aws, Service::SecretsManager, "DescribeSecret", input).await
        }
        Question::Listeners(arn) => {
            let input = json!({"LoadBalancerArn": arn});
            let all = elb(aws, "DescribeListeners", input, "Listeners").await;
            all.map(|all| json!({"Listeners": all}))
        }
        Question::Rules(arn) => {
            let input = json!({"ListenerArn": arn});
            let all = elb(aws, "DescribeRules", input, "Rules").await;
            all.map(|all| json!({"Rules": all}))
        }
        Question::Listener(arn) => {
            let input = json!({"ListenerArns": [arn]});
            only(elb(aws, "DescribeListeners", input, "Listeners").await)
        }
        Question::Rule(arn) => {
            let input = json!({"RuleArns": [arn]});
            only(elb(aws, "DescribeRules", input, "Rules").await)
        }
        Question::DeploymentGroup { application, name } => {
            let input = json!({"applicationName": application, "deploymentGroupName": name});
            let (operation, member) = ("GetDeploymentGroup", "deploymentGroupInfo");
            part(aws, Service::CodeDeploy, operation, input, member).await
        }
        Question::DeploymentConfig(name) => {
            let input = json!({"deploymentConfigName": name});
            let (operation, member) = ("GetDeploymentConfig", "deploymentConfigInfo");
            part(aws, Service::CodeDeploy, operation, input, member).await
        }
        // Answered with others, or along with its images.
        _ => Ok(Value::Null),
    };
    let answer = match found {
        Ok(Value::Null) => Answer::Unknown(Ignorance {
            why: "AWS's answer passes over it".to_owned(),
            action: None,
        }),
        Ok(value) => Answer::Present(value),
        Err(fault) => told(&fault),
    };
    (question, answer)
}

async fn allowed(aws: &Aws, role: &str, action: &str, resource: &str) -> Result<Value, Fault> {
    let input = json!({
        "PolicySourceArn": role,
        "ActionNames": [action],
        "ResourceArns": [resource],
    });
    let (operation, member) = ("SimulatePrincipalPolicy", "EvaluationResults");
    let results = part(aws, Service::Iam, operation, input, member).await?;
    let decision = results.pointer("/0/EvalDecision").and_then(Value::as_str);
    Ok(decision.map_or(
        Value::Null,
        |decision| json!({"allowed": decision == "allowed"}),
    ))
}

async fn call(
    aws: &Aws,
    service: Service,
    operation: &'static str,
    input: Value,
) -> Result<Value, Fault> {
    let call = Call {
        service,
        operation,
        input,
    };
    aws.call(&call).await
}

/// One member of an answer; `Null` if it has none.
async fn part(
    aws: &Aws,
    service: Service,
    operation: &'static str,
    input: Value,
    member: &str,
) -> Result<Value, Fault> {
    let mut answer = call(aws, service, operation, input).await?;
    Ok(answer.get_mut(member).map(Value::take).unwrap_or_default())
}

/// The list of an answer that has no further pages.
async fn one(
    aws: &Aws,
    service: Service,
    operation: &'static str,
    input: Value,
    items: &str,
) -> Result<Vec<Value>, Fault> {
    let mut answer = call(aws, service, operation, input).await?;
    list(service, operation, &mut answer, items)
}

/// The first of a listing.
fn only(all: Result<Vec<Value>, Fault>) -> Result<Value, Fault> {
    Ok(all?.into_iter().next().unwrap_or_default())
}

async fn ec2(
    aws: &Aws,
    operation: &'static str,
    input: Value,
    items: &'static str,
) -> Result<Vec<Value>, Fault> {
    let token = Token {
        asked: "NextToken",
        answered: "nextToken",
    };
    let listing = Listing {
        service: Service::Ec2,
        operation,
        items,
        token,
        region: None,
    };
    aws.pages(&listing, input).await
}

async fn elb(
    aws: &Aws,
    operation: &'static str,
    mut input: Value,
    items: &'static str,
) -> Result<Vec<Value>, Fault> {
    // A call that names what it wants has one page.
    if input.get("ListenerArns").is_none() && input.get("RuleArns").is_none() {
        input["PageSize"] = 400.into();
    }
    let token = Token {
        asked: "Marker",
        answered: "NextMarker",
    };
    let listing = Listing {
        service: Service::Elb,
        operation,
        items,
        token,
        region: None,
    };
    aws.pages(&listing, input).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_groups_are_listed_by_what_they_have_in_common() {
        for (names, prefix) in [
            (&["/ecs/nova/auth", "/ecs/nova/api"][..], "/ecs/nova/a"),
            (&["/ecs/web"], "/ecs/web"),
            (&["ä1", "ä2"], "ä"),
            (&["web", "web-2"], "web"),
            (&["a", "b"], ""),
        ] {
            assert_eq!(common_prefix(names.iter().copied()), prefix);
        }
        for (name, of) in [
            ("/ecs/nova/auth", "/ecs/nova/"),
            ("/myapp", "/myapp"),
            ("myapp", "myapp"),
        ] {
            assert_eq!(folder(name), of);
        }
    }
}
