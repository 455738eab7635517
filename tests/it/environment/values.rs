//! Values from elsewhere, and that a secret among them is shown nowhere.

use std::process::Command;

use evenkeel::controller::preview;
use evenkeel::environment::{Chosen, load};
use evenkeel::http::status_json;
use evenkeel::kinds::Policy;
use evenkeel::manifest::{Fetched, LoadOptions, environments};
use evenkeel::model::Service;
use evenkeel::source::Dir;
use evenkeel::values::{Beside, NoValue, fetch};
use serde_json::json;

use super::stage::{Stage, folder};

const SECRET: &str = "hunter2-is-secret";

fn environment(variables: &str) -> String {
    format!(
        "apiVersion: evenkeel.dev/v1alpha1\nkind: Environment\nmetadata: {{name: staging}}\nspec:\n  \
         variables:\n{variables}"
    )
}

const PARAMETERS: &str = "    TAG: {fromSsm: /web/tag}\n    CPU: {fromSsm: /web/cpu}\n    \
    PASSWORD: {fromSsm: /web/password}\n    LEVEL: {fromSsm: /web/level, default: info}\n";

const TASK: &str = r#"
apiVersion: evenkeel.dev/v1alpha1
kind: TaskDefinition
metadata: {name: web}
spec:
  networkMode: awsvpc
  requiresCompatibilities: [FARGATE]
  cpu: ${CPU}
  memory: "512"
  containerDefinitions:
    - name: web
      image: public.ecr.aws/x/web:${TAG}
      environment:
        - {name: LEVEL, value: "${LEVEL}"}
        - {name: DB, value: "pw=${PASSWORD}"}
"#;

fn seed(password: &str) -> serde_json::Value {
    json!({"apiVersion": "evenkeel.dev/v1alpha1", "kind": "SandboxSeed", "metadata": {"name": "x"}, "spec": {
        "parameters": [
            {"name": "/web/tag", "value": "1.5.0", "type": "String"},
            {"name": "/web/cpu", "value": "256", "type": "String"},
            {"name": "/web/password", "value": password, "type": "SecureString"},
        ]
    }})
}

fn stage() -> Stage {
    let stage = Stage::new(&[("env.yaml", &environment(PARAMETERS)), ("web.yaml", TASK)]);
    stage.mounted.seed("eu-central-1", &[seed(SECRET)]).unwrap();
    stage
}

async fn fetched(stage: &Stage) -> Result<Fetched, NoValue> {
    let files = Dir::new(stage.folder.path()).read().unwrap().files;
    let all = environments(&files);
    let chosen = all.select(Some("staging")).unwrap().unwrap();
    let beside = Beside::Folder(stage.folder.path());
    fetch(chosen, beside, &stage.aws().await).await
}

#[tokio::test(start_paused = true)]
async fn parameters_reach_aws_and_the_secret_is_shown_nowhere() {
    let stage = stage();
    let daemon = stage.daemon("staging").await;
    let status = daemon.converged().await;
    let live = stage
        .ask(
            Service::Ecs,
            "DescribeTaskDefinition",
            json!({"taskDefinition": "web"}),
        )
        .await;
    let container = &live["taskDefinition"]["containerDefinitions"][0];
    assert_eq!(container["image"], "public.ecr.aws/x/web:1.5.0");
    assert_eq!(container["environment"][0]["value"], format!("pw={SECRET}"));
    let shown = format!(
        "{status:?}{}{}",
        status_json(&status),
        stage.metrics.render(&status)
    );
    assert!(!shown.contains(SECRET), "{shown}");
    daemon.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_is_a_change_that_shows_neither_value() {
    let stage = stage();
    let daemon = stage.daemon("staging").await;
    daemon.converged().await;
    daemon.stop().await;
    stage
        .mounted
        .seed("eu-central-1", &[seed("rotated-secret")])
        .unwrap();
    let source = Dir::new(stage.folder.path());
    let aws = stage.aws().await;
    let chosen = Chosen::new(Some("staging".to_owned()), &source.clone().into())
        .await
        .unwrap();
    let files = source.read().unwrap().files;
    let scope = chosen.scope(&files, &[], &aws).await.unwrap();
    assert!(!format!("{scope:?}").contains("rotated-secret"));
    let loaded = load(&files, &LoadOptions::default(), &scope);
    let plans = preview(aws, stage.clock.clone(), Policy::default(), loaded.set).await;
    let plan = plans.values().next().unwrap();
    assert_eq!(plan.steps.len(), 1, "a new revision: {plan:?}");
    assert!(
        plan.steps[0]
            .call
            .input
            .to_string()
            .contains("rotated-secret")
    );
    let why: String = plan.steps.iter().map(|step| step.why.as_str()).collect();
    let shown = format!("{:?}{:?}{why}", plan.outcome, plan.drift);
    assert!(
        !shown.contains("rotated-secret") && !shown.contains(SECRET),
        "{shown}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_quotes_the_secret_is_told_without_it() {
    let stage = stage();
    let refusal = json!({
        "__type": "ClientException",
        "message": format!("Invalid value 'pw={SECRET}' for environment"),
    });
    stage
        .wire
        .answer("RegisterTaskDefinition", 400, &refusal.to_string());
    let daemon = stage.daemon("staging").await;
    let status = daemon
        .until("refused", |status| {
            status
                .resources
                .values()
                .any(|one| one.outcome.label() == "Failed")
        })
        .await;
    let text = format!("{status:?}");
    assert!(text.contains("Invalid value 'pw=****'"), "{text}");
    assert!(!text.contains(SECRET));
    daemon.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_fetch_leaves_what_was_in_force() {
    let stage = stage();
    let daemon = stage.daemon("staging").await;
    daemon.converged().await;
    let denied = json!({"__type": "AccessDeniedException", "message": "no ssm:GetParameters"});
    stage.wire.answer("GetParameters", 400, &denied.to_string());
    daemon.look().await;
    let status = daemon.board.read();
    let error = status.source.error.unwrap();
    assert!(
        error.contains("ssm:GetParameters") && error.contains("staging"),
        "{error}"
    );
    assert_eq!(status.resources.len(), 1);
    stage.wire.forget();
    daemon.look().await;
    assert_eq!(daemon.board.read().source.error, None);
    assert_eq!(stage.writes(), ["RegisterTaskDefinition"]);
    daemon.stop().await;
}

#[test]
fn no_command_prints_the_secret() {
    let seed = serde_json::to_string(&seed(SECRET)).unwrap();
    let folder = folder(&[
        ("env.yaml", &environment(PARAMETERS)),
        ("web.yaml", TASK),
        ("seed.json", &seed),
    ]);
    for (args, code) in [
        (&["plan", "--sandbox"][..], 2),
        (&["plan", "--sandbox", "--output", "json"], 2),
        (&["sync", "--sandbox", "--log", "trace"], 0),
        (&["sync", "--sandbox", "--output", "json"], 0),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_evenkeel"))
            .args(args)
            .args(["--environment", "staging"])
            .env_clear()
            .env("EVENKEEL_SOURCE", folder.path())
            .output()
            .unwrap();
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8_lossy(&shown);
        assert_eq!(output.status.code(), Some(code), "{args:?} {shown}");
        assert!(
            !shown.is_empty() && !shown.contains(SECRET),
            "{args:?} {shown}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn secrets_stacks_and_terraform() {
    let text = environment(
        "    WHOLE: {fromSecret: db}\n    PART: {fromSecret: {id: db, key: user}}\n    \
         ARN: {fromSecretArn: db}\n    OUT: {fromStackOutput: net/Vpc}\n    EXPORT: {fromExport: subnet}\n    \
         LB: {fromTerraform: {state: infra.tfstate, address: aws_lb.main.arn}}\n    \
         REMOTE: {fromTerraform: {state: \"s3://bucket/a/b.tfstate\", output: vpc}}\n",
    );
    let stage = Stage::new(&[("env.yaml", &text)]);
    let terraform = json!({"version": 4, "outputs": {"vpc": {"value": "vpc-2"}}, "resources": [
        {"mode": "managed", "type": "aws_lb", "name": "main", "instances": [{"attributes": {"arn": "arn:lb"}}]}]});
    super::stage::write(stage.folder.path(), "infra.tfstate", &terraform.to_string());
    let wire = &stage.wire;
    let secret = json!({"ARN": "arn:db-1", "SecretString": "{\"user\":\"me\"}"}).to_string();
    wire.answer("secretsmanager.GetSecretValue", 200, &secret);
    wire.answer(
        "secretsmanager.DescribeSecret",
        200,
        &json!({"ARN": "arn:db-1"}).to_string(),
    );
    wire.answer("bucket", 200, &terraform.to_string());
    wire.answer(
        "Action=DescribeStacks",
        200,
        "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>net</StackName>\
         <CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus>\
         <Outputs><member><OutputKey>Vpc</OutputKey><OutputValue>vpc-1</OutputValue></member></Outputs></member>\
         </Stacks></DescribeStacksResult></DescribeStacksResponse>",
    );
    let page = |name: &str, value: &str, next: &str| {
        format!(
            "<ListExportsResponse><ListExportsResult><Exports><member><Name>{name}</Name><Value>{value}</Value>\
             </member></Exports>{next}</ListExportsResult></ListExportsResponse>"
        )
    };
    wire.answer(
        "Action=ListExports",
        200,
        &page("other", "x", "<NextToken>n</NextToken>"),
    );
    wire.answer("NextToken=n", 200, &page("subnet", "subnet-1", ""));
    let found = fetched(&stage).await.unwrap();
    for (name, value, secret) in [
        ("WHOLE", "{\"user\":\"me\"}", true),
        ("PART", "me", true),
        ("ARN", "arn:db-1", false),
        ("OUT", "vpc-1", false),
        ("EXPORT", "subnet-1", false),
        ("LB", "arn:lb", false),
        ("REMOTE", "vpc-2", false),
    ] {
        let known = &found[name];
        assert_eq!(
            (known.value.as_str(), known.secret),
            (Some(value), secret),
            "{name}"
        );
    }
    assert!(!format!("{found:?}").contains("me\\\""));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_told_with_its_name_and_a_default_is_taken() {
    for (variables, named) in [
        ("    A: {fromSsm: /none}\n", "SSM parameter /none"),
        ("    A: {fromSecret: none}\n", "secret none"),
        (
            "    A: {fromStackOutput: none/x}\n",
            "output x of stack none",
        ),
        (
            "    A: {fromEnv: EVENKEEL_TEST_NONE}\n",
            "variable EVENKEEL_TEST_NONE",
        ),
        (
            "    A: {fromTerraform: {state: none.tfstate, output: x}}\n",
            "none.tfstate",
        ),
    ] {
        let stage = Stage::new(&[("env.yaml", &environment(variables))]);
        let missing = json!({"__type": "ResourceNotFoundException", "message": "no"}).to_string();
        stage.wire.answer("secretsmanager", 400, &missing);
        stage.wire.answer(
            "Action=DescribeStacks",
            400,
            "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id none does \
             not exist</Message></Error><RequestId>1</RequestId></ErrorResponse>",
        );
        let error = fetched(&stage).await.unwrap_err();
        assert_eq!(error.variable, "A");
        assert!(error.to_string().contains(named), "{error}");
        if !variables.contains("Terraform") {
            let with_default = variables.replace("}\n", ", default: x}\n");
            super::stage::write(stage.folder.path(), "env.yaml", &environment(&with_default));
            assert_eq!(fetched(&stage).await.unwrap()["A"].value, "x");
        }
    }
}
