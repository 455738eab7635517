use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::kinds::testing::{Scene, assert_converged, assert_inert, only_call};
use crate::model::{Key, Kind};

const KIND: Kind = Kind::TaskDefinition;
const URI: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/nova/auth";

fn arn(revision: usize) -> String {
    format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/auth:{revision}")
}

fn spec() -> Value {
    json!({
        "family": "auth", "networkMode": "awsvpc", "cpu": "256",
        "containerDefinitions": [
            {"name": "app", "image": "nova/auth:1.0", "environment": [{"name": "A", "value": "1"}]},
            {"name": "proxy", "image": "public.ecr.aws/envoy:v1"}],
        "tags": [{"key": "team", "value": "nova"}],
    })
}

fn scene_of(spec: Value) -> Scene {
    let repository = Key::new(Kind::ImageRepository, "auth");
    let mut scene = Scene::default()
        .with(KIND, "auth", spec)
        .with(
            Kind::ImageRepository,
            "auth",
            json!({"repositoryName": "nova/auth"}),
        )
        .known(Kind::ImageRepository, "auth", "arn:repository");
    scene.facts.get_mut(&repository).unwrap().uri = Some(URI.to_owned());
    scene
}

fn observed(tag: Seen<String>, documents: &[Value]) -> Observed {
    let images = BTreeMap::from([(
        "nova/auth".to_owned(),
        BTreeMap::from([("1.0".to_owned(), tag)]),
    )]);
    let newest_first: Vec<String> = (1..=documents.len()).rev().map(arn).collect();
    let documents = documents.iter().enumerate();
    Observed {
        images,
        revisions: Seen::Present(newest_first),
        running: Vec::new(),
        documents: documents
            .map(|(i, d)| (arn(i + 1), Seen::Present(d.clone())))
            .collect(),
    }
}

fn pushed() -> Seen<String> {
    Seen::Present("sha256:aa".to_owned())
}

fn planned(scene: &Scene, observed: &Observed) -> Plan {
    plan(&scene.view(KIND, "auth"), observed)
}

/// What `DescribeTaskDefinition` answers after this registration.
fn registered(input: &Value) -> Value {
    let mut content = input.clone();
    let tags = content.as_object_mut().unwrap().remove("tags");
    content["status"] = json!("ACTIVE");
    content["containerDefinitions"][0]["cpu"] = json!(0);
    json!({"taskDefinition": content, "tags": tags})
}

#[test]
fn the_first_revision_is_registered_whole_with_digests_and_tags() {
    let plan = planned(&scene_of(spec()), &observed(pushed(), &[]));
    let (operation, input) = only_call(&plan);
    assert_eq!(operation, "RegisterTaskDefinition");
    let mut expected = spec();
    expected["containerDefinitions"][0]["image"] = json!(format!("{URI}@sha256:aa"));
    let digest = plan.facts.unwrap().digest.unwrap();
    expected["tags"] = json!([
        {"key": "team", "value": "nova"},
        {"key": "evenkeel.dev/digest", "value": digest},
        {"key": "evenkeel.dev/instance", "value": "default"}]);
    assert_eq!(input, expected);
    assert!(digest.starts_with("v1:"));
}

#[test]
fn a_revision_with_our_digest_is_reused() {
    let scene = scene_of(spec());
    let (_, input) = only_call(&planned(&scene, &observed(pushed(), &[])));
    let observed = observed(
        pushed(),
        &[registered(&input), json!({"taskDefinition": {"x": 1}})],
    );
    let plan = planned(&scene, &observed);
    assert_converged(&plan);
    let facts = plan.facts.unwrap();
    assert_eq!(facts.arn, Some(arn(1)));
    assert!(facts.digest.is_some());
}

#[test]
fn a_revision_without_our_tag_is_reused_for_its_content() {
    let scene = scene_of(spec());
    let (_, input) = only_call(&planned(&scene, &observed(pushed(), &[])));
    for tags in [json!(null), json!([{"key": DIGEST_TAG, "value": "v0:old"}])] {
        let mut foreign = registered(&input);
        foreign["tags"] = tags;
        assert_converged(&planned(&scene, &observed(pushed(), &[foreign])));
    }
}

#[test]
fn a_tag_copied_onto_another_image_does_not_count() {
    let scene = scene_of(spec());
    let (_, input) = only_call(&planned(&scene, &observed(pushed(), &[])));
    let mut edited = registered(&input);
    edited["taskDefinition"]["containerDefinitions"][1]["image"] = json!("envoy:evil");
    let plan = planned(&scene, &observed(pushed(), &[edited]));
    assert_eq!(only_call(&plan).0, "RegisterTaskDefinition");
    assert_eq!(plan.drift[0].path, "/containerDefinitions/proxy/image");
}

#[test]
fn the_running_revision_comes_before_a_newer_equal_one() {
    let scene = scene_of(spec());
    let (_, input) = only_call(&planned(&scene, &observed(pushed(), &[])));
    let mut observed = observed(pushed(), &[registered(&input), registered(&input)]);
    assert_eq!(planned(&scene, &observed).facts.unwrap().arn, Some(arn(2)));
    observed.running = vec![arn(1)];
    assert_eq!(planned(&scene, &observed).facts.unwrap().arn, Some(arn(1)));
}

#[test]
fn an_inactive_revision_is_not_reused() {
    let scene = scene_of(spec());
    let (_, input) = only_call(&planned(&scene, &observed(pushed(), &[])));
    let mut inactive = observed(pushed(), &[registered(&input)]);
    inactive.running = vec![arn(1)];
    // The cached document still says ACTIVE; the list of revisions, which is complete, does not.
    inactive.revisions = Seen::Present(Vec::new());
    assert_eq!(
        only_call(&planned(&scene, &inactive)).0,
        "RegisterTaskDefinition"
    );

    let mut said = registered(&input);
    said["taskDefinition"]["status"] = json!("INACTIVE");
    assert_eq!(planned(&scene, &observed(pushed(), &[said])).steps.len(), 1);
}

#[test]
fn a_changed_document_is_registered_and_the_change_named_without_values() {
    let (_, input) = only_call(&planned(&scene_of(spec()), &observed(pushed(), &[])));
    let mut changed = spec();
    changed["containerDefinitions"][0]["environment"] = json!([{"name": "A", "value": "hunter2"}]);
    changed.as_object_mut().unwrap().remove("cpu");
    let plan = planned(
        &scene_of(changed),
        &observed(pushed(), &[registered(&input)]),
    );
    assert_eq!(only_call(&plan).0, "RegisterTaskDefinition");
    let paths: Vec<&str> = plan.drift.iter().map(|d| d.path.as_str()).collect();
    assert_eq!(
        paths,
        ["/containerDefinitions/app/environment/A/value", "/cpu"]
    );
    assert_eq!(
        (&plan.drift[1].live, &plan.drift[1].desired),
        (&json!("256"), &Value::Null)
    );
    assert!(
        !plan.steps[0].why.contains("hunter2") && !format!("{:?}", plan.drift).contains("hunter2")
    );
}

#[test]
fn a_moved_tag_is_a_change() {
    let scene = scene_of(spec());
    let (_, input) = only_call(&planned(&scene, &observed(pushed(), &[])));
    let moved = observed(Seen::Present("sha256:bb".to_owned()), &[registered(&input)]);
    let (operation, input) = only_call(&planned(&scene, &moved));
    assert_eq!(operation, "RegisterTaskDefinition");
    assert_eq!(
        input["containerDefinitions"][0]["image"],
        json!(format!("{URI}@sha256:bb"))
    );
}

#[test]
fn a_missing_image_waits_and_leaves_a_fallback() {
    let scene = scene_of(spec());
    let other = json!({"taskDefinition": {"family": "auth"}});
    let plan = planned(&scene, &observed(Seen::Absent, &[other.clone(), other]));
    assert_inert(&plan, "ImageNotFound");
    let text = plan.outcome.message();
    assert!(
        text.contains("nova/auth:1.0") && text.contains("repository nova/auth"),
        "{text}"
    );
    let facts = plan.facts.unwrap();
    assert_eq!(
        (facts.ready, facts.arn, facts.fallback_arn),
        (false, None, Some(arn(2)))
    );
    assert_eq!(
        planned(&scene, &observed(Seen::Absent, &[]))
            .facts
            .unwrap()
            .fallback_arn,
        None
    );
}

#[test]
fn an_unknown_repository_is_waited_for() {
    let mut scene = scene_of(spec());
    scene.facts.clear();
    let plan = planned(&scene, &observed(Seen::Absent, &[]));
    assert_inert(&plan, "DependencyNotReady");
    assert!(plan.outcome.message().contains("ImageRepository/auth"));
}

#[test]
fn digests_and_other_registries_are_registered_as_written() {
    let other = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/nova/auth:1.0";
    let mut document = spec();
    document["containerDefinitions"][0]["image"] = json!("nova/auth@sha256:cc");
    document["containerDefinitions"][1]["image"] = json!(other);
    let (_, input) = only_call(&planned(&scene_of(document), &observed(Seen::Absent, &[])));
    assert_eq!(
        input["containerDefinitions"][0]["image"],
        json!(format!("{URI}@sha256:cc"))
    );
    assert_eq!(input["containerDefinitions"][1]["image"], json!(other));
}

#[test]
fn a_failed_read_writes_nothing() {
    let scene = scene_of(spec());
    let unknown = || "throttled".to_owned();
    let mut no_revisions = observed(pushed(), &[]);
    no_revisions.revisions = Seen::Unknown(unknown());
    let mut no_document = observed(pushed(), &[json!({})]);
    no_document
        .documents
        .insert(arn(1), Seen::Unknown(unknown()));
    for observed in [
        no_revisions,
        no_document,
        observed(Seen::Unknown(unknown()), &[]),
    ] {
        let plan = planned(&scene, &observed);
        assert_inert(&plan, "ObservationUnknown");
        assert_eq!(plan.facts, None, "old facts stay");
    }
}

/// A console takes the tags along into a revision that somebody edits.
#[test]
fn an_edited_copy_with_our_tag_is_known_by_its_own_content() {
    for member in ["image", "cpu"] {
        let scene = scene_of(spec());
        let (_, input) = only_call(&planned(&scene, &observed(pushed(), &[])));
        let original = registered(&input);
        let mut copy = original.clone();
        let value = if member == "image" {
            json!("nginx:1")
        } else {
            json!(64)
        };
        copy["taskDefinition"]["containerDefinitions"][1][member] = value.clone();
        let mut documents = [original, copy];
        for (index, document) in documents.iter_mut().enumerate() {
            document["taskDefinition"]["revision"] = json!(index + 1);
        }
        let mut seen = observed(pushed(), &documents);
        seen.running = vec![arn(2)];
        let of = |scene: &Scene| planned(scene, &seen).facts.unwrap().arn;
        assert_eq!(
            of(&scene),
            Some(arn(1)),
            "the declared content is the original's"
        );
        let mut accepted = spec();
        accepted["containerDefinitions"][1][member] = value;
        assert_eq!(of(&scene_of(accepted)), Some(arn(2)));
    }
}

/// AWS may tell the content of new revisions otherwise than that of old ones; nothing is registered for ever then.
#[test]
fn two_revisions_that_agree_are_no_edited_copies() {
    let scene = scene_of(spec());
    let (_, input) = only_call(&planned(&scene, &observed(pushed(), &[])));
    let mut documents = [(); 3].map(|()| registered(&input));
    for (index, document) in documents.iter_mut().enumerate() {
        document["taskDefinition"]["revision"] = json!(index + 1);
        if index > 0 {
            document["taskDefinition"]["newMember"] = json!("told by AWS");
        }
    }
    let seen = observed(pushed(), &documents[1..]);
    assert_converged(&planned(&scene, &seen));
    let mut seen = observed(pushed(), &documents);
    seen.running = vec![arn(3)];
    let plan = planned(&scene, &seen);
    assert_converged(&plan);
    assert_eq!(plan.facts.unwrap().arn, Some(arn(3)));
}

#[test]
fn the_image_of_a_container_stays_as_written_where_the_manifest_says_so() {
    let mut scene = scene_of(spec());
    let image = |scene: &Scene| {
        let (_, input) = only_call(&planned(scene, &observed(pushed(), &[])));
        input["containerDefinitions"][0]["image"].clone()
    };
    for (text, expected) in [
        ("as-written=proxy, app", "nova/auth:1.0".to_owned()),
        ("as-written", "nova/auth:1.0".to_owned()),
        ("as-written=proxy", format!("{URI}@sha256:aa")),
        ("other", format!("{URI}@sha256:aa")),
    ] {
        let resource = scene
            .set
            .resources
            .get_mut(&Key::new(KIND, "auth"))
            .unwrap();
        let name = crate::manifest::IMAGES_ANNOTATION.to_owned();
        resource.annotations.insert(name, text.to_owned());
        assert_eq!(image(&scene), json!(expected), "{text}");
    }
}
