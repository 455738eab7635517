//! Messages of a queue: what they tell of is found at once, a storm of them costs little, and no trouble with
//! the queue costs anything but the wake-ups.

use std::sync::Arc;
use std::time::Duration;

use evenkeel::aws::{Connection, Connector};
use evenkeel::controller::Settings;
use evenkeel::metrics::Metrics;
use evenkeel::model::{Hint, Moment, Outcome, Service};
use evenkeel::sandbox::{AwsError, Fault};
use evenkeel::source::{Access, Address, Sources};
use evenkeel::status::{Status, WakeStatus};
use evenkeel::wake::{Listener, listen, pause};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::rolling;
use super::world::{Daemon, World, pass};

const URL: &str = "https://sqs.us-east-1.amazonaws.com/123456789012/wake";

/// More than the few calls and the latency of a wire between a change and the write that it leads to.
const AT_ONCE: Duration = Duration::from_secs(1);

struct Woken {
    world: World,
    daemon: Daemon,
    metrics: Arc<Metrics>,
    listening: JoinHandle<()>,
}

impl Woken {
    /// A world in which all is converged and a daemon reads the queue, which takes AWS's own events
    /// or not. The region of the queue's URL is the world's.
    async fn new(seed: u64, events: bool) -> Self {
        Box::pin(Self::make(seed, events)).await
    }

    async fn make(seed: u64, events: bool) -> Self {
        let world = World::auth(seed).await;
        let daemon = world.daemon().await;
        Box::pin(Self::beside(world, daemon, seed, events)).await
    }

    /// The same of this world and this daemon of it.
    async fn beside(world: World, daemon: Daemon, seed: u64, events: bool) -> Self {
        daemon.converged().await;
        if events {
            world.queue(true);
        }
        let metrics = Arc::new(Metrics::new());
        let listener = Listener {
            address: URL.parse().unwrap(),
            aws: world.wired(Arc::clone(&metrics)).await,
            clock: world.clock.clone(),
            metrics: Arc::clone(&metrics),
            board: daemon.board.clone(),
            seed,
        };
        listener.aws.account().await.unwrap();
        let listening = tokio::spawn(listen(listener, daemon.events.clone()));
        let woken = Self {
            world,
            daemon,
            metrics,
            listening,
        };
        if events {
            woken.stands("it listens", WakeStatus::is_up).await;
            // A poll has just been; the next is far.
            pass(Duration::from_secs(61)).await;
        }
        woken
    }

    async fn stands(&self, what: &str, fits: impl Fn(&WakeStatus) -> bool) -> WakeStatus {
        let status = self
            .daemon
            .until(what, |status| status.wake.as_ref().is_some_and(&fits))
            .await;
        status.wake.unwrap()
    }

    fn send(&self, body: &str) {
        let input = json!({"QueueUrl": URL, "MessageBody": body});
        self.world.ask("AmazonSQS.SendMessage", &input);
    }

    /// How often this operation was called.
    fn calls(&self, operation: &str) -> usize {
        self.world.mounted.with(|sandbox| {
            let calls = sandbox.journal().iter();
            calls.filter(|call| call.operation == operation).count()
        })
    }

    /// A counter or gauge by its line's start.
    fn metric(&self, series: &str) -> u64 {
        let text = self.metrics.render(&self.daemon.board.read());
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{series} ")));
        line.unwrap_or_else(|| panic!("no {series} in\n{text}"))
            .parse()
            .unwrap()
    }

    /// How many messages are left, hidden ones included.
    fn left(&self) -> u64 {
        let input = json!({"QueueUrl": URL, "AttributeNames": ["All"]});
        let answer = self.world.ask("AmazonSQS.GetQueueAttributes", &input);
        let count = |name: &str| -> u64 {
            answer["Attributes"][name]
                .as_str()
                .unwrap()
                .parse()
                .unwrap()
        };
        count("ApproximateNumberOfMessages") + count("ApproximateNumberOfMessagesNotVisible")
    }
}

impl Drop for Woken {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl World {
    /// What the daemon has no call for, as a person asks it.
    fn ask(&self, target: &str, input: &Value) -> Value {
        let request = http::Request::post("/")
            .header("x-amz-target", target)
            .body(input.to_string().into_bytes())
            .unwrap();
        let response = self.mounted.handle(&request);
        assert_eq!(response.status(), 200, "{target} {input}");
        serde_json::from_slice(response.body()).unwrap()
    }

    fn queue(&self, events: bool) {
        let seed = json!({
            "kind": "SandboxSeed", "apiVersion": "evenkeel.dev/v1alpha1", "metadata": {"name": "queue"},
            "spec": {"queues": [{"name": "wake", "events": events}]}
        });
        self.mounted
            .with(|sandbox| sandbox.seed("us-east-1", &seed).unwrap());
    }

    fn refuse(&self, operation: &str, code: &str, times: Option<u32>) {
        self.mounted.with(|sandbox| {
            sandbox.inject(Fault {
                operation: format!("sqs:{operation}"),
                error: AwsError::new(code, "Injected"),
                times,
                takes_effect: false,
            });
        });
    }
}

fn event(source: &str, kind: &str, resources: &Value, detail: &Value) -> String {
    json!({
        "version": "0", "id": "0", "detail-type": kind, "source": source, "account": "123456789012",
        "time": "2026-01-01T00:00:00Z", "region": "us-east-1", "resources": resources, "detail": detail
    })
    .to_string()
}

fn task(service: &str) -> String {
    let detail = json!({
        "clusterArn": "arn:aws:ecs:us-east-1:123456789012:cluster/nova",
        "group": format!("service:{service}"), "lastStatus": "RUNNING"
    });
    event("aws.ecs", "ECS Task State Change", &json!([]), &detail)
}

#[tokio::test(start_paused = true)]
async fn a_pushed_image_is_noticed_within_a_second() {
    let woken = Woken::new(90, true).await;
    let (world, before) = (&woken.world, woken.world.count("RegisterTaskDefinition"));
    world.push("1.4.0", &format!("sha256:{}", "3".repeat(64)));
    pass(AT_ONCE).await;
    assert_eq!(world.count("RegisterTaskDefinition"), before + 1);
    woken.daemon.converged().await;
    let primary = world.person.primary("nova", "auth-service").await;
    assert!(
        world
            .person
            .image(&primary)
            .await
            .ends_with(&"3".repeat(64))
    );
    assert!(woken.metric(r#"evenkeel_wakes_total{about="images"}"#) >= 1);
    assert_eq!(woken.left(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_push_while_the_old_digest_is_being_read_is_not_missed() {
    let woken = Woken::new(91, true).await;
    let world = &woken.world;
    for turn in 0..10_u32 {
        let before = world.count("RegisterTaskDefinition");
        // Another push somewhere in the reads that the first one causes.
        world.push("1.4.0", &format!("sha256:{}{}", "4".repeat(63), turn));
        pass(Duration::from_millis(u64::from(turn) * 17)).await;
        let last = format!("sha256:{}{}", "5".repeat(63), turn);
        world.push("1.4.0", &last);
        pass(Duration::from_secs(10)).await;
        assert!(world.count("RegisterTaskDefinition") > before);
        let input = json!({"familyPrefix": "nova-auth-service", "sort": "DESC", "maxResults": 1});
        let newest = world
            .person
            .call(Service::Ecs, "ListTaskDefinitions", input)
            .await;
        let newest = newest["taskDefinitionArns"][0].as_str().unwrap();
        assert!(
            world.person.image(newest).await.ends_with(&last),
            "turn {turn}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_deployment_is_seen_at_once() {
    let woken = Woken::new(92, true).await;
    let world = &woken.world;
    world.release(&woken.daemon).await;
    let status = |document: &Value| document["deploymentInfo"]["status"] == "Succeeded";
    let rolling = |status: &Status| {
        let key = "Service/auth-service".parse().unwrap();
        status.resources[&key].rollout.is_some()
    };
    woken.daemon.until("a deployment", rolling).await;
    let id = deployment(world);
    let input = json!({"deploymentId": id});
    loop {
        let found = world.ask("CodeDeploy_20141006.GetDeployment", &input);
        if status(&found) {
            break;
        }
        pass(Duration::from_millis(100)).await;
    }
    pass(AT_ONCE).await;
    let key = "Service/auth-service".parse().unwrap();
    assert_eq!(
        woken.daemon.board.read().resources[&key].outcome,
        Outcome::Converged
    );
    assert!(
        woken.metric(r#"evenkeel_wakes_total{about="deployment_group"}"#) >= 2,
        "start and end"
    );
}

/// The newest deployment.
fn deployment(world: &World) -> String {
    let (application, group) = group(world);
    let input = json!({"applicationName": application, "deploymentGroupName": group});
    let found = world.ask("CodeDeploy_20141006.ListDeployments", &input);
    found["deployments"][0].as_str().unwrap().to_owned()
}

fn group(world: &World) -> (String, String) {
    let found = world.ask("CodeDeploy_20141006.ListApplications", &json!({}));
    let application = found["applications"][0].as_str().unwrap().to_owned();
    let input = json!({"applicationName": application});
    let found = world.ask("CodeDeploy_20141006.ListDeploymentGroups", &input);
    (
        application,
        found["deploymentGroups"][0].as_str().unwrap().to_owned(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_messages_costs_few_passes() {
    let woken = Woken::new(93, true).await;
    let (reads, writes) = (woken.calls("DescribeServices"), woken.world.writes().len());
    let started = woken.world.clock.now();
    for _ in 0..10_000 {
        // Behind the API: the storm is AWS's.
        woken.send(&task("auth-service"));
    }
    while woken.left() > 0 {
        pass(Duration::from_secs(1)).await;
    }
    let took = woken.world.clock.now().since(started);
    let tasks = Hint::Tasks {
        cluster: String::new(),
        name: String::new(),
    };
    let bound = took.as_secs() / pause(&tasks).as_secs() + 2;
    let wakes = woken.metric(r#"evenkeel_wakes_total{about="tasks"}"#);
    assert!((1..=bound).contains(&wakes), "{wakes} in {took:?}");
    assert_eq!(
        woken.metric(r#"evenkeel_wake_messages_total{result="woken"}"#),
        10_000
    );
    let bound = usize::try_from(bound + took.as_secs() / 30 + 2).unwrap();
    let reads = woken.calls("DescribeServices") - reads;
    assert!(reads <= 2 * bound, "{reads} reads in {took:?}");
    // Nothing but the messages' own sending and deletion.
    let wrote: Vec<String> = woken.world.writes().split_off(writes);
    assert!(wrote.iter().all(|one| one.contains("Message")), "{wrote:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_for_us_is_deleted_and_wakes_nothing() {
    let woken = Woken::new(94, true).await;
    let push = json!({"repository-name": "nova/auth-service"});
    let ours = event("aws.ecr", "ECR Image Action", &json!([]), &push);
    let foreign = [
        ours.replace("123456789012", "999999999999"),
        ours.replace("us-east-1", "eu-west-1"),
    ];
    let broken = [
        "not json".to_owned(),
        "[".repeat(200_000),
        ours.replace("nova/auth-service", ""),
    ];
    let ignored = [event(
        "aws.ec2",
        "EC2 Spot Instance Interruption Warning",
        &json!([]),
        &json!({}),
    )];
    for body in foreign.iter().chain(&broken).chain(&ignored) {
        woken.send(body);
    }
    // Of somebody else's repository and service: heard, and of no key.
    woken.send(&ours.replace("nova/auth-service", "nova/other"));
    woken.send(&task("other"));
    let passes = woken.daemon.board.read();
    pass(AT_ONCE).await;
    assert_eq!(woken.left(), 0);
    for (result, count) in [("foreign", 2), ("broken", 3), ("ignored", 1), ("woken", 2)] {
        let series = format!(r#"evenkeel_wake_messages_total{{result="{result}"}}"#);
        assert_eq!(woken.metric(&series), count, "{result}");
    }
    assert_eq!(
        woken.daemon.board.read().resources,
        passes.resources,
        "no pass"
    );
}

#[tokio::test(start_paused = true)]
async fn a_parameter_has_the_source_read() {
    let woken = Woken::new(95, true).await;
    woken.world.edit(
        "services/auth.yaml",
        "auth-service:1.4.0",
        "auth-service:1.5.0",
    );
    let before = woken.daemon.board.read().source.revision;
    let detail = json!({"operation": "Update", "name": "/app/a", "type": "String"});
    let body = event("aws.ssm", "Parameter Store Change", &json!([]), &detail);
    woken.send(&body);
    pass(AT_ONCE).await;
    assert_ne!(woken.daemon.board.read().source.revision, before);
}

#[tokio::test(start_paused = true)]
async fn a_manifest_in_a_parameter_is_in_force_at_once() {
    let world = World::auth(87).await;
    let put = |world: &World, name: &str| {
        let manifest = format!(
            "apiVersion: evenkeel.dev/v1alpha1\nkind: Cluster\nmetadata: {{name: {name}}}\nspec: {{}}\n"
        );
        let name = format!("/ek/prod/{name}");
        let input = json!({"Name": name, "Value": manifest, "Type": "String"});
        world.ask("AmazonSSM.PutParameter", &input);
    };
    put(&world, "a");
    let connection = Connection::Sandbox {
        http: world.wire.http_client(),
        region: "us-east-1".to_owned(),
    };
    let metrics = Arc::new(Metrics::new());
    let access = Access {
        aws: Connector::new(connection, world.clock.clone(), metrics),
        ..Access::default()
    };
    let address = Address::parse("ssm:/ek/prod/?interval=24h").unwrap();
    let sources = Sources::new(vec![address], &access);
    let daemon = Box::pin(world.daemon_of(sources, Settings::default())).await;
    let woken = Box::pin(Woken::beside(world, daemon, 87, true)).await;
    assert_eq!(woken.world.count("CreateCluster"), 1);
    // AWS tells of it by itself.
    put(&woken.world, "b");
    pass(AT_ONCE).await;
    assert_eq!(woken.world.count("CreateCluster"), 2);
    assert_eq!(woken.metric(r#"evenkeel_wakes_total{about="source"}"#), 1);
    woken.daemon.converged().await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_rolling_update_is_seen_at_once() {
    let world = rolling::worker(rolling::BREAKER, 86).await;
    let daemon = world.daemon().await;
    let woken = Box::pin(Woken::beside(world, daemon, 86, true)).await;
    let world = &woken.world;
    world.edit(rolling::FILE, "nova/worker:v1", "nova/worker:v2");
    woken.daemon.look().await;
    let ended = |service: &Value| {
        let newest = &service["deployments"][0];
        let arn = newest["taskDefinition"].as_str().unwrap();
        arn.ends_with(":2") && newest["rolloutState"] == "COMPLETED"
    };
    while !ended(&world.person.service("nova", "worker").await) {
        pass(Duration::from_millis(100)).await;
    }
    pass(AT_ONCE).await;
    let key = rolling::SERVICE.parse().unwrap();
    let outcome = woken.daemon.board.read().resources[&key].outcome.clone();
    assert_eq!(outcome, Outcome::Converged);
    let series = r#"evenkeel_wakes_total{about="service"}"#;
    assert!(woken.metric(series) >= 2, "start and end");
}

#[tokio::test(start_paused = true)]
async fn late_and_repeated_messages_do_no_harm() {
    let woken = Woken::new(96, true).await;
    let push = json!({"repository-name": "nova/auth-service", "action-type": "PUSH"});
    let body = event("aws.ecr", "ECR Image Action", &json!([]), &push);
    let writes = woken.world.writes().len();
    // Deletion fails: every message comes again and again.
    woken
        .world
        .refuse("DeleteMessageBatch", "AccessDeniedException", Some(20));
    woken.send(&body);
    woken.send(&body);
    let stands = woken
        .stands("it says so", |wake| wake.trouble.is_some())
        .await;
    let (word, why) = stands.trouble.unwrap();
    assert_eq!(word, "access_denied");
    assert!(why.contains("sqs:DeleteMessage"), "{why}");
    assert_eq!(woken.metric("evenkeel_wake_queue_up"), 0);
    pass(Duration::from_mins(30)).await;
    assert_eq!(woken.left(), 0, "deleted in the end");
    assert!(woken.metric(r#"evenkeel_wake_messages_total{result="woken"}"#) > 2);
    let wrote = woken.world.writes().split_off(writes);
    assert!(wrote.iter().all(|one| one.contains("Message")), "{wrote:?}");
    assert_eq!(woken.metric("evenkeel_wake_queue_up"), 1);
}

#[tokio::test(start_paused = true)]
async fn without_its_queue_the_daemon_polls_and_says_so() {
    let woken = Woken::new(97, false).await;
    let stands = woken
        .stands("it says so", |wake| wake.trouble.is_some())
        .await;
    let (word, why) = stands.trouble.unwrap();
    assert_eq!(word, "not_found");
    assert!(why.contains("--wake-queue"), "{why}");
    assert_eq!(woken.metric("evenkeel_wake_queue_up"), 0);
    let asked = woken.calls("ReceiveMessage");
    woken
        .world
        .push("1.4.0", &format!("sha256:{}", "6".repeat(64)));
    pass(Duration::from_mins(2)).await;
    assert_eq!(woken.world.count("CreateDeployment"), 1, "found by polling");
    pass(Duration::from_mins(58)).await;
    let asked = woken.calls("ReceiveMessage") - asked;
    assert!((40..=90).contains(&asked), "once a minute: {asked}");
    // Somebody makes it.
    woken.world.queue(true);
    woken.stands("it listens", WakeStatus::is_up).await;
    let before = woken.world.count("RegisterTaskDefinition");
    woken
        .world
        .push("1.4.0", &format!("sha256:{}", "7".repeat(64)));
    pass(AT_ONCE).await;
    assert_eq!(woken.world.count("RegisterTaskDefinition"), before + 1);
}

#[tokio::test(start_paused = true)]
async fn denied_and_throttled_it_goes_on_and_comes_back() {
    let woken = Woken::new(98, true).await;
    for (code, word) in [
        ("AccessDeniedException", "access_denied"),
        ("RequestThrottled", "throttled"),
        ("InternalError", "transient"),
    ] {
        woken.world.mounted.with(|sandbox| {
            let mut error = AwsError::new(code, "Injected");
            error.status = if code == "InternalError" { 500 } else { 400 };
            let operation = "sqs:ReceiveMessage".to_owned();
            sandbox.inject(Fault {
                operation,
                error,
                times: None,
                takes_effect: false,
            });
        });
        let stands = woken.stands(code, |wake| wake.trouble.is_some()).await;
        assert_eq!(stands.trouble.unwrap().0, word);
        assert!(stands.since > Moment(0));
        woken
            .world
            .mounted
            .with(evenkeel::sandbox::Sandbox::clear_faults);
        woken.stands("it is back", WakeStatus::is_up).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_queue_costs_a_question_every_twenty_seconds() {
    let woken = Woken::new(99, true).await;
    let before = woken.calls("ReceiveMessage");
    pass(Duration::from_mins(10)).await;
    let asked = woken.calls("ReceiveMessage") - before;
    assert!((28..=31).contains(&asked), "{asked}");
    assert_eq!(woken.calls("DeleteMessageBatch"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_word_of_a_write_does_not_bring_the_next_look_forward() {
    let woken = Woken::new(89, true).await;
    let world = &woken.world;
    let (application, group) = group(world);
    let before = world.count("CreateDeployment");
    world.release(&woken.daemon).await;
    while world.count("CreateDeployment") == before {
        pass(Duration::from_millis(20)).await;
    }
    let reads = woken.calls("ListDeployments");
    // As AWS tells of what was just started, while its reads may still lag.
    let detail = json!({"application": application, "deploymentGroup": group, "state": "START"});
    woken.send(&event(
        "aws.codedeploy",
        "CodeDeploy Deployment State-change Notification",
        &json!([]),
        &detail,
    ));
    pass(AT_ONCE).await;
    assert_eq!(
        woken.calls("ListDeployments"),
        reads,
        "AWS's reads are given their time"
    );
    woken.daemon.converged().await;
    assert_eq!(world.count("CreateDeployment"), before + 1);
}

#[tokio::test(start_paused = true)]
async fn a_storm_does_not_undo_a_backoff() {
    let woken = Woken::new(88, true).await;
    woken.world.mounted.with(|sandbox| {
        sandbox.inject(Fault {
            operation: "ecs:DescribeServices".to_owned(),
            error: AwsError::new("AccessDeniedException", "Injected"),
            times: None,
            takes_effect: false,
        });
    });
    let key = "Service/auth-service".parse().unwrap();
    let failures = |status: &Status| status.resources[&key].failures;
    woken
        .daemon
        .until("a long backoff", |status| failures(status) >= 6)
        .await;
    let before = failures(&woken.daemon.board.read());
    for _ in 0..24 {
        woken.send(&task("auth-service"));
        pass(Duration::from_secs(5)).await;
    }
    let series = r#"evenkeel_wake_messages_total{result="woken"}"#;
    assert!(woken.metric(series) >= 24, "they were heard");
    let more = failures(&woken.daemon.board.read()) - before;
    assert!(more <= 1, "{more} passes more in two minutes");
}
