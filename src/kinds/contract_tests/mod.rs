//! What every planner owes, tried on random manifests against a small pure model of AWS:
//! - from nothing, and from any other manifest that may be changed in place, its steps end in a state
//!   that it calls converged, and the next plan has no steps;
//! - at each moment on the way, a read that fails makes it write nothing;
//! - a plan is a function of what it is given;
//! - what one manifest declares and the next does not goes back to AWS's default.

mod aws;
mod kinds;
mod specs;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::members;
use super::testing::Scene;
use crate::model::{Kind, Outcome, Plan};
use aws::Live;
use kinds::Tried;

const NAME: &str = "it";

/// More rounds than any planner needs: creation, what could not be created with it, and nothing.
const ROUNDS: usize = 4;

/// The set in which the manifest under test stands: a pair of target groups, and what is referred to.
fn scene<K: Tried>(spec: &Value, beside: &Value) -> Scene {
    let mut scene = Scene::default()
        .with(Kind::TargetGroup, "blue", json!({"Name": "blue"}))
        .with(Kind::TargetGroup, "green", json!({"Name": "green"}))
        .with(
            Kind::ImageRepository,
            "repo",
            json!({"repositoryName": "nova/auth"}),
        )
        .with(
            Kind::DeploymentGroup,
            "pair",
            json!({"loadBalancerInfo": {"targetGroupPairInfoList": [
            {"targetGroups": [{"name": "blue"}, {"name": "green"}]}]}}),
        )
        .known(Kind::ImageRepository, "repo", "arn:repo")
        .with(K::KIND, NAME, spec.clone());
    for facts in scene.facts.values_mut() {
        facts.uri = Some("123456789012.dkr.ecr.eu-west-1.amazonaws.com/nova/auth".to_owned());
    }
    for (member, value) in beside.as_object().unwrap() {
        scene = scene.beside(K::KIND, NAME, member, value.clone());
    }
    scene
}

/// Plans and applies until nothing is left to do; at each round, tries every failing read.
fn settle<K: Tried>(spec: &Value, beside: &Value, live: &mut Live) -> Plan {
    let scene = scene::<K>(spec, beside);
    let view = scene.view(K::KIND, NAME);
    for _ in 0..ROUNDS {
        for blind in K::blinded(&view, live) {
            let plan = K::plan(&view, &blind);
            assert!(plan.steps.is_empty(), "wrote on {blind:?}: {plan:?}");
            assert_ne!(
                plan.outcome,
                Outcome::Converged,
                "called {blind:?} converged"
            );
        }
        let observed = K::observed(&view, live);
        let plan = K::plan(&view, &observed);
        assert_eq!(plan, K::plan(&view, &observed));
        if plan.steps.is_empty() {
            return plan;
        }
        for step in &plan.steps {
            live.apply(&step.call);
        }
    }
    panic!("still writing after {ROUNDS} rounds: {spec} {live:?}");
}

/// At rest the record is of what is declared, so nothing that was declared before is left as it was.
fn expected_record<K: Tried>(spec: &Value, beside: &Value, live: &Live) -> Option<String> {
    let scene = scene::<K>(spec, beside);
    let rows = members::table(K::KIND);
    if K::KIND == Kind::TaskDefinition {
        return live.record();
    }
    let text = members::to_remember(&scene.view(K::KIND, NAME), rows);
    text.or_else(|| live.record().map(|_| "1:".to_owned()))
}

fn converges<K: Tried>(one: &(Value, Value), other: &(Value, Value)) {
    let mut live = Live::default();
    for (spec, beside) in [one, other, one] {
        let plan = settle::<K>(spec, beside, &mut live);
        assert_eq!(plan.outcome, Outcome::Converged, "{spec} {live:?}");
        assert_eq!(plan.drift, []);
        assert_eq!(live.record(), expected_record::<K>(spec, beside, &live));
        assert!(
            plan.facts
                .is_some_and(|facts| facts.ready && facts.arn.is_some())
        );
    }
}

macro_rules! contract {
    ($($name:ident: $kind:ty, $specs:ident;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(128))]
            $(
                #[test]
                fn $name(one in specs::$specs(), other in specs::$specs()) {
                    converges::<$kind>(&one, &other);
                }
            )*
        }
    };
}

contract! {
    clusters: super::cluster::Cluster, cluster;
    image_repositories: super::image_repository::ImageRepository, image_repository;
    target_groups: super::target_group::TargetGroup, target_group;
    load_balancers: super::load_balancer::LoadBalancer, load_balancer;
    listeners: super::listener::Listener, listener;
    listener_rules: super::listener_rule::ListenerRule, listener_rule;
    deployment_groups: super::deployment_group::DeploymentGroup, deployment_group;
    scalable_targets: super::scalable_target::ScalableTarget, scalable_target;
    scaling_policies: super::scaling_policy::ScalingPolicy, scaling_policy;
    task_definitions: super::task_definition::TaskDefinition, task_definition;
}
