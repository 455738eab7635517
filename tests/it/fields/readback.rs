//! What AWS says of a case's resource, and what AWS was sent for it.

use evenkeel::model::{Kind, Service};
use serde_json::{Value, json};

use super::cases::Case;
use crate::sim::world::World;

/// The answers of AWS about every resource of a kind, by what names it.
pub(super) struct Live {
    kind: Kind,
    documents: Vec<Value>,
}

impl Live {
    /// Reads all resources of the cases.
    pub(super) async fn read(world: &World, kind: Kind, specs: &[&Value]) -> Self {
        let mut documents = Vec::new();
        match kind {
            Kind::Cluster => {
                for name in names(specs, "clusterName").chunks(100) {
                    let input = json!({"clusters": name, "include": ["TAGS", "SETTINGS", "CONFIGURATIONS"]});
                    documents.extend(
                        list(world, Service::Ecs, "DescribeClusters", input, "clusters").await,
                    );
                }
            }
            Kind::TaskDefinition => {
                for family in names(specs, "family") {
                    let input = json!({"taskDefinition": family, "include": ["TAGS"]});
                    let mut answer = world
                        .person
                        .call(Service::Ecs, "DescribeTaskDefinition", input)
                        .await;
                    let mut document = answer["taskDefinition"].take();
                    document["tags"] = answer["tags"].take();
                    documents.push(document);
                }
            }
            Kind::Service => {
                for cluster in ["main", "other"] {
                    for names in names(specs, "serviceName").chunks(10) {
                        let input =
                            json!({"cluster": cluster, "services": names, "include": ["TAGS"]});
                        let found =
                            list(world, Service::Ecs, "DescribeServices", input, "services").await;
                        let found = with_revisions(world, found).await;
                        documents.extend(found.into_iter().map(with_deployment));
                    }
                }
            }
            Kind::ImageRepository => {
                let input = json!({"repositoryNames": names(specs, "repositoryName")});
                for mut one in list(
                    world,
                    Service::Ecr,
                    "DescribeRepositories",
                    input,
                    "repositories",
                )
                .await
                {
                    let input = json!({"resourceArn": one["repositoryArn"]});
                    one["tags"] = world
                        .person
                        .call(Service::Ecr, "ListTagsForResource", input)
                        .await["tags"]
                        .take();
                    documents.push(one);
                }
            }
            Kind::TargetGroup => {
                let all = list(
                    world,
                    Service::Elb,
                    "DescribeTargetGroups",
                    json!({}),
                    "TargetGroups",
                )
                .await;
                documents = with_tags(world, all, "TargetGroupArn").await;
            }
            Kind::LoadBalancer => {
                let all = list(
                    world,
                    Service::Elb,
                    "DescribeLoadBalancers",
                    json!({}),
                    "LoadBalancers",
                )
                .await;
                let all = with_tags(world, all, "LoadBalancerArn").await;
                documents = all.into_iter().map(with_subnets).collect();
            }
            Kind::Listener => {
                for balancer in list(
                    world,
                    Service::Elb,
                    "DescribeLoadBalancers",
                    json!({}),
                    "LoadBalancers",
                )
                .await
                {
                    let input = json!({"LoadBalancerArn": balancer["LoadBalancerArn"]});
                    let all =
                        list(world, Service::Elb, "DescribeListeners", input, "Listeners").await;
                    documents.extend(with_tags(world, all, "ListenerArn").await);
                }
            }
            Kind::ListenerRule => {
                for balancer in list(
                    world,
                    Service::Elb,
                    "DescribeLoadBalancers",
                    json!({}),
                    "LoadBalancers",
                )
                .await
                {
                    let input = json!({"LoadBalancerArn": balancer["LoadBalancerArn"]});
                    for listener in
                        list(world, Service::Elb, "DescribeListeners", input, "Listeners").await
                    {
                        let input = json!({"ListenerArn": listener["ListenerArn"]});
                        let mut all =
                            list(world, Service::Elb, "DescribeRules", input, "Rules").await;
                        for rule in &mut all {
                            rule["ListenerArn"] = listener["ListenerArn"].clone();
                        }
                        documents.extend(with_tags(world, all, "RuleArn").await);
                    }
                }
            }
            Kind::DeploymentGroup => {
                for spec in specs {
                    let (application, group) =
                        (&spec["applicationName"], &spec["deploymentGroupName"]);
                    let input =
                        json!({"applicationName": application, "deploymentGroupNames": [group]});
                    for mut one in list(
                        world,
                        Service::CodeDeploy,
                        "BatchGetDeploymentGroups",
                        input,
                        "deploymentGroupsInfo",
                    )
                    .await
                    {
                        let text = |value: &Value| value.as_str().unwrap().to_owned();
                        let arn = format!(
                            "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:{}/{}",
                            text(application),
                            text(group)
                        );
                        let input = json!({"ResourceArn": arn});
                        one["tags"] = world
                            .person
                            .call(Service::CodeDeploy, "ListTagsForResource", input)
                            .await["Tags"]
                            .take();
                        documents.push(one);
                    }
                }
            }
            Kind::ScalableTarget => {
                for mut one in scaling(world, "DescribeScalableTargets", "ScalableTargets").await {
                    let input = json!({"ResourceARN": one["ScalableTargetARN"]});
                    let person = &world.person;
                    let mut answer = person
                        .call(Service::Scaling, "ListTagsForResource", input)
                        .await;
                    one["Tags"] = answer["Tags"].take();
                    documents.push(one);
                }
            }
            Kind::ScalingPolicy => {
                documents = scaling(world, "DescribeScalingPolicies", "ScalingPolicies").await;
            }
        }
        Self { kind, documents }
    }

    /// What AWS says of the resource that a spec declares.
    pub(super) fn of(&self, spec: &Value) -> Option<&Value> {
        self.documents
            .iter()
            .find(|document| is(self.kind, spec, document))
    }
}

/// The newest input with which AWS was told of the resource that a spec declares.
pub(super) fn sent(world: &World, case: &Case, spec: &Value) -> Option<Value> {
    let operation = match case.kind {
        Kind::Cluster => "CreateCluster",
        Kind::ImageRepository => "CreateRepository",
        Kind::TaskDefinition => "RegisterTaskDefinition",
        Kind::TargetGroup => "CreateTargetGroup",
        Kind::LoadBalancer => "CreateLoadBalancer",
        Kind::Listener => "CreateListener",
        Kind::ListenerRule => "CreateRule",
        Kind::Service => "CreateService",
        Kind::DeploymentGroup => "CreateDeploymentGroup",
        Kind::ScalableTarget => "RegisterScalableTarget",
        Kind::ScalingPolicy => "PutScalingPolicy",
    };
    world.mounted.with(|sandbox| {
        let entries = sandbox.mutations().filter(|entry| {
            entry.operation == operation
                && entry.error.is_none()
                && is(case.kind, spec, &entry.input)
        });
        entries.last().map(|entry| entry.input.clone())
    })
}

/// The newest input of `UpdateService` for a case whose member it takes.
pub(super) fn updated(world: &World, case: &Case, spec: &Value) -> Option<Value> {
    let elsewhere = ["cluster", "serviceName", "tags"];
    let member = case.path.split(['.', '[']).next().unwrap_or_default();
    if case.kind != Kind::Service || elsewhere.contains(&member) {
        return None;
    }
    let sent = world.mounted.with(|sandbox| {
        let entries = sandbox.mutations().filter(|entry| {
            entry.operation == "UpdateService" && entry.input["service"] == spec["serviceName"]
        });
        entries.last().map(|entry| entry.input.clone())
    });
    Some(sent.unwrap_or(Value::Null))
}

/// Whether a document is of the resource that a spec declares.
fn is(kind: Kind, spec: &Value, document: &Value) -> bool {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    if let Some(name) = spec.get("ServiceRef").and_then(Value::as_str) {
        let id = format!("service/main/{name}");
        let named = spec.get("PolicyName");
        return document["ResourceId"] == id
            && named.is_none_or(|name| document["PolicyName"] == *name);
    }
    let member = match kind {
        Kind::Cluster => "clusterName",
        Kind::ImageRepository => "repositoryName",
        Kind::TaskDefinition => "family",
        Kind::TargetGroup | Kind::LoadBalancer => "Name",
        Kind::Listener => "Port",
        Kind::ListenerRule => "Priority",
        Kind::Service => "serviceName",
        Kind::DeploymentGroup => "deploymentGroupName",
        Kind::ScalableTarget | Kind::ScalingPolicy => "ResourceId",
    };
    let own = document.get(member).or_else(|| {
        document.get(match kind {
            Kind::TargetGroup => "TargetGroupName",
            Kind::LoadBalancer => "LoadBalancerName",
            _ => member,
        })
    });
    own.is_some_and(|own| text(own) == text(&spec[member]))
}

fn names(specs: &[&Value], member: &str) -> Vec<String> {
    specs
        .iter()
        .map(|spec| spec[member].as_str().unwrap().to_owned())
        .collect()
}

async fn list(
    world: &World,
    service: Service,
    operation: &'static str,
    input: Value,
    member: &str,
) -> Vec<Value> {
    let mut all = Vec::new();
    let mut input = input;
    loop {
        let mut answer = world.person.call(service, operation, input.clone()).await;
        if let Value::Array(page) = answer[member].take() {
            all.extend(page);
        }
        match answer.get("NextMarker").and_then(Value::as_str) {
            Some(next) if !next.is_empty() => input["Marker"] = json!(next),
            _ => return all,
        }
    }
}

/// Every page of a listing of Application Auto Scaling.
async fn scaling(world: &World, operation: &'static str, member: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut input = json!({"ServiceNamespace": "ecs"});
    loop {
        let mut answer = world
            .person
            .call(Service::Scaling, operation, input.clone())
            .await;
        if let Value::Array(page) = answer[member].take() {
            all.extend(page);
        }
        match answer.get("NextToken").and_then(Value::as_str) {
            Some(next) => input["NextToken"] = json!(next),
            None => return all,
        }
    }
}

async fn with_tags(world: &World, mut documents: Vec<Value>, arn: &str) -> Vec<Value> {
    for chunk in documents.chunks_mut(20) {
        let arns: Vec<Value> = chunk.iter().map(|document| document[arn].clone()).collect();
        let found = list(
            world,
            Service::Elb,
            "DescribeTags",
            json!({"ResourceArns": arns}),
            "TagDescriptions",
        )
        .await;
        for document in chunk {
            let tags = found.iter().find(|one| one["ResourceArn"] == document[arn]);
            document["Tags"] = tags.map_or(Value::Null, |one| one["Tags"].clone());
            in_the_words_of_the_request(document);
        }
    }
    documents
}

/// Members that answers spell or place otherwise than requests do.
fn in_the_words_of_the_request(document: &mut Value) {
    for name in ["TargetGroupName", "LoadBalancerName"] {
        if let Some(name) = document.get(name).cloned() {
            document["Name"] = name;
        }
    }
    for condition in document
        .get_mut("Conditions")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(expressions) = condition.pointer("/PathPatternConfig/RegexValues").cloned() {
            condition["RegexValues"] = expressions;
        }
    }
}

/// A load balancer with its availability zones as its creation takes them.
fn with_subnets(mut balancer: Value) -> Value {
    let mut subnets = Vec::new();
    let mut mappings = Vec::new();
    for zone in balancer["AvailabilityZones"]
        .as_array()
        .into_iter()
        .flatten()
    {
        subnets.push(zone["SubnetId"].clone());
        let mut mapping = zone["LoadBalancerAddresses"][0].clone();
        if !mapping.is_object() {
            mapping = json!({});
        }
        mapping["SubnetId"] = zone["SubnetId"].clone();
        if let Some(prefix) = zone["SourceNatIpv6Prefixes"][0].as_str() {
            mapping["SourceNatIpv6Prefix"] = json!(prefix);
        }
        mappings.push(mapping);
    }
    balancer["Subnets"] = Value::from(subnets);
    balancer["SubnetMappings"] = Value::from(mappings);
    balancer
}

/// Services with what only their revisions read back.
async fn with_revisions(world: &World, mut services: Vec<Value>) -> Vec<Value> {
    let arn = |service: &Value| service.pointer("/currentServiceRevisions/0/arn").cloned();
    let arns: Vec<Value> = services.iter().filter_map(arn).collect();
    if arns.is_empty() {
        return services;
    }
    let input = json!({"serviceRevisionArns": arns});
    let operation = "DescribeServiceRevisions";
    let revisions = list(world, Service::Ecs, operation, input, "serviceRevisions").await;
    for service in &mut services {
        let arn = arn(service);
        let revision = revisions
            .iter()
            .find(|one| Some(&one["serviceRevisionArn"]) == arn.as_ref());
        for member in ["gatewayConnectors", "monitoring"] {
            assert_eq!(service.get(member), None, "the service does not say it");
            if let Some(value) = revision.and_then(|revision| revision.get(member)) {
                service[member] = value.clone();
            }
        }
    }
    services
}

/// A service with what only its primary deployment reads back.
fn with_deployment(mut service: Value) -> Value {
    let deployments = service["deployments"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    if let Some(primary) = deployments.iter().find(|one| one["status"] == "PRIMARY") {
        for (member, value) in primary.as_object().unwrap() {
            if service.get(member).is_none() {
                service[member] = value.clone();
            }
        }
    }
    for (member, source) in [("cluster", "clusterArn"), ("role", "roleArn")] {
        service[member] = service[source].clone();
    }
    service
}
