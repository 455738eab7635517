//! Rules that join several members or several manifests: what AWS would refuse although every
//! member alone is right. Not the shape of members (`schema`).
//!
//! Invariant: a rule is silent where a value that it needs is missing or of the wrong type; those
//! have findings of their own.

mod code_deploy;
mod container_order;
mod containers;
mod deployment_group;
mod fargate;
mod fargate_task;
mod hook_tasks;
mod listener;
mod native;
mod placement;
mod scaling;
mod scaling_metric;
mod scaling_policy;
mod service;
mod strategy;
mod target_group;
mod task_definition;
mod wiring;

use super::diagnostic::{Diagnostic, Findings};
use super::envelope::Draft;
use super::name_member;
use super::names;
use super::tree::{Node, Place};
use super::world::World;
use crate::model::Kind;

/// One manifest under examination.
struct Rules<'a, 'b, 'f> {
    draft: &'a Draft,
    world: &'b World<'a>,
    findings: &'b mut Findings<'f>,
}

/// Checks one manifest, against the others where it must.
pub(super) fn check(draft: &Draft, world: &World<'_>, findings: &mut Findings<'_>) {
    let mut rules = Rules {
        draft,
        world,
        findings,
    };
    rules.name();
    rules.tags();
    match draft.key.kind {
        Kind::Cluster | Kind::ImageRepository => {}
        Kind::TaskDefinition => rules.task_definition(),
        Kind::TargetGroup => rules.target_group(),
        Kind::LoadBalancer => rules.load_balancer(),
        Kind::Listener => rules.listener(),
        Kind::ListenerRule => rules.listener_rule(),
        Kind::Service => rules.service(),
        Kind::DeploymentGroup => rules.deployment_group(),
        Kind::ScalableTarget => rules.scalable_target(),
        Kind::ScalingPolicy => rules.scaling_policy(),
    }
}

impl<'a> Rules<'a, '_, '_> {
    fn spec(&self) -> &'a Node {
        &self.draft.spec
    }

    fn error(
        &mut self,
        code: &'static str,
        place: Place,
        path: impl AsRef<str>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.findings
            .error(code, place, format!("spec.{}", path.as_ref()), message)
    }

    fn warning(
        &mut self,
        code: &'static str,
        place: Place,
        path: impl AsRef<str>,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.findings
            .warning(code, place, format!("spec.{}", path.as_ref()), message)
    }

    /// An error for each of these members that is there.
    fn forbid(&mut self, members: &[&str], why: &str) {
        for member in members {
            if let Some(entry) = self.spec().entry(member) {
                let message = format!("`{member}` {why}");
                self.error("not-allowed", entry.key_place, member, message)
                    .hint("Remove it.");
            }
        }
    }

    /// An error for each of these members that is missing, with or without its reference.
    fn demand(&mut self, members: &[&str], reference: Option<&str>, why: &str) {
        for member in members {
            let referred =
                reference.is_some_and(|reference| self.spec().entry(reference).is_some());
            if self.spec().entry(member).is_none() && !referred {
                let message = format!("`{member}` is missing: {why}");
                let found = self.error("missing-field", self.spec().place, member, message);
                if let Some(reference) = reference {
                    found.hint(format!(
                        "Give `{member}`, or `{reference}` to name a manifest."
                    ));
                }
            }
        }
    }

    /// The resource's name at AWS.
    fn name(&mut self) {
        let kind = self.draft.key.kind;
        let (good, cure): (fn(&str) -> bool, _) = match kind {
            Kind::Cluster | Kind::TaskDefinition | Kind::Service => (
                names::is_ecs_name,
                "Letters, digits, `-` and `_`, at most 255.",
            ),
            Kind::ImageRepository => (
                names::is_repository_name,
                "Lower-case words joined by `.`, `-`, `_` or `/`, 2 to 256 characters.",
            ),
            Kind::TargetGroup | Kind::LoadBalancer => (
                names::is_elb_name,
                "Letters, digits and `-`, at most 32, no `-` at either end.",
            ),
            Kind::DeploymentGroup => (
                names::is_codedeploy_name,
                "Letters, digits and `+=,.@_-`, at most 100.",
            ),
            Kind::ScalingPolicy => (
                names::is_policy_name,
                "Any characters that can be printed, at most 256.",
            ),
            Kind::Listener | Kind::ListenerRule | Kind::ScalableTarget => return,
        };
        let member = name_member(kind);
        let name = self.draft.aws_name();
        if !good(name) {
            let place = self.spec().place_of(member);
            let message = format!("`{name}` cannot name a {kind} at AWS");
            let file = self
                .draft
                .is_named_by_metadata()
                .then(|| self.draft.file.clone());
            let found = self.error("bad-name", place, member, message);
            found.hint(cure);
            if let Some(file) = file {
                found.file = file;
            }
        }
        if kind == Kind::LoadBalancer && name.starts_with("internal-") {
            let place = self.spec().place_of(member);
            let message =
                format!("`{name}`: AWS keeps names that begin with `internal-` for itself");
            self.error("bad-name", place, member, message);
        }
    }

    /// Tag keys are unique, and those that begin with `aws:` are AWS's own.
    fn tags(&mut self) {
        let (list, key) = match self.draft.key.kind {
            Kind::TargetGroup | Kind::LoadBalancer | Kind::Listener | Kind::ListenerRule => {
                ("Tags", "Key")
            }
            Kind::ImageRepository | Kind::DeploymentGroup => ("tags", "Key"),
            Kind::Cluster | Kind::TaskDefinition | Kind::Service => ("tags", "key"),
            // A map, or none.
            Kind::ScalableTarget | Kind::ScalingPolicy => return,
        };
        let mut seen = std::collections::BTreeSet::new();
        for (index, tag) in self.spec().list(list).iter().enumerate() {
            let Some(name) = tag.text(key) else { continue };
            let (place, path) = (tag.place_of(key), format!("{list}[{index}].{key}"));
            if !seen.insert(name) {
                let message = format!("the tag `{name}` stands here a second time");
                self.error("duplicate", place, path, message);
            } else if name.to_ascii_lowercase().starts_with("aws:") {
                let message = format!("`{name}`: AWS keeps tags that begin with `aws:` for itself");
                self.error("bad-name", place, path, message)
                    .hint("Remove it; AWS sets it where it wants it.");
            }
        }
    }
}
