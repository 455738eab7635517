//! The sandbox by its requests: protocols, regions, journal, faults, its own API.

use super::*;
use http::{Request, Response};
use serde_json::json;

fn json_call(target: &str, region: &str, body: &str) -> Request<Vec<u8>> {
    let scope =
        format!("AWS4-HMAC-SHA256 Credential=K/20261120/{region}/x/aws4_request, Signature=0");
    Request::post("/")
        .header("x-amz-target", target)
        .header("authorization", scope)
        .body(body.as_bytes().to_vec())
        .unwrap()
}

fn query_call(form: &str) -> Request<Vec<u8>> {
    Request::post("/").body(form.as_bytes().to_vec()).unwrap()
}

fn text(response: &Response<Vec<u8>>) -> String {
    String::from_utf8(response.body().clone()).unwrap()
}

fn admin(sandbox: &mut Sandbox, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(format!("/_evenkeel/{path}"))
        .body(body.to_string().into_bytes())
        .unwrap();
    let response = sandbox.handle(0, &request);
    (
        response.status().as_u16(),
        serde_json::from_slice(response.body()).unwrap(),
    )
}

const ECR: &str = "AmazonEC2ContainerRegistry_V20150921";

#[test]
fn json_answers_and_refusals() {
    let mut sandbox = Sandbox::new(0);
    for (target, body, status, expected) in [
        (format!("{ECR}.DescribeRepositories"), "", 200, r#"{"repositories":[]}"#.to_owned()),
        (
            format!("{ECR}.DescribeRepositories"),
            "[]",
            400,
            r#"{"__type":"SerializationException","message":"The body is no JSON object"}"#.to_owned(),
        ),
        (
            format!("{ECR}.Foo"),
            "{}",
            400,
            r#"{"__type":"UnknownOperationException","message":"The simulated AWS has no operation ecr:Foo"}"#.to_owned(),
        ),
        (
            "CodeBuild_20161006.ListBuilds".to_owned(),
            "{}",
            400,
            r#"{"__type":"UnknownOperationException","message":"The simulated AWS has no operation x:ListBuilds"}"#.to_owned(),
        ),
    ] {
        let response = sandbox.handle(0, &json_call(&target, "us-east-1", body));
        assert_eq!((response.status().as_u16(), text(&response)), (status, expected), "{target}");
        assert_eq!(response.headers()["content-type"], "application/x-amz-json-1.1");
        assert!(response.headers().contains_key("x-amzn-requestid"));
    }
    let broken = json_call(&format!("{ECR}.DescribeRepositories"), "us-east-1", "{");
    assert!(text(&sandbox.handle(0, &broken)).contains("SerializationException"));
}

#[test]
fn query_answers_and_refusals() {
    let mut sandbox = Sandbox::new(0);
    let identity = sandbox.handle(
        0,
        &query_call("Action=GetCallerIdentity&Version=2011-06-15"),
    );
    assert_eq!(
        text(&identity),
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
         <GetCallerIdentityResult><UserId>123456789012</UserId><Account>123456789012</Account>\
         <Arn>arn:aws:iam::123456789012:root</Arn></GetCallerIdentityResult><ResponseMetadata>\
         <RequestId>00000000-0000-4000-8000-000000000001</RequestId></ResponseMetadata>\
         </GetCallerIdentityResponse>"
    );
    let missing = "Action=DescribeTargetGroups&Version=2015-12-01&Names.member.1=a";
    let missing = sandbox.handle(0, &query_call(missing));
    assert_eq!(missing.status(), 400);
    assert_eq!(missing.headers()["content-type"], "text/xml");
    assert_eq!(
        text(&missing),
        "<ErrorResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\"><Error>\
         <Type>Sender</Type><Code>TargetGroupNotFound</Code><Message>One or more target groups not \
         found</Message></Error><RequestId>00000000-0000-4000-8000-000000000002</RequestId>\
         </ErrorResponse>"
    );
    for (form, expected) in [
        (
            "Action=Foo&Version=2015-12-01",
            "has no operation elasticloadbalancing:Foo",
        ),
        (
            "Action=ListTopics&Version=2010-03-31",
            "has no operation unknown:ListTopics",
        ),
        ("", "has no operation unknown:POST /"),
    ] {
        let refused = text(&sandbox.handle(0, &query_call(form)));
        assert!(refused.contains("<Code>InvalidAction</Code>"), "{refused}");
        assert!(refused.contains(expected), "{refused}");
    }
    let get = Request::get("/?Action=GetCallerIdentity&Version=2011-06-15")
        .body(vec![])
        .unwrap();
    assert_eq!(sandbox.handle(0, &get).status(), 200);
}

#[test]
fn cbor_is_refused_in_cbor() {
    let mut sandbox = Sandbox::new(0);
    let path = "/service/CodeDeploy_20141006/operation/ListApplications";
    let request = Request::post(path).body(vec![0xa0]).unwrap();
    let response = sandbox.handle(0, &request);
    assert_eq!(response.headers()["smithy-protocol"], "rpc-v2-cbor");
    assert_eq!(response.body()[..10], *b"\xa2\x79\x00\x06__type");
    assert!(
        String::from_utf8_lossy(response.body()).contains("CodeDeploy_20141006:ListApplications")
    );
}

#[test]
fn regions_are_separate_and_time_moves_with_requests() {
    let mut sandbox = Sandbox::new(1_000);
    let create = format!("{ECR}.CreateRepository");
    let list = format!("{ECR}.DescribeRepositories");
    sandbox.handle(
        5_000,
        &json_call(&create, "eu-west-1", r#"{"repositoryName":"app"}"#),
    );
    let there = text(&sandbox.handle(5_000, &json_call(&list, "eu-west-1", "")));
    assert!(there.contains(r#""createdAt":5.0"#), "{there}");
    let here = text(&sandbox.handle(5_000, &json_call(&list, "us-east-1", "")));
    assert_eq!(here, r#"{"repositories":[]}"#);
    sandbox.tick(9_000);
    assert_eq!(
        (
            sandbox.region("eu-west-1").now,
            sandbox.region("us-east-1").now
        ),
        (9_000, 9_000)
    );
    sandbox.handle(2_000, &json_call(&list, "us-east-1", ""));
    assert_eq!(
        sandbox.region("us-east-1").now,
        9_000,
        "time does not turn back"
    );
}

#[test]
fn the_journal_tells_reads_from_writes_and_hides_secrets() {
    let mut sandbox = Sandbox::new(0);
    let put = r#"{"Name":"/a","Value":"hush","Type":"SecureString"}"#;
    sandbox.handle(0, &json_call("AmazonSSM.PutParameter", "eu-west-1", put));
    sandbox.handle(
        1,
        &json_call("AmazonSSM.GetParameter", "eu-west-1", r#"{"Name":"/b"}"#),
    );
    let [first, second] = sandbox.journal() else {
        panic!("{:?}", sandbox.journal())
    };
    assert_eq!(
        (first.service, first.operation.as_str()),
        ("ssm", "PutParameter")
    );
    assert_eq!((first.mutating, &first.error, first.time), (true, &None, 0));
    assert_eq!(second.error.as_deref(), Some("ParameterNotFound"));
    assert_eq!(sandbox.mutations().count(), 1);
    let (status, listed) = admin(&mut sandbox, "GET", "journal?mutating=true", &json!(null));
    assert_eq!(
        (status, listed["entries"].as_array().unwrap().len()),
        (200, 1)
    );
    assert!(!listed.to_string().contains("hush"));
    let (_, newest) = admin(&mut sandbox, "GET", "journal?limit=1", &json!(null));
    assert_eq!(newest["entries"][0]["operation"], "GetParameter");
}

#[test]
fn faults_strike_as_often_as_they_should() {
    let mut sandbox = Sandbox::new(0);
    let fault = json!({
        "operation": "ecr:*", "code": "ThrottlingException", "times": 1, "takesEffect": true
    });
    assert_eq!(
        admin(&mut sandbox, "POST", "faults", &fault),
        (200, json!({}))
    );
    let create = json_call(
        &format!("{ECR}.CreateRepository"),
        "us-east-1",
        r#"{"repositoryName":"app"}"#,
    );
    assert!(text(&sandbox.handle(0, &create)).contains("ThrottlingException"));
    let again = text(&sandbox.handle(0, &create));
    assert!(
        again.contains("RepositoryAlreadyExistsException"),
        "it took effect: {again}"
    );
    sandbox.inject(Fault {
        operation: "*".to_owned(),
        error: AwsError {
            status: 503,
            code: "ServiceUnavailable".to_owned(),
            message: String::new(),
        },
        times: None,
        takes_effect: false,
    });
    let other = json_call(
        &format!("{ECR}.CreateRepository"),
        "us-east-1",
        r#"{"repositoryName":"other"}"#,
    );
    assert_eq!(sandbox.handle(0, &other).status(), 503);
    assert_eq!(sandbox.handle(0, &other).status(), 503);
    admin(&mut sandbox, "DELETE", "faults", &json!(null));
    assert_eq!(
        sandbox.handle(0, &other).status(),
        200,
        "it had not taken effect"
    );
}

#[test]
fn its_own_api_pushes_images_and_sets_behaviours() {
    let mut sandbox = Sandbox::new(0);
    let image = json!({ "repository": "app", "tags": ["1"], "crash": 2, "region": "eu-west-1" });
    let (status, pushed) = admin(&mut sandbox, "POST", "images", &image);
    assert_eq!((status, &pushed["held"]), (200, &json!(true)));
    let create = json_call(
        &format!("{ECR}.CreateRepository"),
        "eu-west-1",
        r#"{"repositoryName":"app"}"#,
    );
    sandbox.handle(0, &create);
    let name = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1";
    let world = sandbox.region("eu-west-1");
    let digest = pushed["digest"].as_str().unwrap().to_owned();
    assert_eq!(
        world.ecr.lookup("eu-west-1", name),
        ecr::Lookup::Found {
            digest: digest.clone()
        }
    );
    assert_eq!(world.behaviours.of(name).crash, Some(2));
    let mut rebuilt = image.clone();
    rebuilt["build"] = json!("2");
    let (_, pushed) = admin(&mut sandbox, "POST", "images", &rebuilt);
    assert_eq!(pushed["held"], false);
    assert_ne!(pushed["digest"], digest.as_str());
    let healthy = json!({ "image": "app:*", "region": "eu-west-1" });
    admin(&mut sandbox, "POST", "behaviours", &healthy);
    assert_eq!(
        sandbox.region("eu-west-1").behaviours.of(name),
        behaviour::Behaviour::default()
    );
    for (method, path, body, status, error) in [
        (
            "POST",
            "images",
            json!({ "tags": ["1"] }),
            400,
            "image.repository: missing",
        ),
        (
            "POST",
            "behaviours",
            json!({}),
            400,
            "behaviour.image: missing",
        ),
        (
            "POST",
            "faults",
            json!({ "operation": "*", "code": "X", "status": 200 }),
            400,
            "fault.status",
        ),
        (
            "POST",
            "hooks",
            json!({ "function": "smoke", "result": "Failed" }),
            400,
            "hook.result: expected SUCCEEDED, FAILED or IN_PROGRESS, found Failed",
        ),
        (
            "POST",
            "alarms",
            json!({ "name": "5xx", "state": "on" }),
            400,
            "alarm.state: expected ALARM or OK, found on",
        ),
        (
            "POST",
            "faults",
            json!({ "code": "X" }),
            400,
            "fault.operation: missing",
        ),
        (
            "POST",
            "seed",
            json!({ "kind": "X" }),
            400,
            "SandboxSeed.apiVersion: missing",
        ),
        (
            "GET",
            "journal?limit=x",
            json!(null),
            400,
            "limit: expected a number",
        ),
        (
            "GET",
            "nope",
            json!(null),
            404,
            "There is no GET /_evenkeel/nope",
        ),
    ] {
        let (found, answer) = admin(&mut sandbox, method, path, &body);
        let answer = answer["error"].as_str().unwrap();
        assert!(
            found == status && answer.starts_with(error),
            "{path}: {found} {answer}"
        );
    }
    let (_, health) = admin(&mut sandbox, "GET", "health", &json!(null));
    assert_eq!(health, json!({ "status": "running", "time": 0 }));
}

#[test]
fn its_own_api_pulls_the_levers_of_lambda_and_cloud_watch() {
    let mut sandbox = Sandbox::new(0);
    let mut pull = |path: &str, body: Value| {
        let (status, answer) = admin(&mut sandbox, "POST", path, &body);
        assert_eq!((status, answer), (200, json!({})), "{path}");
        sandbox.region("us-east-1").levers.clone()
    };
    let levers = pull("hooks", json!({ "function": "smoke", "result": "FAILED" }));
    assert_eq!(levers.hook("smoke"), levers::HookOutcome::Failed);
    let levers = pull("alarms", json!({ "name": "5xx", "state": "ALARM" }));
    assert!(levers.alarms_firing.contains("5xx"));
    let levers = pull("alarms", json!({ "name": "5xx", "state": "OK" }));
    assert!(levers.alarms_firing.is_empty());
}

#[test]
fn roles_are_assumed_with_credentials_that_end() {
    let mut sandbox = Sandbox::new(0);
    let role = "Action=AssumeRole&Version=2011-06-15&RoleSessionName=me&RoleArn=";
    let good = format!("{role}arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdeploy");
    let answer = text(&sandbox.handle(0, &query_call(&good)));
    assert!(
        answer.contains("<Expiration>1970-01-01T01:00:00.000Z</Expiration>"),
        "{answer}"
    );
    assert!(answer.contains("<Arn>arn:aws:sts::123456789012:assumed-role/deploy/me</Arn>"));
    let refused = sandbox.handle(0, &query_call(&format!("{role}deploy")));
    assert_eq!(refused.status(), 403);
    for suffix in ["&DurationSeconds=10", "&RoleSessionName="] {
        let refused = text(&sandbox.handle(0, &query_call(&format!("{good}{suffix}"))));
        assert!(
            refused.contains("<Code>ValidationError</Code>"),
            "{refused}"
        );
    }
}
