//! Two manifests that claim one key or one thing at AWS. Nobody can tell which of the two is meant,
//! so neither is acted on; the finding stands at the second.

use std::collections::BTreeMap;

use super::diagnostic::Findings;
use super::envelope::Draft;
use super::world::{FirstError, Ledger, World};
use crate::model::{Key, Kind};

/// Finds the claims that collide.
pub(super) fn check(drafts: &[Draft], world: &World<'_>, ledger: &mut Ledger) {
    let mut by_key: BTreeMap<&Key, &Draft> = BTreeMap::new();
    let mut by_identity: BTreeMap<(Kind, String), &Draft> = BTreeMap::new();
    for draft in drafts {
        if let Some(first) = by_key.get(&draft.key) {
            let message = format!("{} is already at {}", draft.key, first.whereabouts());
            let hint = "Give each manifest of a kind a name of its own. Neither is acted on.";
            collide(
                ledger,
                first,
                draft,
                "duplicate-manifest",
                "metadata.name",
                message,
                hint,
            );
            continue;
        }
        by_key.insert(&draft.key, draft);
        let Some(identity) = identity(draft, world) else {
            continue;
        };
        if let Some(first) = by_identity.get(&(draft.key.kind, identity.clone())) {
            let message = format!(
                "{identity} is already claimed by {} at {}",
                first.key,
                first.whereabouts()
            );
            let hint = "Two manifests cannot describe one resource. Neither is acted on.";
            collide(
                ledger,
                first,
                draft,
                "duplicate-identity",
                "spec",
                message,
                hint,
            );
        } else {
            by_identity.insert((draft.key.kind, identity), draft);
        }
    }
}

fn collide(
    ledger: &mut Ledger,
    first: &Draft,
    second: &Draft,
    code: &'static str,
    path: &str,
    message: String,
    hint: &str,
) {
    let mut findings = Findings::of(&second.file);
    ledger
        .errors
        .entry(first.key.clone())
        .or_insert_with(|| FirstError {
            message: format!("{} claims the same at {}", second.key, second.whereabouts()),
            place: first.name_place,
        });
    findings
        .error(code, second.name_place, path, message)
        .hint(hint);
    ledger.take(&second.key, findings);
}

/// What a manifest is at AWS, in words that are the same for two manifests of one thing.
fn identity(draft: &Draft, world: &World<'_>) -> Option<String> {
    let spec = &draft.spec;
    // A listener's parent: the manifest, or the ARN as written.
    let parent = |reference: &str, literal: &str| {
        let linked = draft
            .linked(&format!("/{reference}"))
            .map(ToString::to_string);
        linked.or_else(|| spec.text(literal).map(str::to_owned))
    };
    Some(match draft.key.kind {
        Kind::Cluster => format!("cluster `{}`", draft.aws_name()),
        Kind::ImageRepository => {
            let registry = spec
                .text("registryId")
                .map(|id| format!(" of {id}"))
                .unwrap_or_default();
            format!("repository `{}`{registry}", draft.aws_name())
        }
        Kind::TaskDefinition => format!("family `{}`", draft.aws_name()),
        Kind::TargetGroup => format!("target group `{}`", draft.aws_name()),
        Kind::LoadBalancer => format!("load balancer `{}`", draft.aws_name()),
        Kind::Listener => {
            format!(
                "port {} of {}",
                spec.int("Port")?,
                parent("LoadBalancerRef", "LoadBalancerArn")?
            )
        }
        Kind::ListenerRule => {
            format!(
                "priority {} of {}",
                spec.int("Priority")?,
                parent("ListenerRef", "ListenerArn")?
            )
        }
        Kind::Service => {
            format!(
                "service `{}` of cluster `{}`",
                draft.aws_name(),
                cluster_of(draft, world)
            )
        }
        Kind::DeploymentGroup => format!(
            "deployment group `{}` of application `{}`",
            draft.aws_name(),
            spec.text("applicationName")?
        ),
        Kind::ScalableTarget => format!("the scaling of {}", scaled(draft, world)?),
        Kind::ScalingPolicy => format!(
            "policy `{}` of the scaling of {}",
            draft.aws_name(),
            scaled(draft, world)?
        ),
    })
}

fn scaled(draft: &Draft, world: &World<'_>) -> Option<String> {
    let draft = world.get(&draft.key)?;
    let (cluster, service) = world.scaled_names(draft)?;
    Some(format!("service `{service}` of cluster `{cluster}`"))
}

fn cluster_of(draft: &Draft, world: &World<'_>) -> String {
    world
        .get(&draft.key)
        .map(|draft| world.cluster_of(draft))
        .unwrap_or_default()
        .to_owned()
}
