//! What a person changes in an incident, and the three commands that the daemon then shows: keep it, take it into the
//! manifests with `git apply`, have it changed back. Each is run as it is printed.

use std::process::Command;

use serde_json::{Value, json};

use super::api::token;
use super::daemon::Daemon;
use super::folder::Folder;
use super::program::{Finished, run, until};
use super::talk;

const ECS: &str = "AmazonEC2ContainerServiceV20141113";
const NAME: &str = "test-api-service";
const REGISTRY: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com/test-api-server";

/// The source of the second service: ECS's own rolling update, which a person changes with `UpdateService`.
const ROLLING: &str = "\
apiVersion: evenkeel.dev/v1alpha1
kind: Service
metadata: {name: test-api-service}
spec:
  clusterRef: test-cluster
  taskDefinitionRef: test-api-td-prod
  launchType: FARGATE
  desiredCount: 2        # enough at night
  healthCheckGracePeriodSeconds: 200
  networkConfiguration:
    awsvpcConfiguration:
      subnets: [subnet-0b1b2c3d4e5f60003, subnet-0b1b2c3d4e5f60004]
      securityGroups: [sg-0b1b2c3d4e5f60002]
      assignPublicIp: DISABLED
  loadBalancers:
    - {targetGroupRef: test-tg-01, containerName: test-api-server, containerPort: 8080}
sync: {selfHeal: notify}
";

fn ecs(daemon: &Daemon, operation: &str, input: &Value) -> Value {
    talk::ask(daemon.sandbox, "ecs", &format!("{ECS}.{operation}"), input)
}

fn live(daemon: &Daemon) -> Value {
    talk::describe_service(daemon.sandbox, "test-cluster", NAME)["taskDefinition"].clone()
}

/// Registers the live revision with another image, as one does in the console.
fn registered(daemon: &Daemon, tag: &str) -> String {
    let to = daemon.sandbox.to_string();
    let pushed = run(&[
        "sandbox",
        "push",
        &format!("test-api-server:{tag}"),
        "--to",
        &to,
    ]);
    assert_eq!(pushed.code, Some(0), "{pushed:?}");
    let input = json!({"taskDefinition": live(daemon), "include": ["TAGS"]});
    let described = ecs(daemon, "DescribeTaskDefinition", &input);
    let mut definition = described["taskDefinition"].clone();
    // The console takes the tags along, ours among them.
    definition["tags"] = described["tags"].clone();
    for member in [
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
    ] {
        definition.as_object_mut().unwrap().remove(member);
    }
    definition["containerDefinitions"][0]["image"] = json!(format!("{REGISTRY}:{tag}"));
    let made = ecs(daemon, "RegisterTaskDefinition", &definition);
    let arn = made["taskDefinition"]["taskDefinitionArn"].as_str();
    arn.unwrap().to_owned()
}

/// Deploys a revision by hand.
fn deployed(daemon: &Daemon, arn: &str) {
    let content = json!({"version": "0.0", "Resources": [{"TargetService": {"Type": "AWS::ECS::Service",
        "Properties": {"TaskDefinition": arn,
            "LoadBalancerInfo": {"ContainerName": "test-api-server", "ContainerPort": 8080}}}}]});
    let name = "ECS-test-cluster-test-api-service";
    let input = json!({"applicationName": format!("App{name}"), "deploymentGroupName": format!("Dgp{name}"),
        "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content.to_string()}}});
    let target = "CodeDeploy_20141006.CreateDeployment";
    talk::ask(daemon.sandbox, "codedeploy", target, &input);
}

/// What the daemon says of the service, once it says this.
fn said(daemon: &Daemon, reason: &str, part: &str) -> String {
    until(reason, || {
        let service = talk::resource(&talk::status(daemon.http), "Service", NAME);
        let message = service["message"].as_str().unwrap_or_default();
        if service["reason"] == reason && message.contains(part) {
            Ok(message.to_owned())
        } else {
            Err(service.to_string())
        }
    })
}

/// The commands that a message shows.
fn shown(message: &str) -> [String; 3] {
    let quoted = message.split('`').skip(1).step_by(2).map(str::to_owned);
    let quoted: Vec<String> = quoted.filter(|one| one.starts_with("evenkeel ")).collect();
    quoted
        .try_into()
        .unwrap_or_else(|other| panic!("{other:?}: {message}"))
}

/// Runs a command as it is shown, its words in capitals filled in; what is after a pipe is not run.
fn typed(daemon: &Daemon, command: &str, folder: &str, more: &[&str]) -> Finished {
    let ours = command.split(" | ").next().unwrap();
    let filled = |word| match word {
        "TEXT" => "incident",
        "DIR" => folder,
        word => word,
    };
    let words: Vec<&str> = ours.split(' ').skip(1).map(filled).collect();
    daemon.ask(&[words.as_slice(), more].concat())
}

fn git(folder: &Folder, args: &[&str]) {
    let mut git = Command::new("git");
    let done = git.args(args).current_dir(folder.path()).output().unwrap();
    assert!(done.status.success(), "{args:?}: {done:?}");
}

/// Takes the differences into a clone of the manifests with `git apply`, and from there to the daemon.
fn accept(daemon: &Daemon, command: &str, source: &Folder, clone: &Folder, file: &str) -> Finished {
    assert!(command.ends_with(" | git apply"), "{command}");
    git(clone, &["init", "--quiet"]);
    let patch = typed(daemon, command, clone.path(), &[]);
    assert_eq!(patch.code, Some(2), "{patch:?}");
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), &patch.stdout).unwrap();
    git(clone, &["apply", path.path().to_str().unwrap()]);
    let new = std::fs::read_to_string(format!("{}/{file}", clone.path())).unwrap();
    source.write(file, &new);
    patch
}

const STARTS: [&str; 4] = [
    "CreateDeployment",
    "UpdateService",
    "RegisterTaskDefinition",
    "CreateService",
];

fn starts(daemon: &Daemon) -> [usize; 4] {
    STARTS.map(|operation| talk::count(daemon.sandbox, operation))
}

#[test]
fn an_image_hotfix_is_kept_taken_into_git_and_reverted_by_the_commands_shown() {
    let [source, clone] = [0, 1].map(|_| {
        let folder = Folder::copy("p2");
        folder.edit("service.yaml", "desiredCount: 0", "desiredCount: 2");
        folder
    });
    let file = token();
    let path = file.path().to_str().unwrap();
    let token = ["--api-token-file", path];
    let more = [&token[..], &["--drift-grace", "1000h"]].concat();
    let daemon = Daemon::start(source.path(), &more);
    talk::converged(daemon.http, 10);
    let first = registered(&daemon, "hotfix");
    deployed(&daemon, &first);
    let image = format!("{REGISTRY}:hotfix");
    let message = said(&daemon, "DriftGrace", &image);
    assert!(
        message.contains("/taskDefinition/containerDefinitions/test-api-server/image"),
        "{message}"
    );
    let [keep, take, _] = shown(&message);
    let before = starts(&daemon);

    // Who is logged in; here nobody is.
    let by = [&token[..], &["--by", "ana"]].concat();
    let done = typed(&daemon, &keep, "", &by);
    assert_eq!(done.code, Some(0), "{done:?}");
    said(&daemon, "Held", "incident");
    assert_eq!(live(&daemon), first);
    let resume = daemon.ask(&[&["resume", &format!("Service/{NAME}")], by.as_slice()].concat());
    assert_eq!(resume.code, Some(0), "{resume:?}");
    said(&daemon, "DriftGrace", &image);

    let patch = accept(&daemon, &take, &source, &clone, "task-definition.yaml");
    assert!(
        patch.stderr.contains("as-written=test-api-server"),
        "{patch:?}"
    );
    assert!(
        patch.stdout.contains(&format!("+      image: {image}\n")),
        "{patch:?}"
    );
    talk::converged(daemon.http, 10);
    assert_eq!(starts(&daemon), before, "nothing was started");
    assert_eq!(live(&daemon), first);
    let task = talk::resource(
        &talk::status(daemon.http),
        "TaskDefinition",
        "test-api-td-prod",
    );
    assert_eq!(task["arn"], first);
    let same = daemon.ask(&["diff"]);
    assert_eq!(same.code, Some(0), "{same:?}");

    let second = registered(&daemon, "worse");
    deployed(&daemon, &second);
    let message = said(&daemon, "DriftGrace", &format!("{REGISTRY}:worse"));
    assert_eq!(live(&daemon), second);
    let [_, _, revert] = shown(&message);
    let done = typed(&daemon, &revert, "", &token);
    assert_eq!(done.code, Some(0), "{done:?}");
    talk::converged(daemon.http, 10);
    assert_eq!(live(&daemon), first);
}

#[test]
fn members_of_a_service_are_taken_into_git() {
    let [source, clone] = [0, 1].map(|_| {
        let folder = Folder::copy("p2");
        folder.write("service.yaml", ROLLING);
        folder
    });
    let daemon = Daemon::start(source.path(), &[]);
    talk::converged(daemon.http, 9);
    let subnets = ["subnet-0b1b2c3d4e5f60003"];
    let input = json!({"cluster": "test-cluster", "service": NAME, "desiredCount": 3,
        "healthCheckGracePeriodSeconds": 300,
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": subnets,
            "securityGroups": ["sg-0b1b2c3d4e5f60002"], "assignPublicIp": "ENABLED"}}});
    ecs(&daemon, "UpdateService", &input);
    let message = said(&daemon, "DriftFound", "assignPublicIp");
    let before = starts(&daemon);
    let [_, take, _] = shown(&message);
    accept(&daemon, &take, &source, &clone, "service.yaml");
    let expected = ROLLING
        .replace("desiredCount: 2 ", "desiredCount: 3 ")
        .replace("Seconds: 200", "Seconds: 300")
        .replace(
            "[subnet-0b1b2c3d4e5f60003, subnet-0b1b2c3d4e5f60004]",
            "[subnet-0b1b2c3d4e5f60003]",
        )
        .replace("DISABLED", "ENABLED");
    let new = std::fs::read_to_string(format!("{}/service.yaml", source.path())).unwrap();
    assert_eq!(new, expected);
    talk::converged(daemon.http, 9);
    assert_eq!(starts(&daemon), before, "nothing was started");
    let service = talk::describe_service(daemon.sandbox, "test-cluster", NAME);
    assert_eq!(service["desiredCount"], 3);
}
