use serde_json::json;

use super::*;
use crate::kinds::testing::{Scene, assert_converged, assert_inert, calls, only_call, recorded};
use crate::model::Kind;

const ARN: &str = "arn:aws:ecr:eu-west-1:123456789012:repository/nova/auth";
const URI: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/nova/auth";
const KIND: Kind = Kind::ImageRepository;

fn scene(change: impl FnOnce(&mut Value)) -> Scene {
    let mut spec = json!({
        "repositoryName": "nova/auth", "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": true},
        "encryptionConfiguration": {"encryptionType": "AES256"},
        "tags": [{"Key": "team", "Value": "nova"}],
    });
    change(&mut spec);
    Scene::default()
        .with(KIND, "auth", spec)
        .beside(
            KIND,
            "auth",
            LIFECYCLE,
            json!("{\"rules\": [{\"rulePriority\": 1, \"action\": 2}]}"),
        )
        .beside(
            KIND,
            "auth",
            POLICY,
            json!({"Version": "2012-10-17", "Statement": []}),
        )
}

fn live() -> Observed {
    Observed {
        repository: Seen::Present(json!({
            "repositoryArn": ARN, "repositoryUri": URI, "repositoryName": "nova/auth",
            "imageTagMutability": "IMMUTABLE", "imageScanningConfiguration": {"scanOnPush": true},
            "encryptionConfiguration": {"encryptionType": "AES256"},
        })),
        tags: Some(Seen::Present(json!([{"Key": "team", "Value": "nova"}]))),
        lifecycle_policy: Some(Seen::Present(
            "{\"rules\":[{\"action\":2,\"rulePriority\":1}]}".to_owned(),
        )),
        policy: Some(Seen::Present(
            "{\"Statement\":[],\"Version\":\"2012-10-17\"}".to_owned(),
        )),
    }
}

fn planned(scene: &Scene, observed: &Observed) -> Plan {
    let view = scene.view(KIND, "auth");
    let observed = Observed {
        tags: recorded(&view, observed.tags.as_ref()),
        ..observed.clone()
    };
    plan(&view, &observed)
}

#[test]
fn an_absent_repository_is_created_without_its_policies() {
    let absent = Observed {
        repository: Seen::Absent,
        tags: None,
        lifecycle_policy: None,
        policy: None,
    };
    let (operation, input) = only_call(&planned(&scene(|_| {}), &absent));
    assert_eq!(operation, "CreateRepository");
    assert_eq!(
        input["tags"][1],
        json!({"Key": "evenkeel.dev/instance", "Value": "default"})
    );
    assert_eq!(input.get(LIFECYCLE), None);
}

#[test]
fn an_equal_one_is_converged_with_its_uri() {
    let plan = planned(&scene(|_| {}), &live());
    assert_converged(&plan);
    assert_eq!(plan.facts.unwrap().uri.as_deref(), Some(URI));
}

#[test]
fn each_member_has_its_operation() {
    for (member, value, operation, input) in [
        (
            "imageTagMutability",
            json!("MUTABLE"),
            "PutImageTagMutability",
            json!({"repositoryName": "nova/auth", "imageTagMutability": "MUTABLE"}),
        ),
        (
            "imageTagMutabilityExclusionFilters",
            json!([{"filterType": "WILDCARD", "filter": "dev*"}]),
            "PutImageTagMutability",
            json!({"repositoryName": "nova/auth", "imageTagMutability": "IMMUTABLE",
            "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "dev*"}]}),
        ),
        (
            "imageScanningConfiguration",
            json!({"scanOnPush": false}),
            "PutImageScanningConfiguration",
            json!({"repositoryName": "nova/auth", "imageScanningConfiguration": {"scanOnPush": false}}),
        ),
        (
            "tags",
            json!([{"Key": "team", "Value": "x"}]),
            "TagResource",
            json!({"resourceArn": ARN, "tags": [{"Key": "team", "Value": "x"}]}),
        ),
    ] {
        let plan = planned(&scene(|spec| spec[member] = value), &live());
        assert_eq!(only_call(&plan), (operation, input));
    }
}

#[test]
fn policies_are_written_when_they_say_something_else_or_nothing() {
    let observed = Observed {
        lifecycle_policy: Some(Seen::Absent),
        policy: Some(Seen::Present("{\"Version\":\"2008-10-17\"}".to_owned())),
        ..live()
    };
    let plan = planned(&scene(|_| {}), &observed);
    assert_eq!(
        calls(&plan),
        [
            (
                "PutLifecyclePolicy",
                json!({"repositoryName": "nova/auth",
            LIFECYCLE: "{\"rules\": [{\"rulePriority\": 1, \"action\": 2}]}"})
            ),
            (
                "SetRepositoryPolicy",
                json!({"repositoryName": "nova/auth",
            POLICY: "{\"Version\":\"2012-10-17\",\"Statement\":[]}"})
            ),
        ]
    );
}

#[test]
fn a_policy_left_to_others_is_made_and_then_theirs() {
    let theirs = || Some(Seen::Present("{\"Version\":\"2008-10-17\"}".to_owned()));
    let observed = Observed {
        lifecycle_policy: theirs(),
        policy: theirs(),
        ..live()
    };
    let ignoring = |pointers: &[&str]| {
        let sync = json!({"ignore": pointers});
        scene(|_| {}).beside(KIND, "auth", "sync", sync)
    };
    let both = ignoring(&["/policyText", "/lifecyclePolicyText"]);
    assert_converged(&planned(&both, &observed));
    let (operation, _) = only_call(&planned(&ignoring(&["/policyText"]), &observed));
    assert_eq!(operation, "PutLifecyclePolicy");
    let bare = Observed {
        policy: Some(Seen::Absent),
        ..observed
    };
    let (operation, _) = only_call(&planned(&both, &bare));
    assert_eq!(operation, "SetRepositoryPolicy");
}

#[test]
fn a_declared_registry_is_named_in_every_call() {
    let scene = scene(|spec| {
        spec["registryId"] = json!("123456789012");
        spec["imageScanningConfiguration"] = json!({"scanOnPush": false});
    });
    let mut observed = live();
    if let Seen::Present(live) = &mut observed.repository {
        live["registryId"] = json!("123456789012");
    }
    let (_, input) = only_call(&planned(&scene, &observed));
    assert_eq!(input["registryId"], "123456789012");
}

#[test]
fn encryption_is_fixed() {
    let kms = json!({"encryptionType": "KMS"});
    let plan = planned(
        &scene(|spec| spec["encryptionConfiguration"] = kms),
        &live(),
    );
    assert_inert(&plan, "RecreateRequired");
    assert!(
        plan.outcome
            .message()
            .contains("/encryptionConfiguration/encryptionType")
    );
}

#[test]
fn a_failed_read_writes_nothing() {
    let wrong = scene(|spec| spec["imageTagMutability"] = json!("MUTABLE"));
    let reason = || "throttled".to_owned();
    for observed in [
        Observed {
            repository: Seen::Unknown(reason()),
            ..live()
        },
        Observed {
            tags: Some(Seen::Unknown(reason())),
            ..live()
        },
        Observed {
            lifecycle_policy: Some(Seen::Unknown(reason())),
            ..live()
        },
        Observed {
            policy: Some(Seen::Unknown(reason())),
            ..live()
        },
    ] {
        assert_inert(&planned(&wrong, &observed), "ObservationUnknown");
    }
}
