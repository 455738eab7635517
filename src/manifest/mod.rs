//! Manifests: from files to the desired set, with every finding named by file, line and cure.
//!
//! What it is: a pure function [`load()`] from bytes to a [`DesiredSet`], and [`resolve()`], which puts
//! live ARNs in the place of references. What it is not: it reads no file (that is `crate::source`)
//! and knows nothing of live AWS.
//!
//! The flow: `yaml` (text to a tree with places) or `jsonnet` (a computed value to one), `overlay` and
//! `variables` (what the chosen environment, `environment`, puts over and into it), `envelope` (a
//! document to a draft), `file_reference` (a spec in a file of its own), `describe_form` (a spec as AWS describes it),
//! `schema` (the spec against [`crate::catalogue`], references collected), `sections` and `rollout` (what stands
//! beside the spec), `claims`, `link` and `rules` (drafts against each other), `set`.
//!
//! Invariants:
//! - [`load()`] never panics, never fails and gives the same answer for the same files.
//! - One broken manifest never holds up another that does not need it.
//! - No finding shows a value that may hold a secret (`mask`).

mod attributes;
mod claims;
mod describe_form;
mod diagnostic;
mod envelope;
mod environment;
mod file_reference;
mod hook_tasks;
mod image;
mod jsonnet;
mod link;
mod load;
mod located;
mod mask;
mod names;
mod nearest;
mod overlay;
mod overlays;
mod patch;
mod path;
mod reference;
mod render;
mod resolve;
mod rollout;
mod rules;
mod schema;
mod scope;
mod sections;
mod self_heal;
mod set;
mod tree;
mod variables;
mod windows;
mod world;
mod write;
mod yaml;

pub(crate) use envelope::{API_VERSION, is_spec_optional};
pub(crate) use environment::{ENVIRONMENT, FORMS as VARIABLE_FORMS};
pub(crate) use file_reference::SPEC_FILE;
pub use hook_tasks::{HookTask, HookTime};
pub(crate) use hook_tasks::{
    LONGEST_NAME as LONGEST_TASK_NAME, MEMBERS as TASK_MEMBERS, MOST as MOST_TASKS, MOST_TAGS,
    TASKS, TIMEOUT as TASK_TIMEOUT,
};
#[cfg(test)]
pub(crate) use hook_tasks::{OWN_TAGS, OWN_TAGS_OF_A_REVISION};
pub(crate) use image::{is_ecr_host, split as split_image};
pub(crate) use names::is_manifest_name;
pub(crate) use nearest::suggestion as nearest_name;
pub(crate) use reference::{Row, allowed as references, written as references_of};
pub use rollout::InFlight;
pub(crate) use rollout::{DEADLINE, HOOKS, IN_FLIGHT, MOST_RETRIES, RETRIES, RETRY_FOR};
pub(crate) use sections::{PRUNE, PRUNE_WORDS, SUSPEND, beside, sync_members};
pub use self_heal::SelfHeal;
pub(crate) use self_heal::{AFTER, MODES, SELF_HEAL, governs as self_heal_governs};

pub use diagnostic::{Diagnostic, Excerpt, Severity};
pub use environment::{Environment, Environments, Known, ValueFrom, Variable};
pub use image::{ImageReference, ImageUse};
pub use jsonnet::jsonnet;
pub use load::{
    LoadOptions, Loaded, MAX_FILE_BYTES, MAX_FILES, SourceFile, load, load_in, load_located,
};
pub use located::Located;
pub use patch::patch;
pub use render::{render_json, render_text};
pub use resolve::resolve;
pub use scope::{Fetched, Scope, environments};
pub(crate) use set::ignores;
pub use set::{Ask, DesiredSet, Origin, Reference, Resource, Revision, Side};
pub(crate) use windows::{
    KINDS as WINDOW_KINDS, MEMBERS as WINDOW_MEMBERS, OVERRUN, WINDOWS, has as has_windows,
};
pub use windows::{Overrun, Window};
pub use write::{Document, text_of_documents};

/// Every document of a YAML or JSON text as a plain value.
///
/// # Errors
/// What is wrong with the text, with its line.
pub(crate) fn values(text: &str) -> Result<Vec<serde_json::Value>, String> {
    let parsed = yaml::parse(text);
    let mistakes = parsed.documents.iter().flat_map(|one| &one.mistakes);
    if let Some(mistake) = parsed.broken.iter().chain(mistakes).next() {
        return Err(format!("line {}: {}", mistake.place.line, mistake.message));
    }
    Ok(parsed
        .documents
        .iter()
        .map(|document| document.root.to_value())
        .collect())
}

/// The spec member that holds a resource's AWS name; empty for listeners and rules, which have none.
pub fn name_member(kind: crate::model::Kind) -> &'static str {
    use crate::model::Kind;
    match kind {
        Kind::Cluster => "clusterName",
        Kind::ImageRepository => "repositoryName",
        Kind::TaskDefinition => "family",
        Kind::TargetGroup | Kind::LoadBalancer => "Name",
        Kind::Listener | Kind::ListenerRule | Kind::ScalableTarget => "",
        Kind::Service => "serviceName",
        Kind::DeploymentGroup => "deploymentGroupName",
        Kind::ScalingPolicy => "PolicyName",
    }
}

/// Members that have only one value here, and are filled in: of what Application Auto Scaling can
/// scale, only ECS services are ours.
pub(crate) fn constant_members(
    kind: crate::model::Kind,
) -> &'static [(&'static str, &'static str)] {
    use crate::model::Kind;
    match kind {
        Kind::ScalableTarget | Kind::ScalingPolicy => &[
            ("ServiceNamespace", "ecs"),
            ("ScalableDimension", "ecs:service:DesiredCount"),
        ],
        _ => &[],
    }
}

#[cfg(test)]
mod tests;
