//! Real files of other projects, as a yardstick: every one that AWS's own model takes must load and
//! come to rest on the simulated AWS, or stand in [`REFUSED`] with the reason.
//!
//! The files are not in this repository. `EVENKEEL_CORPUS` names a folder of them with a
//! `MANIFEST.tsv` (columns `file`, `kind` and `botocore_valid`, among others):
//!
//! ```text
//! EVENKEEL_CORPUS=<folder> cargo test --features corpus --test it corpus -- --nocapture
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evenkeel::manifest::{LoadOptions, Severity, SourceFile, load};
use evenkeel::model::{Block, Outcome, Wait};
use serde_json::{Map, Value, json};

use super::sim::world::{World, outcomes, pass};

/// Files that are refused although botocore's model takes them: the end of the file's name, and why.
/// The model checks types and lengths; names, enum values and whatever joins two members, it does not.
const REFUSED: &[(&str, &str)] = &[
    ("aereal+ecspresso__tests__ci__ecs-task-def.json", TEMPLATE),
    ("aereal+ecspresso__tests__ecs-task-def.json", TEMPLATE),
    ("aereal+ecspresso__tests__td-in-tags.json", TEMPLATE),
    ("aereal+ecspresso__tests__td-plain-in-tags.json", TEMPLATE),
    ("aereal+ecspresso__tests__td-plain.json", TEMPLATE),
    ("aereal+ecspresso__tests__td.json", TEMPLATE),
    (
        "hxrxchang+ecspresso-example__ecspresso__ecs-service-def.json",
        TEMPLATE,
    ),
    (
        "hxrxchang+ecspresso-example__ecspresso__ecs-task-def.json",
        TEMPLATE,
    ),
    ("kayac+ecspresso__tests__ci__ecs-service-def.json", TEMPLATE),
    ("kayac+ecspresso__tests__ci__ecs-task-def.json", TEMPLATE),
    (
        "kayac+ecspresso__tests__ecs-task-def-multiple-plugins.json",
        TEMPLATE,
    ),
    ("kayac+ecspresso__tests__run-test-td.json", TEMPLATE),
    ("kayac+ecspresso__tests__td.json", TEMPLATE),
    (
        "MtkN1+cloud-bot-deploy-template__ecs-task-def.json",
        TEMPLATE,
    ),
    ("23prime+gokabot__taskdef.json", PLACEHOLDER),
    ("aws-samples+java-sample-app__taskdef.json", PLACEHOLDER),
    (
        "tomofuminijo+aws-ecs-bluegreen-deployment-sample__taskdef.json",
        PLACEHOLDER,
    ),
    (
        "tomofuminijo+aws-ecs-bluegreen-deployment-sample__create-service.json",
        PLACEHOLDER,
    ),
    ("fluent-bit-log-pipeline__task-definition.json", PLACEHOLDER),
    (
        "cloud-firelens-crash-repro-template__task-def-template.json",
        PLACEHOLDER,
    ),
    ("awslogs-benchmarking-scripts__task-def.json", PLACEHOLDER),
    ("s3-trigger-ecs-task__ecs-task.json", PLACEHOLDER),
    (
        "ssm-secrets-manager__ssm-secrets-task-definition.json",
        PLACEHOLDER,
    ),
    (
        "ecs-bg-external-controller__infrastructure__TaskDefinition.template.json",
        PLACEHOLDER,
    ),
    (
        "gweecl+amazon-ecs-laravel__template-service-definition.json",
        PLACEHOLDER,
    ),
    (
        "service/aereal+ecspresso__tests__ecs-service-def.json",
        PUBLIC,
    ),
    ("service/aereal+ecspresso__tests__sv.json", PUBLIC),
    ("service/kayac+ecspresso__tests__sv.json", PUBLIC),
    ("gunicorn__gunicorn_fargate.json", ROLE),
    ("jetty__jetty_fargate.json", ROLE),
    ("kibana__kibana_fargate.json", ROLE),
    ("nginx__nginx_fargate.json", ROLE),
    ("tomcat__tomcat_fargate.json", ROLE),
    ("wildfly__wildfly_fargate.json", ROLE),
    (
        "amazon-ecs-gmsa__ecs-deployments__sql-task-definition.json",
        "secrets without executionRoleArn",
    ),
    (
        "kibana__kibana_ec2.json",
        "awsvpc, and a host port that is not the container port",
    ),
    (
        "tomcat__tomcat_ec2.json",
        "awsvpc, and a host port that is not the container port",
    ),
    (
        "aws-prometheus__ecs-ec2-task-def.json",
        "networkMode is `default`",
    ),
    (
        "createServerGroup-artifact-Fargate-targetGroup-artifactFile.json",
        "networkMode is `aws-vpc`",
    ),
    (
        "EC2-TGMappings-multipleLBsAndContainers-artifactFile.json",
        "containers with more cpu than the task",
    ),
    (
        "EC2-targetGroup-WithNoContainers-artifactFile.json",
        "no container",
    ),
];

const TEMPLATE: &str = "ecspresso template: an image, name or choice is `{{ ... }}`";
const PLACEHOLDER: &str = "placeholder: an image or name is to be filled in";
const PUBLIC: &str = "EC2 tasks with public addresses";
const ROLE: &str = "Fargate logs with awslogs, without executionRoleArn";

struct Row {
    file: String,
    kind: String,
}

/// The rows that botocore's model takes, possibly without what a description adds and without nulls.
fn rows(root: &Path) -> Vec<Row> {
    let table = std::fs::read_to_string(root.join("MANIFEST.tsv")).unwrap();
    let mut lines = table.lines();
    let columns: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let at = |name: &str| columns.iter().position(|column| *column == name).unwrap();
    let (file, kind, valid) = (at("file"), at("kind"), at("botocore_valid"));
    lines
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|cells| cells[valid].starts_with("valid") || cells[kind] == "service-describe")
        .map(|cells| Row {
            file: cells[file].to_owned(),
            kind: cells[kind].to_owned(),
        })
        .collect()
}

fn is_service(row: &Row) -> bool {
    row.kind.starts_with("service")
}

fn is_task_definition(row: &Row) -> bool {
    row.kind == "taskdef" || row.kind.starts_with("describe")
}

fn manifest(kind: &str, name: &str, member: &str, value: &Value) -> (String, Vec<u8>) {
    let document = json!({
        "apiVersion": "evenkeel.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        member: value,
    });
    (
        format!("{kind}-{name}.json"),
        document.to_string().into_bytes(),
    )
}

/// A task definition's file as it is, and a manifest that names it.
fn task_definition(root: &Path, row: &Row) -> Vec<(String, Vec<u8>)> {
    let bytes = std::fs::read(root.join(&row.file)).unwrap();
    let ending = row.file.rsplit('.').next().unwrap();
    let file = format!("taskdef.{ending}");
    vec![
        manifest("TaskDefinition", "corpus", "specFile", &json!(file)),
        (file, bytes),
    ]
}

/// A service's document, and manifests of what it needs. What other manifests stand for is named in
/// the place of the file's own ARNs: its task definition, cluster and target groups.
fn service(root: &Path, row: &Row) -> Vec<(String, Vec<u8>)> {
    let text = std::fs::read_to_string(root.join(&row.file)).unwrap();
    let mut spec: Value = serde_saphyr::from_str(&text).unwrap();
    if let Some(inner) = spec.get_mut("services").and_then(|all| all.get_mut(0)) {
        spec = inner.take();
    }
    let members = spec.as_object_mut().unwrap();
    members.remove("taskDefinition");
    members.remove("clusterArn");
    members.insert("taskDefinitionRef".to_owned(), json!("corpus"));
    let mut files = Vec::new();
    let cluster = members.remove("cluster");
    let cluster = cluster
        .as_ref()
        .and_then(Value::as_str)
        .unwrap_or("default");
    let cluster = cluster.rsplit('/').next().unwrap().to_owned();
    members.insert("clusterRef".to_owned(), json!("corpus"));
    files.push(manifest(
        "Cluster",
        "corpus",
        "spec",
        &json!({"clusterName": cluster}),
    ));
    let awsvpc = members.contains_key("networkConfiguration");
    if let Some(network) = members.get_mut("networkConfiguration") {
        real_ids(&mut network["awsvpcConfiguration"]);
    }
    let fargate = members.get("launchType") == Some(&json!("FARGATE"));
    let balancers = members
        .get_mut("loadBalancers")
        .and_then(Value::as_array_mut);
    let ports = balancers
        .map(|all| balance(all, awsvpc, &mut files))
        .unwrap_or_default();
    files.push(manifest(
        "TaskDefinition",
        "corpus",
        "spec",
        &stub(&ports, awsvpc, fargate),
    ));
    if spec["deploymentController"]["type"] == "CODE_DEPLOY" {
        files.push(manifest(
            "DeploymentGroup",
            "corpus",
            "spec",
            &deployment_group(),
        ));
    }
    files.push(manifest("Service", "corpus", "spec", &spec));
    files
}

/// The files' subnets and groups are made up or templates; these are of the right form.
fn real_ids(network: &mut Value) {
    for (member, id) in [
        ("subnets", "subnet-0a1b2c3d"),
        ("securityGroups", "sg-0a1b2c3d"),
    ] {
        if network.get(member).is_some_and(Value::is_array) {
            network[member] = json!([id]);
        }
    }
}

/// Puts references in the place of target groups, and gives the ports that are asked of containers.
fn balance(
    entries: &mut [Value],
    awsvpc: bool,
    files: &mut Vec<(String, Vec<u8>)>,
) -> Vec<(String, i64)> {
    let mut ports = Vec::new();
    let mut rules = Vec::new();
    for (at, entry) in entries.iter_mut().enumerate() {
        let entry = entry.as_object_mut().unwrap();
        ports.push((
            entry["containerName"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            entry["containerPort"].as_i64().unwrap_or(80),
        ));
        if entry.remove("targetGroupArn").is_some() {
            entry.insert("targetGroupRef".to_owned(), json!(format!("group-{at}")));
            rules.push(at);
        }
    }
    if rules.is_empty() {
        return ports;
    }
    let kind = if awsvpc { "ip" } else { "instance" };
    let group =
        json!({"Protocol": "HTTP", "Port": 80, "VpcId": "vpc-0a1b2c3d", "TargetType": kind});
    for at in rules.iter().copied().chain([9]) {
        files.push(manifest(
            "TargetGroup",
            &format!("group-{at}"),
            "spec",
            &group,
        ));
    }
    files.push(manifest(
        "LoadBalancer",
        "corpus",
        "spec",
        &json!({"Subnets": ["subnet-0a1b2c3d", "subnet-0a1b2c3e"]}),
    ));
    let forward = |at: &usize| json!({"Type": "forward", "TargetGroupRef": format!("group-{at}")});
    let listener = |port: i64, action: Value| json!({"LoadBalancerRef": "corpus", "Protocol": "HTTP", "Port": port, "DefaultActions": [action]});
    for (port, at) in (80..).zip(&rules) {
        files.push(manifest(
            "Listener",
            &port.to_string(),
            "spec",
            &listener(port, forward(at)),
        ));
    }
    files.push(manifest(
        "Listener",
        "test",
        "spec",
        &listener(9000, forward(&9)),
    ));
    ports
}

fn stub(ports: &[(String, i64)], awsvpc: bool, fargate: bool) -> Value {
    let mut containers: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (name, port) in ports {
        containers
            .entry(name)
            .or_default()
            .push(json!({"containerPort": port}));
    }
    if containers.is_empty() {
        containers.insert("main", Vec::new());
    }
    let containers: Vec<Value> = containers
        .into_iter()
        .map(|(name, ports)| json!({"name": name, "image": "public.ecr.aws/a/b:1", "portMappings": ports}))
        .collect();
    let mut spec = json!({"cpu": "256", "memory": "512", "containerDefinitions": containers});
    if awsvpc {
        spec["networkMode"] = json!("awsvpc");
    }
    if fargate {
        spec["requiresCompatibilities"] = json!(["FARGATE"]);
    }
    spec
}

fn deployment_group() -> Value {
    json!({
        "applicationName": "corpus",
        "serviceRoleArn": "arn:aws:iam::123456789012:role/codedeploy",
        "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce",
        "deploymentStyle": {"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        "ecsServices": [{"serviceRef": "corpus"}],
        "loadBalancerInfo": {"targetGroupPairInfoList": [{
            "targetGroups": [{"targetGroupRef": "group-0"}, {"targetGroupRef": "group-9"}],
            "prodTrafficRoute": {"listenerRefs": ["80"]},
        }]},
        "blueGreenDeploymentConfiguration": {
            "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT"},
            "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE"},
        },
    })
}

/// What stands in the way of loading, as `code path: message`.
fn errors(files: &[(String, Vec<u8>)]) -> Vec<String> {
    let files: Vec<SourceFile> = files
        .iter()
        .map(|(path, bytes)| SourceFile {
            path: path.clone(),
            bytes: bytes.clone(),
        })
        .collect();
    let loaded = load(&files, &LoadOptions::default());
    let errors = loaded
        .diagnostics
        .iter()
        .filter(|one| one.severity == Severity::Error);
    errors
        .map(|one| format!("{} {}: {}", one.code, one.path, one.message))
        .collect()
}

/// How the files fare on the simulated AWS: a word for it; an error if anything is refused, or written
/// although nothing changed.
async fn round_trip(files: &[(String, Vec<u8>)]) -> Result<&'static str, String> {
    let world = World::of(files).await;
    let daemon = world.daemon().await;
    let mut word = None;
    for _ in 0..30 {
        pass(Duration::from_mins(1)).await;
        let status = daemon.board.read();
        let open = status
            .resources
            .values()
            .map(|one| &one.outcome)
            .filter(|outcome| **outcome != Outcome::Converged);
        let open: Vec<&Outcome> = open.collect();
        word = match open[..] {
            _ if !status.first_cycle_done || status.resources.is_empty() => None,
            [] => Some("round trip"),
            [Outcome::Blocked(Block::Unsupported, _)] => {
                Some("loaded, left alone: controller EXTERNAL")
            }
            [Outcome::Waiting(Wait::RolloutInProgress, _)] => {
                Some("made; there is no instance for its tasks")
            }
            _ => None,
        };
        if word == Some("round trip") {
            break;
        }
    }
    let Some(word) = word else {
        return Err(outcomes(&daemon.board.read()));
    };
    let before = world.writes();
    pass(Duration::from_mins(11)).await;
    daemon.stop().await;
    let after = world.writes();
    if after == before {
        Ok(word)
    } else {
        Err(format!("written at rest: {:?}", &after[before.len()..]))
    }
}

#[tokio::test(start_paused = true)]
async fn real_files_are_accepted_and_come_to_rest() {
    let root = PathBuf::from(std::env::var("EVENKEEL_CORPUS").unwrap());
    let mut figures: Map<String, Value> = Map::new();
    let mut wrong = Vec::new();
    for row in rows(&root) {
        let files = if is_service(&row) {
            service(&root, &row)
        } else if is_task_definition(&row) {
            task_definition(&root, &row)
        } else {
            continue;
        };
        let reason = REFUSED.iter().find(|(end, _)| row.file.ends_with(end));
        let errors = errors(&files);
        let word = match (errors.is_empty(), reason) {
            (false, Some(_)) => "refused, rightly",
            (false, None) => {
                wrong.push(format!("{} is refused: {errors:#?}", row.file));
                "refused"
            }
            (true, Some(_)) => {
                wrong.push(format!("{} is accepted, and stands in the list", row.file));
                "accepted"
            }
            (true, None) => match round_trip(&files).await {
                Ok(word) => word,
                Err(open) if open.contains("Classic Load Balancers are not simulated") => {
                    "loaded; Classic Load Balancers are not simulated"
                }
                Err(open) => {
                    wrong.push(format!("{} does not come to rest: {open}", row.file));
                    "accepted"
                }
            },
        };
        let kind = if is_service(&row) {
            "service"
        } else {
            "task definition"
        };
        let count = figures.entry(format!("{kind}, {word}")).or_insert(json!(0));
        *count = json!(count.as_i64().unwrap() + 1);
    }
    println!("{}", serde_json::to_string_pretty(&figures).unwrap());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A service that is deployed as an `AppSpec` says, and manifests of what it needs.
fn service_of_app_spec(properties: &Value, hooks: &Value) -> Vec<(String, Vec<u8>)> {
    let balancer = &properties["LoadBalancerInfo"];
    let port = &balancer["ContainerPort"];
    let port = port
        .as_i64()
        .or_else(|| port.as_str()?.parse().ok())
        .unwrap();
    let mut spec = json!({
        "deploymentController": {"type": "CODE_DEPLOY"},
        "desiredCount": 1,
        "taskDefinitionRef": "corpus",
        "clusterRef": "corpus",
        "networkConfiguration": {"awsvpcConfiguration": {
            "subnets": ["subnet-0a1b2c3d"],
            "securityGroups": ["sg-0a1b2c3d"],
        }},
        "loadBalancers": [
            {"targetGroupArn": "", "containerName": balancer["ContainerName"], "containerPort": port},
        ],
    });
    if let Some(network) = properties.pointer("/NetworkConfiguration/AwsvpcConfiguration") {
        spec["networkConfiguration"] = json!({"awsvpcConfiguration": {
            "subnets": network["Subnets"],
            "securityGroups": network["SecurityGroups"],
            "assignPublicIp": network["AssignPublicIp"],
        }});
    }
    if let Some(version) = properties.get("PlatformVersion") {
        spec["platformVersion"] = version.clone();
    }
    if let Some(providers) = properties["CapacityProviderStrategy"].as_array() {
        let provider = |one: &Value| json!({"base": one["Base"], "capacityProvider": one["CapacityProvider"], "weight": one["Weight"]});
        spec["capacityProviderStrategy"] = providers.iter().map(provider).collect();
    } else {
        spec["launchType"] = json!("FARGATE");
    }
    let mut files = vec![
        manifest(
            "Cluster",
            "corpus",
            "spec",
            &json!({"capacityProviders": ["FARGATE", "FARGATE_SPOT"]}),
        ),
        manifest("DeploymentGroup", "corpus", "spec", &deployment_group()),
    ];
    let entries = spec["loadBalancers"].as_array_mut().unwrap();
    let ports = balance(entries, true, &mut files);
    files.push(manifest(
        "TaskDefinition",
        "corpus",
        "spec",
        &stub(&ports, true, true),
    ));
    let (name, bytes) = manifest("Service", "corpus", "spec", &spec);
    let mut service: Value = serde_json::from_slice(&bytes).unwrap();
    let hooks: Map<String, Value> = hooks
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|hook| hook.as_object().unwrap().clone())
        .collect();
    if !hooks.is_empty() {
        service["rollout"] = json!({"hooks": hooks});
    }
    files.push((name, service.to_string().into_bytes()));
    files
}

/// The `AppSpec` of the only deployment so far.
fn deployed(world: &World) -> Value {
    let contents: Vec<String> = world.mounted.with(|sandbox| {
        let calls = sandbox
            .mutations()
            .filter(|call| call.operation == "CreateDeployment");
        let content = |input: &Value| {
            let text = input.pointer("/revision/appSpecContent/content");
            text.and_then(Value::as_str).unwrap().to_owned()
        };
        calls.map(|call| content(&call.input)).collect()
    });
    assert_eq!(contents.len(), 1);
    serde_json::from_str(&contents[0]).unwrap()
}

/// A service is made as each `appspec.yml` says; a new image is then deployed with the same `AppSpec`,
/// but for the task definition, which the file leaves open or fixes to an account of its own.
#[tokio::test(start_paused = true)]
async fn a_deployment_has_the_app_spec_that_the_file_has() {
    let root = PathBuf::from(std::env::var("EVENKEEL_CORPUS").unwrap());
    let mut count = 0;
    for entry in std::fs::read_dir(root.join("appspec")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let file: Value = serde_saphyr::from_str(&text).unwrap();
        let properties = &file["Resources"][0]["TargetService"]["Properties"];
        let hooks = file.get("Hooks").cloned().unwrap_or(json!([]));
        let files = service_of_app_spec(properties, &hooks);
        assert_eq!(errors(&files), Vec::<String>::new(), "{}", path.display());
        let world = World::of(&files).await;
        let daemon = world.daemon().await;
        daemon.converged().await;
        world.edit(
            "TaskDefinition-corpus.json",
            "public.ecr.aws/a/b:1",
            "public.ecr.aws/a/b:2",
        );
        daemon.look().await;
        pass(Duration::from_mins(30)).await;
        daemon.converged().await;
        daemon.stop().await;
        let made = deployed(&world);
        let made_of = &made["Resources"][0]["TargetService"]["Properties"];
        for (member, value) in properties.as_object().unwrap() {
            let expected = match member.as_str() {
                "TaskDefinition" => continue,
                // A text in one of the files; AWS's documentation has a number.
                "LoadBalancerInfo" => {
                    let mut balancer = value.clone();
                    if let Some(port) = value["ContainerPort"].as_str() {
                        balancer["ContainerPort"] = json!(port.parse::<i64>().unwrap());
                    }
                    balancer
                }
                _ => value.clone(),
            };
            assert_eq!(made_of[member], expected, "{} {member}", path.display());
        }
        assert_eq!(
            made.get("Hooks").cloned().unwrap_or(json!([])),
            hooks,
            "{}",
            path.display()
        );
        count += 1;
    }
    println!("{count} AppSpec files");
    assert!(count > 0);
}
