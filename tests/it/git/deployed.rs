//! From a commit to AWS: what a deployment carries of its commit, what a commit that changes nothing causes,
//! and a Terraform state that lies in the repository.

use serde_json::{Value, json};

use super::*;
use crate::e2e::program::{Program, command, until};
use crate::e2e::talk;

/// A repository with one service of `manifests/nova` and what it needs in `prod`; this is in the place of
/// the tag of its image.
fn nova(tag: &str) -> Repo {
    let repo = Repo::new();
    std::fs::remove_file(repo.path().join("prod/a.yaml")).unwrap();
    let nova = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/nova");
    for file in [
        "cluster.yaml",
        "load-balancer.yaml",
        "sandbox.yaml",
        "services/auth.yaml",
    ] {
        let text = std::fs::read_to_string(nova.join(file)).unwrap();
        let image = format!("image: nova/auth-service:{tag}");
        let text = text.replace("image: nova/auth-service:1.4.0", &image);
        repo.write(&format!("prod/{file}"), &text);
    }
    repo
}

struct Daemon {
    program: Program,
    http: SocketAddr,
    sandbox: SocketAddr,
}

impl Daemon {
    fn start(address: &str, more: &[&str]) -> Self {
        let mut args = vec!["run", "--source", address, "--sandbox", "--speed", "600"];
        args.extend(["--sandbox-listen", "127.0.0.1:0"]);
        args.extend(["--metrics-addr", "127.0.0.1:0"]);
        args.extend(more);
        let mut command = command(&args);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let mut program = Program::start(&mut command);
        Self {
            sandbox: program.address("sandbox at http://"),
            http: program.address("status at http://"),
            program,
        }
    }

    /// Waits until this commit is in force and every resource is converged.
    fn converged(&self, commit: &str) -> Value {
        until("the commit", || {
            let status = talk::status(self.http);
            let open = talk::unconverged(&status);
            let there = !status["resources"].as_array().unwrap().is_empty();
            let source = &status["sources"][0];
            if there && open.is_empty() && source["commit"]["id"] == commit {
                Ok(status)
            } else {
                Err(format!("{source} {open:?}"))
            }
        })
    }

    /// Waits until what runs is of this commit, and all is converged.
    fn deployed(&self, commit: &str) -> (Value, Value) {
        let task = until("the deployment", || {
            let task = self.task();
            let done = tagged(&task) == commit;
            done.then(|| task.clone()).ok_or_else(|| task.to_string())
        });
        (self.converged(commit), task)
    }

    /// Has every resource looked at.
    fn look(&self) {
        let before = talk::status(self.http)["resyncs"]["completed"]
            .as_u64()
            .unwrap();
        self.program.signal("HUP");
        until("the resync", || {
            let resyncs = talk::status(self.http)["resyncs"].clone();
            let served = resyncs["completed"].as_u64() > Some(before);
            served.then_some(()).ok_or_else(|| resyncs.to_string())
        });
    }

    fn codedeploy(&self, operation: &str, input: &Value) -> Value {
        let target = format!("CodeDeploy_20141006.{operation}");
        talk::ask(self.sandbox, "codedeploy", &target, input)
    }

    fn ecs(&self, operation: &str, input: &Value) -> Value {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        talk::ask(self.sandbox, "ecs", &target, input)
    }

    /// The live task definition of the service, with its tags.
    fn task(&self) -> Value {
        self.task_of("auth-service")
    }

    fn task_of(&self, service: &str) -> Value {
        let service = talk::describe_service(self.sandbox, "nova", service);
        let input = json!({"taskDefinition": service["taskDefinition"], "include": ["TAGS"]});
        self.ecs("DescribeTaskDefinition", &input)
    }

    /// The texts of the events of this kind that hold all of these words.
    fn told(&self, kind: &str, words: &[&str]) -> Vec<String> {
        let events = talk::get(self.http, "/api/v1/events?after=0");
        let events: Value = serde_json::from_str(&events).unwrap();
        let events = events["events"].as_array().unwrap().iter();
        let texts = events
            .filter(|event| event["kind"] == kind)
            .map(|event| event["text"].as_str().unwrap().to_owned());
        texts
            .filter(|text| words.iter().all(|word| text.contains(word)))
            .collect()
    }

    /// Has the sources looked at, and waits until the one of this place in the order has this commit in force.
    fn in_force(&self, source: usize, commit: &str) {
        self.program.signal("HUP");
        until("the commit", || {
            let source = talk::status(self.http)["sources"][source].clone();
            let done = source["commit"]["id"] == commit;
            done.then_some(()).ok_or_else(|| source.to_string())
        });
    }
}

/// When a commit was made, in RFC 3339.
fn time_of(repo: &Repo, commit: &str) -> String {
    let seconds = repo.git(&["show", "--no-patch", "--format=%ct", commit]);
    let time = jiff::Timestamp::from_second(seconds.parse().unwrap());
    time.unwrap().to_string()
}

/// The commit that something is tagged with.
fn tagged(task: &Value) -> &str {
    let tags = task["tags"].as_array().unwrap();
    let tag = tags.iter().find(|tag| tag["key"] == "evenkeel.dev/commit");
    tag.unwrap_or_else(|| panic!("{task}"))["value"]
        .as_str()
        .unwrap()
}

#[test]
fn a_deployment_carries_its_commit_and_a_commit_that_changes_nothing_writes_nothing() {
    let repo = nova("1.4.0");
    let first = repo.commit("start");
    let server = Server::http(&repo, &[]);
    let address = server.address(&repo, "", "branch=main&path=prod&interval=5s");
    let daemon = Daemon::start(&address, &[]);
    daemon.converged(&first);
    assert_eq!(tagged(&daemon.task()), first);

    // Neither a file beside it nor a comment in it changes what the service is.
    let before = talk::writes(daemon.sandbox);
    let auth = std::fs::read_to_string(repo.path().join("prod/services/auth.yaml")).unwrap();
    repo.write("README.md", "nothing\n");
    repo.write("prod/services/auth.yaml", &format!("# a word\n{auth}"));
    let quiet = repo.commit("a word");
    daemon.converged(&quiet);
    daemon.look();
    daemon.converged(&quiet);
    assert_eq!(talk::writes(daemon.sandbox), before);
    assert_eq!(tagged(&daemon.task()), first);

    repo.write(
        "prod/services/auth.yaml",
        &auth.replace("auth-service:1.4.0", "auth-service:1.5.0"),
    );
    let second = repo.commit("auth 1.5.0\n\nwith a body");
    let (status, task) = daemon.deployed(&second);
    assert_eq!(task["taskDefinition"]["revision"], 2, "{task}");
    assert_eq!(talk::count(daemon.sandbox, "CreateDeployment"), 1);
    let deployments = daemon.codedeploy(
        "ListDeployments",
        &json!({
            "applicationName": "AppECS-nova-auth-service",
            "deploymentGroupName": "DgpECS-nova-auth-service",
        }),
    );
    let id = &deployments["deployments"][0];
    let told = daemon.codedeploy("GetDeployment", &json!({ "deploymentId": id }));
    let description = told["deploymentInfo"]["description"].as_str().unwrap();
    let time = time_of(&repo, &second);
    let carried = format!("commit={second} {time} Ann: auth 1.5.0");
    assert!(description.contains(&carried), "{description}");
    assert!(!description.contains("body"), "{description}");

    let commit = &status["sources"][0]["commit"];
    assert_eq!(
        (&commit["author"], &commit["message"], &commit["ref"]),
        (
            &json!("Ann"),
            &json!("auth 1.5.0"),
            &json!("refs/heads/main")
        )
    );
    let at: jiff::Timestamp = commit["time"].as_str().unwrap().parse().unwrap();
    assert_eq!(at, time.parse().unwrap());
    let service = talk::resource(&status, "Service", "auth-service");
    assert_eq!(service["commit"], second.as_str(), "{service}");
    let source = daemon.told("Source", &[&second, "Ann", "auth 1.5.0"]);
    assert_eq!(source.len(), 1, "{source:?}");
    let of = |commit: &str| format!("(commit {})", &commit[..12]);
    for (kind, word, commit) in [
        ("Write", "(CreateCluster)", &first),
        ("Write", "(CreateService)", &first),
        ("Write", "(CreateDeployment)", &second),
        ("Outcome", "deploy service auth-service", &second),
    ] {
        let told = daemon.told(kind, &[word]);
        let right = |text: &String| text.contains(&of(commit));
        assert!(!told.is_empty() && told.iter().all(right), "{told:?}");
    }
    // What was made carries the commit that made it.
    let include = json!(["TAGS"]);
    let input = json!({"clusters": ["nova"], "include": include});
    let clusters = daemon.ecs("DescribeClusters", &input);
    assert_eq!(tagged(&clusters["clusters"][0]), first, "{clusters}");
    let input = json!({"cluster": "nova", "services": ["auth-service"], "include": include});
    let services = daemon.ecs("DescribeServices", &input);
    assert_eq!(tagged(&services["services"][0]), first, "{services}");
    let log = daemon.program.stop("TERM").stderr;
    assert!(log.contains(&second) && log.contains("auth 1.5.0"), "{log}");
}

#[test]
fn a_rolling_update_carries_its_commit() {
    let repo = nova("1.4.0");
    std::fs::remove_file(repo.path().join("prod/services/auth.yaml")).unwrap();
    let write = |tag: &str| {
        let manifests = crate::sim::rolling::manifests(crate::sim::rolling::BREAKER);
        let image = format!("nova/auth-service:{tag}");
        let text = manifests.replace("nova/worker:v1", &image);
        let text = text.replace("nova/worker", "nova/auth-service");
        repo.write("prod/worker.yaml", &text);
    };
    write("1.4.0");
    let first = repo.commit("start");
    let daemon = Daemon::start(&repo.address("branch=main&path=prod&interval=5s"), &[]);
    daemon.converged(&first);
    write("1.5.0");
    let second = repo.commit("worker 1.5.0");
    daemon.look();
    until("the update", || {
        let task = daemon.task_of("worker");
        let done = tagged(&task) == second;
        done.then_some(()).ok_or_else(|| task.to_string())
    });
    daemon.converged(&second);
    let history = talk::get(daemon.http, "/api/v1/resources/Service/worker/history");
    let history: Value = serde_json::from_str(&history).unwrap();
    let commits: Vec<&Value> = history["rollouts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rollout| &rollout["commit"])
        .collect();
    assert_eq!(commits, [second.as_str(), first.as_str()], "{history}");
    let of = format!("(commit {})", &second[..12]);
    let told = daemon.told("Write", &["(UpdateService)", &of]);
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_quiet_commit_writes_nothing_where_things_are_pruned_too() {
    let repo = nova("1.4.0");
    let first = repo.commit("start");
    let address = repo.address("branch=main&path=prod&interval=5s");
    let daemon = Daemon::start(&address, &["--prune"]);
    daemon.converged(&first);
    let before = talk::writes(daemon.sandbox);
    let auth = std::fs::read_to_string(repo.path().join("prod/services/auth.yaml")).unwrap();
    repo.write("prod/services/auth.yaml", &format!("# a word\n{auth}"));
    let quiet = repo.commit("a word");
    daemon.look();
    daemon.converged(&quiet);
    assert_eq!(talk::writes(daemon.sandbox), before);
}

#[test]
fn one_commit_over_two_sources_is_one_reconcile() {
    let repo = nova("${TAG}");
    let environment = |tag: &str| {
        format!(
            "apiVersion: evenkeel.dev/v1alpha1\nkind: Environment\nmetadata: {{name: staging}}\n\
             spec: {{variables: {{TAG: \"{tag}\"}}}}\n"
        )
    };
    // The service in one source, and the tag of its image in another.
    repo.write("env/staging.yaml", &environment("1.4.0"));
    let first = repo.commit("start");
    let server = Server::http(&repo, &[]);
    let of =
        |path: &str| server.address(&repo, "", &format!("branch=main&path={path}&interval=5s"));
    let both = ["--source", &of("env"), "--environment", "staging"];
    let daemon = Daemon::start(&of("prod"), &both);
    daemon.converged(&first);
    let registered = talk::count(daemon.sandbox, "RegisterTaskDefinition");

    repo.write("env/staging.yaml", &environment("1.5.0"));
    let auth = std::fs::read_to_string(repo.path().join("prod/services/auth.yaml")).unwrap();
    repo.write(
        "prod/services/auth.yaml",
        &auth.replace("value: auth}", "value: login}"),
    );
    let second = repo.commit("both");
    daemon.program.signal("HUP");
    let (_, task) = daemon.deployed(&second);
    let container = &task["taskDefinition"]["containerDefinitions"][0];
    assert_eq!(container["environment"][0]["value"], "login", "{task}");
    daemon.in_force(1, &second);
    assert_eq!(talk::count(daemon.sandbox, "CreateDeployment"), 1);
    assert_eq!(
        talk::count(daemon.sandbox, "RegisterTaskDefinition"),
        registered + 1
    );
}

#[test]
fn of_what_two_sources_claim_nothing_is_written() {
    let (one, two) = (Repo::new(), Repo::new());
    two.git(&["rm", "--quiet", "prod/a.yaml"]);
    two.write("prod/b.yaml", &cluster("b"));
    let second = two.commit("b");
    let of = |repo: &Repo| repo.address("branch=main&path=prod&interval=5s");
    let daemon = Daemon::start(&of(&one), &["--source", &of(&two)]);
    daemon.in_force(1, &second);
    daemon.converged(&one.git(&["rev-parse", "HEAD"]));
    two.write("prod/claim.yaml", &cluster("a"));
    let claim = two.commit("claim");
    daemon.in_force(1, &claim);
    let blocked = || {
        let status = talk::status(daemon.http);
        let a = talk::resource(&status, "Cluster", "a");
        let is = a["outcome"] == "Blocked" && a["reason"] == "ManifestInvalid";
        is.then_some(()).ok_or_else(|| a.to_string())
    };
    until("the block", blocked);
    // What the first one has of it now is not written either.
    let before = talk::writes(daemon.sandbox);
    let insights = "spec: {settings: [{name: containerInsights, value: enabled}]}";
    one.write("prod/a.yaml", &cluster("a").replace("spec: {}", insights));
    let changed = one.commit("insights");
    daemon.in_force(0, &changed);
    daemon.look();
    blocked().unwrap();
    assert_eq!(talk::writes(daemon.sandbox), before);
    let status = talk::status(daemon.http);
    let open = talk::unconverged(&status);
    assert_eq!(open, ["Cluster/a Blocked ManifestInvalid"], "b goes on");
    two.git(&["rm", "--quiet", "prod/claim.yaml"]);
    let gone = two.commit("no claim");
    daemon.in_force(1, &gone);
    daemon.converged(&changed);
    let after = talk::writes(daemon.sandbox).split_off(before.len());
    let operations: Vec<&Value> = after.iter().map(|entry| &entry["operation"]).collect();
    assert!(operations.contains(&&json!("UpdateCluster")), "{after:?}");
}

/// A Terraform state with this tag as an output.
fn state(tag: &str) -> String {
    json!({"version": 4, "outputs": {"tag": {"value": tag}}, "resources": []}).to_string()
}

const ENVIRONMENT: &str = "apiVersion: evenkeel.dev/v1alpha1\nkind: Environment\nmetadata: {name: staging}\n\
    spec: {variables: {TAG: {fromTerraform: {state: ../net.tfstate, output: tag}}}}\n";

#[test]
fn a_terraform_state_in_the_repository_gives_values() {
    let repo = nova("${TAG}");
    repo.write("prod/env/staging.yaml", ENVIRONMENT);
    repo.write("prod/net.tfstate", &state("1.4.0"));
    // One that nobody names may be anything.
    repo.write("prod/other.tfstate", &"x".repeat(5 * 1024 * 1024));
    repo.write("net.tfstate", &state("1.6.0-broken"));
    let first = repo.commit("start");
    let address = repo.address("branch=main&path=prod&interval=5s");
    let daemon = Daemon::start(&address, &["--environment", "staging"]);
    daemon.converged(&first);
    let image = |task: &Value| {
        let image = &task["taskDefinition"]["containerDefinitions"][0]["image"];
        image.as_str().unwrap().to_owned()
    };
    let before = image(&daemon.task());
    // The state alone changes.
    repo.write("prod/net.tfstate", &state("1.5.0"));
    let second = repo.commit("terraform apply");
    let (_, task) = daemon.deployed(&second);
    assert_ne!(image(&task), before);
}

#[test]
fn a_terraform_state_that_is_not_in_the_source_is_told() {
    let repo = nova("${TAG}");
    repo.write("net.tfstate", &state("1.4.0"));
    repo.write("prod/big.tfstate", &"x".repeat(5 * 1024 * 1024));
    std::os::unix::fs::symlink("../net.tfstate", repo.path().join("prod/link.tfstate")).unwrap();
    for (name, told) in [
        ("../../net.tfstate", "leads out of the source"),
        ("/etc/net.tfstate", "leads out of the source"),
        ("../none.tfstate", "was not read with the manifests"),
        ("../big.tfstate", "was not read with the manifests"),
        ("../link.tfstate", "was not read with the manifests"),
        ("../env/staging.yaml", "was not read with the manifests"),
    ] {
        let environment = ENVIRONMENT.replace("../net.tfstate", name);
        repo.write("prod/env/staging.yaml", &environment);
        repo.commit(name);
        let done = crate::e2e::program::run(&[
            "plan",
            "--sandbox",
            "--environment",
            "staging",
            "--source",
            &repo.address("branch=main&path=prod"),
        ]);
        assert_eq!(done.code, Some(1), "{name}: {}", done.stderr);
        assert!(done.stderr.contains(told), "{name}: {}", done.stderr);
    }
}
