//! Which projects there are: which file is whose configuration.

use serde_json::Value;

use super::{Input, source};

/// A tool whose files are converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// kayac/ecspresso: `ecspresso.yml` and the definitions that it names.
    Ecspresso,
    /// `PipeCD`: `app.pipecd.yaml` of kind `ECSApp`.
    Pipecd,
    /// `CodeDeploy` and `CodePipeline`: `taskdef.json`, `appspec.yml`, `imagedefinitions.json`.
    Codedeploy,
}

/// One project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Project {
    pub(super) form: Form,
    /// Its configuration; for a pipeline's files their task definition.
    pub(super) path: String,
}

/// Finds the projects, in the order of their paths.
pub(super) fn find(input: &Input) -> Result<Vec<Project>, String> {
    let wanted = |path: &String| input.only.as_ref().is_none_or(|only| only == path);
    let mut found: Vec<Project> = Vec::new();
    for path in input.files.keys().filter(|path| wanted(path)) {
        // A file that cannot be read is nobody's configuration, unless it was named.
        let document = source::configuration(input, path);
        let form = match (&document, &input.only) {
            (Ok(document), _) => form_of(input, path, document),
            (Err(error), Some(_)) => return Err(format!("{path}: {error}")),
            (Err(_), None) => None,
        };
        let form = match (form, input.form) {
            (Some(form), Some(only)) if form != only => None,
            (None, Some(only)) if input.only.is_some() => Some(only),
            (form, _) => form,
        };
        if let Some(form) = form {
            found.push(Project {
                form,
                path: path.clone(),
            });
        }
    }
    // What another tool's configuration names is that tool's.
    let others: Vec<String> = found
        .iter()
        .filter(|project| project.form != Form::Codedeploy)
        .map(|project| source::folder(&project.path).to_owned())
        .collect();
    found.retain(|project| {
        project.form != Form::Codedeploy
            || input.form == Some(Form::Codedeploy)
            || !others.contains(&source::folder(&project.path).to_owned())
    });
    if found.is_empty() {
        return Err("found no ecspresso configuration, no PipeCD ECSApp and no taskdef.json: name the file, and the \
                    tool with --from"
            .to_owned());
    }
    Ok(found)
}

/// Whose configuration a document is.
fn form_of(input: &Input, path: &str, document: &Value) -> Option<Form> {
    let has = |member: &str| document.get(member).is_some();
    let text = |member: &str| {
        document
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    if text("apiVersion").starts_with("pipecd.dev/") {
        let plugins = document.pointer("/spec/plugins/ecs").is_some();
        let ours = text("kind") == "ECSApp"
            || plugins
            || document.pointer("/spec/plugin") == Some(&"ecs".into());
        return ours.then_some(Form::Pipecd);
    }
    if ["service_definition", "task_definition"]
        .iter()
        .any(|member| has(member))
    {
        return Some(Form::Ecspresso);
    }
    let definition = ["containerDefinitions", "taskDefinition"]
        .iter()
        .any(|member| {
            document
                .get(member)
                .is_some_and(|value| value.is_array() || value.is_object())
        });
    let beside = source::beside(input, path, is_pipeline_file).is_some();
    let named = path
        .rsplit('/')
        .next()
        .is_some_and(|name| name.starts_with("taskdef"));
    (definition && (beside || named || input.only.is_some())).then_some(Form::Codedeploy)
}

/// Whether a file of this name goes with a task definition through a pipeline.
fn is_pipeline_file(name: &str) -> bool {
    name.starts_with("appspec")
        || name.eq_ignore_ascii_case("imagedefinitions.json")
        || name.eq_ignore_ascii_case("imageDetail.json")
}
