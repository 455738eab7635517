//! The program over the Parameter Store of its own simulated AWS: what a person types and sees.

use serde_json::{Value, json};

use crate::e2e::program::{Program, command, run, until};
use crate::e2e::talk;

fn cluster(name: &str) -> String {
    format!(
        "apiVersion: evenkeel.dev/v1alpha1\nkind: Cluster\nmetadata: {{name: {name}}}\nspec: {{}}\n"
    )
}

/// A folder with one cluster, and a seed that puts another into the Parameter Store.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let seed = json!({
        "apiVersion": "evenkeel.dev/v1alpha1",
        "kind": "SandboxSeed",
        "metadata": {"name": "x"},
        "spec": {"parameters": [
            {"name": "/ek/prod/b", "value": cluster("b"), "type": "String"},
            {"name": "/ek/prod.generation", "value": "1", "type": "String"},
        ]},
    });
    std::fs::write(folder.path().join("a.yaml"), cluster("a")).unwrap();
    std::fs::write(folder.path().join("seed.json"), seed.to_string()).unwrap();
    folder
}

const ADDRESS: &str = "ssm:/ek/prod?generation=/ek/prod.generation&interval=5s";

#[test]
fn parameters_and_a_folder_are_one_desired_set() {
    let folder = folder();
    let path = folder.path().to_str().unwrap();
    let of = |verb, address| run(&[verb, "--sandbox", "--source", path, "--source", address]);
    let done = of("sync", ADDRESS);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    assert!(done.stdout.contains("2 of 2 converged"), "{}", done.stdout);
    assert_eq!(of("plan", ADDRESS).code, Some(2));
    assert_eq!(of("verify", ADDRESS).code, Some(0));
    for (address, told) in [
        (
            "ssm:/nothing",
            "ssm:/nothing/: there is no manifest under /nothing",
        ),
        (
            "ssm:/ek?lable=x",
            "the source `ssm:/ek` is wrong: it has no option `lable`",
        ),
        ("ssm:/ek", "prod.generation"),
    ] {
        let done = of("plan", address);
        assert_eq!(done.code, Some(1), "{address}: {}", done.stderr);
        assert!(done.stderr.contains(told), "{address}: {}", done.stderr);
    }
    // The folder claims what a parameter does; the later source has the error.
    std::fs::write(folder.path().join("b.yaml"), cluster("b")).unwrap();
    let done = of("plan", ADDRESS);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(
        done.stderr.contains("ssm:/ek/prod/b.yaml"),
        "{}",
        done.stderr
    );
}

#[test]
fn the_daemon_follows_a_generation_and_keeps_the_last_good_set() {
    let folder = folder();
    let mut command = command(&[
        "run",
        "--source",
        folder.path().to_str().unwrap(),
        "--source",
        ADDRESS,
        "--sandbox",
        "--speed",
        "3600",
        "--sandbox-listen",
        "127.0.0.1:0",
        "--metrics-addr",
        "127.0.0.1:0",
    ]);
    let mut program = Program::start(&mut command);
    let aws = program.address("sandbox at http://");
    let http = program.address("metrics, probes and status at http://");
    let put = |name: &str, value: &str| {
        let head = "POST / HTTP/1.1\r\nContent-Type: application/x-amz-json-1.1\r\n\
             X-Amz-Target: AmazonSSM.PutParameter\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=test/20260101/us-east-1/ssm/aws4_request, SignedHeaders=host, Signature=0";
        let input = json!({"Name": name, "Value": value, "Type": "String", "Overwrite": true});
        let (code, answer) = talk::request(aws, head, &input.to_string()).unwrap();
        assert_eq!(code, 200, "{answer}");
    };
    let wait = |what: &str, reached: &dyn Fn(&Value) -> bool| {
        until(what, || {
            let status: Value = serde_json::from_str(&talk::get(http, "/status")).unwrap();
            let done = reached(&status);
            done.then_some(()).ok_or_else(|| status.to_string())
        });
    };
    wait("the first set", &|status| {
        let source = &status["sources"][1];
        status["ready"] == true && source["generation"] == 1 && source["kind"] == "ssm"
    });
    put("/ek/prod/c", &cluster("c"));
    put("/ek/prod.generation", "2");
    wait("the second generation", &|status| {
        let resources = status["resources"].as_array().unwrap();
        status["sources"][1]["generation"] == 2
            && resources.len() == 3
            && resources.iter().all(|one| one["outcome"] == "Converged")
    });
    put("/ek/prod/d.part-1-of-2", "half");
    put("/ek/prod.generation", "3");
    wait("the trouble", &|status| {
        let source = &status["sources"][1];
        source["reason"] == "Unreadable" && source["generation"] == 2
    });
    let metrics = talk::get(http, "/metrics");
    let address = "ssm:/ek/prod/?generation=/ek/prod.generation";
    for line in [
        format!("evenkeel_source_trouble{{source=\"{address}\",reason=\"Unreadable\"}} 1"),
        format!("evenkeel_source_up_to_date{{source=\"{address}\"}} 0"),
        "operation=\"GetParametersByPath\"".to_owned(),
    ] {
        assert!(metrics.contains(&line), "{line}:\n{metrics}");
    }
    put("/ek/prod/d.part-2-of-2", "# the end\n");
    put("/ek/prod/d.part-1-of-2", &cluster("d"));
    program.signal("HUP");
    wait("the end of it", &|status| {
        status["sources"][1]["reason"].is_null()
            && status["resources"].as_array().unwrap().len() == 4
    });
    program.stop("TERM");
}
