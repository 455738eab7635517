//! Parameter Store by its operations.

use super::super::{AwsError, World};
use super::operation;
use serde_json::{Value, json};

struct Fixture {
    world: World,
}

impl Fixture {
    fn new() -> Self {
        Self {
            world: World::new("us-east-1", 0),
        }
    }

    fn call(&mut self, name: &str, input: &Value) -> Result<Value, AwsError> {
        operation(name).unwrap().0(&mut self.world, input)
    }

    fn ok(&mut self, name: &str, input: &Value) -> Value {
        self.call(name, input)
            .unwrap_or_else(|error| panic!("{name} {input}: {error:?}"))
    }

    fn put(&mut self, name: &str, value: &str) {
        let input = json!({ "Name": name, "Value": value, "Type": "String", "Overwrite": true });
        self.ok("PutParameter", &input);
    }
}

#[test]
fn what_is_written_is_told_of() {
    let mut aws = Fixture::new();
    aws.world.sqs.set("wake", true, 0);
    aws.put("/a/b", "1");
    aws.put("/a/b", "2");
    let label = json!({ "Name": "/a/b", "Labels": ["live"] });
    aws.ok("LabelParameterVersion", &label);
    aws.call("DeleteParameter", &json!({ "Name": "/none" }))
        .unwrap_err();
    aws.ok("DeleteParameters", &json!({ "Names": ["/a/b", "/none"] }));
    let (receive, _) = super::super::sqs::operation("ReceiveMessage").unwrap();
    let input = json!({"QueueUrl": "x/wake", "MaxNumberOfMessages": 10});
    let answer = receive(&mut aws.world, &input).unwrap();
    let messages = answer["Messages"].as_array().unwrap();
    let told = messages.iter().map(|message| {
        let event: Value = serde_json::from_str(message["Body"].as_str().unwrap()).unwrap();
        assert_eq!(event["source"], "aws.ssm");
        assert_eq!(event["detail-type"], "Parameter Store Change");
        let arn = "arn:aws:ssm:us-east-1:123456789012:parameter/a/b";
        assert_eq!(event["resources"], json!([arn]));
        event["detail"].clone()
    });
    let told: Vec<Value> = told.collect();
    let of = |operation| json!({"operation": operation, "name": "/a/b", "type": "String"});
    let all = ["Create", "Update", "LabelParameterVersion", "Delete"].map(of);
    assert_eq!(told, all);
}

#[test]
fn refusals() {
    let mut aws = Fixture::new();
    aws.put("/a/b", "1");
    let put = |changes: Value| {
        let mut input = json!({ "Name": "/new", "Value": "x", "Type": "String" });
        input
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        input
    };
    let advanced = put(json!({ "Name": "/advanced", "Tier": "Advanced" }));
    aws.ok("PutParameter", &advanced);
    let deep = "/x".repeat(16);
    let labels: Vec<String> = (0..11).map(|n| format!("l{n}")).collect();
    let eleven: Vec<String> = (0..11).map(|n| format!("/{n}")).collect();
    let tags: Vec<Value> = (0..51)
        .map(|n| json!({ "Key": n.to_string(), "Value": "" }))
        .collect();
    for (name, input, code) in [
        (
            "PutParameter",
            put(json!({ "Name": "/a/b" })),
            "ParameterAlreadyExists",
        ),
        (
            "PutParameter",
            put(json!({ "Name": "a/b" })),
            "ValidationException",
        ),
        (
            "PutParameter",
            put(json!({ "Name": "/a//b" })),
            "ValidationException",
        ),
        (
            "PutParameter",
            put(json!({ "Name": "/a b" })),
            "ValidationException",
        ),
        (
            "PutParameter",
            put(json!({ "Name": "/AWS/x" })),
            "ValidationException",
        ),
        (
            "PutParameter",
            put(json!({ "Name": deep })),
            "HierarchyLevelLimitExceededException",
        ),
        (
            "PutParameter",
            put(json!({ "Value": "" })),
            "ValidationException",
        ),
        (
            "PutParameter",
            put(json!({ "Type": null })),
            "ValidationException",
        ),
        (
            "PutParameter",
            put(json!({ "Type": "Number" })),
            "ValidationException",
        ),
        (
            "PutParameter",
            put(json!({ "Tier": "Cheap" })),
            "ValidationException",
        ),
        (
            "PutParameter",
            put(json!({ "Value": "x".repeat(4097) })),
            "ValidationException",
        ),
        (
            "PutParameter",
            put(json!({ "Value": "x".repeat(8193), "Tier": "Advanced" })),
            "ValidationException",
        ),
        (
            "PutParameter",
            put(json!({ "Tags": [{ "Key": "a", "Value": "b" }], "Overwrite": true })),
            "ValidationException",
        ),
        (
            "PutParameter",
            put(json!({ "Tags": tags })),
            "TooManyTagsError",
        ),
        (
            "PutParameter",
            put(json!({ "Name": "/a/b", "Type": "StringList", "Overwrite": true })),
            "HierarchyTypeMismatchException",
        ),
        (
            "PutParameter",
            put(json!({ "Name": "/advanced", "Tier": "Standard", "Overwrite": true })),
            "ValidationException",
        ),
        (
            "GetParameter",
            json!({ "Name": "/gone" }),
            "ParameterNotFound",
        ),
        (
            "GetParameter",
            json!({ "Name": "/a/b:2" }),
            "ParameterVersionNotFound",
        ),
        (
            "GetParameter",
            json!({ "Name": "/a/b:prod" }),
            "ParameterVersionNotFound",
        ),
        (
            "GetParameters",
            json!({ "Names": eleven }),
            "ValidationException",
        ),
        (
            "GetParameters",
            json!({ "Names": [] }),
            "ValidationException",
        ),
        (
            "GetParameterHistory",
            json!({ "Name": "/gone" }),
            "ParameterNotFound",
        ),
        (
            "GetParametersByPath",
            json!({ "Path": "a" }),
            "ValidationException",
        ),
        (
            "GetParametersByPath",
            json!({ "Path": "/", "MaxResults": 11 }),
            "ValidationException",
        ),
        (
            "GetParametersByPath",
            json!({ "Path": "/", "NextToken": "x" }),
            "InvalidNextToken",
        ),
        (
            "GetParametersByPath",
            json!({ "Path": "/", "ParameterFilters": [{ "Key": "Name" }] }),
            "InvalidFilterKey",
        ),
        (
            "DescribeParameters",
            json!({ "ParameterFilters": [{ "Key": "Color" }] }),
            "InvalidFilterKey",
        ),
        (
            "DescribeParameters",
            json!({ "ParameterFilters": [{ "Key": "Name", "Option": "Like" }] }),
            "InvalidFilterOption",
        ),
        (
            "DescribeParameters",
            json!({ "MaxResults": 51 }),
            "ValidationException",
        ),
        (
            "DeleteParameter",
            json!({ "Name": "/gone" }),
            "ParameterNotFound",
        ),
        (
            "DeleteParameters",
            json!({ "Names": eleven }),
            "ValidationException",
        ),
        (
            "LabelParameterVersion",
            json!({ "Name": "/gone", "Labels": ["a"] }),
            "ParameterNotFound",
        ),
        (
            "LabelParameterVersion",
            json!({ "Name": "/a/b", "ParameterVersion": 9, "Labels": ["a"] }),
            "ParameterVersionNotFound",
        ),
        (
            "LabelParameterVersion",
            json!({ "Name": "/a/b", "Labels": labels }),
            "ParameterVersionLabelLimitExceeded",
        ),
        (
            "AddTagsToResource",
            json!({ "ResourceType": "Document", "ResourceId": "x" }),
            "InvalidResourceType",
        ),
        (
            "AddTagsToResource",
            json!({ "ResourceType": "Parameter", "ResourceId": "x" }),
            "InvalidResourceId",
        ),
    ] {
        let result = aws.call(name, &input);
        assert_eq!(result.unwrap_err().code, code, "{name} {input}");
    }
}

#[test]
fn versions_and_labels_select_values() {
    let mut aws = Fixture::new();
    for value in ["one", "two", "three"] {
        aws.put("/a", value);
    }
    let label = json!({ "Name": "/a", "ParameterVersion": 1, "Labels": ["prod", "1bad"] });
    assert_eq!(
        aws.ok("LabelParameterVersion", &label)["InvalidLabels"],
        json!(["1bad"])
    );
    let value = |aws: &mut Fixture, name: &str| {
        aws.ok("GetParameter", &json!({ "Name": name }))["Parameter"]["Value"].clone()
    };
    assert_eq!(value(&mut aws, "/a"), "three");
    assert_eq!(value(&mut aws, "/a:2"), "two");
    assert_eq!(value(&mut aws, "/a:prod"), "one");
    assert_eq!(
        value(&mut aws, "arn:aws:ssm:us-east-1:123456789012:parameter/a"),
        "three"
    );
    aws.ok(
        "LabelParameterVersion",
        &json!({ "Name": "/a", "Labels": ["prod"] }),
    );
    assert_eq!(value(&mut aws, "/a:prod"), "three", "the label moved");
    let history = aws.ok("GetParameterHistory", &json!({ "Name": "/a" }));
    let labels: Vec<_> = history["Parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["Labels"])
        .collect();
    assert_eq!(labels, [&json!([]), &json!([]), &json!(["prod"])]);
    let unlabel = json!({ "Name": "/a", "ParameterVersion": 3, "Labels": ["prod", "x"] });
    let removed = aws.ok("UnlabelParameterVersion", &unlabel);
    assert_eq!(
        (&removed["RemovedLabels"], &removed["InvalidLabels"]),
        (&json!(["prod"]), &json!(["x"]))
    );
}

#[test]
fn a_hundred_versions_are_kept_unless_the_oldest_is_labelled() {
    let mut aws = Fixture::new();
    for n in 0..101 {
        aws.put("/a", &n.to_string());
    }
    let gone = aws
        .call("GetParameter", &json!({ "Name": "/a:1" }))
        .unwrap_err();
    assert_eq!(gone.code, "ParameterVersionNotFound");
    let label = json!({ "Name": "/a", "ParameterVersion": 2, "Labels": ["keep"] });
    aws.ok("LabelParameterVersion", &label);
    let input = json!({ "Name": "/a", "Value": "x", "Overwrite": true });
    let refused = aws.call("PutParameter", &input).unwrap_err();
    assert_eq!(refused.code, "ParameterMaxVersionLimitExceeded");
    let kept = aws.ok("GetParameter", &json!({ "Name": "/a:keep" }));
    assert_eq!(
        kept["Parameter"]["Value"], "1",
        "nothing was lost by the refusal"
    );
}

#[test]
fn a_path_is_read_by_pages_of_ten() {
    let mut aws = Fixture::new();
    for n in 0..12 {
        aws.put(&format!("/app/{n:02}"), "x");
    }
    aws.put("/app/deep/er", "x");
    aws.put("/apple", "x");
    let count = |output: &Value| output["Parameters"].as_array().unwrap().len();
    let first = aws.ok("GetParametersByPath", &json!({ "Path": "/app/" }));
    assert_eq!(count(&first), 10);
    let rest = json!({ "Path": "/app/", "NextToken": first["NextToken"] });
    assert_eq!(count(&aws.ok("GetParametersByPath", &rest)), 2);
    let deep = json!({ "Path": "/app/deep", "Recursive": true });
    assert_eq!(count(&aws.ok("GetParametersByPath", &deep)), 1);
    aws.ok(
        "LabelParameterVersion",
        &json!({ "Name": "/app/03", "Labels": ["prod"] }),
    );
    aws.put("/app/03", "newer");
    let labelled = json!({ "Path": "/app", "ParameterFilters": [
        { "Key": "Label", "Values": ["prod"] }
    ] });
    let labelled = aws.ok("GetParametersByPath", &labelled);
    assert_eq!(count(&labelled), 1);
    assert_eq!(
        labelled["Parameters"][0]["Value"], "x",
        "the labelled version, not the newest"
    );
    let late = json!({ "Name": "/app/11", "Labels": ["late"] });
    aws.ok("LabelParameterVersion", &late);
    let mut labelled = json!({ "Path": "/app", "ParameterFilters": [
        { "Key": "Label", "Values": ["late"] }
    ] });
    let empty = aws.ok("GetParametersByPath", &labelled);
    assert_eq!(count(&empty), 0, "a page without any, and not the last");
    labelled["NextToken"] = empty["NextToken"].clone();
    let last = aws.ok("GetParametersByPath", &labelled);
    assert_eq!((count(&last), &last["NextToken"]), (1, &json!(null)));
    let names = json!({ "ParameterFilters": [
        { "Key": "Name", "Option": "Contains", "Values": ["pp/0"] }
    ] });
    assert_eq!(count(&aws.ok("DescribeParameters", &names)), 10);
}

#[test]
fn secrets_are_shown_only_decrypted_and_unknown_names_are_listed() {
    let mut aws = Fixture::new();
    let put = json!({ "Name": "/s", "Value": "hush", "Type": "SecureString" });
    aws.ok("PutParameter", &put);
    let hidden = aws.ok("GetParameters", &json!({ "Names": ["/s", "/t"] }));
    assert_eq!(hidden["InvalidParameters"], json!(["/t"]));
    assert!(!hidden.to_string().contains("hush"));
    let shown = aws.ok(
        "GetParameter",
        &json!({ "Name": "/s", "WithDecryption": true }),
    );
    assert_eq!(shown["Parameter"]["Value"], "hush");
    let resource = json!({ "ResourceType": "Parameter", "ResourceId": "/s", "Tags": [
        { "Key": "a", "Value": "b" }
    ] });
    aws.ok("AddTagsToResource", &resource);
    assert_eq!(
        aws.ok("ListTagsForResource", &resource)["TagList"],
        resource["Tags"]
    );
    let by_tag = json!({ "ParameterFilters": [{ "Key": "tag:a", "Values": ["b"] }] });
    assert_eq!(
        aws.ok("DescribeParameters", &by_tag)["Parameters"][0]["Name"],
        "/s"
    );
    let deleted = aws.ok("DeleteParameters", &json!({ "Names": ["/s", "/t"] }));
    assert_eq!(
        deleted,
        json!({ "DeletedParameters": ["/s"], "InvalidParameters": ["/t"] })
    );
}

#[test]
fn large_values_move_up_a_tier_when_allowed_to() {
    let mut aws = Fixture::new();
    let input = json!({
        "Name": "/big", "Value": "x".repeat(5000), "Type": "String", "Tier": "Intelligent-Tiering"
    });
    assert_eq!(
        aws.ok("PutParameter", &input),
        json!({ "Version": 1, "Tier": "Advanced" })
    );
    let small = json!({ "Name": "/big", "Value": "x", "Overwrite": true });
    assert_eq!(
        aws.ok("PutParameter", &small),
        json!({ "Version": 2, "Tier": "Advanced" })
    );
}
