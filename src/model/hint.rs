//! What an outside event says is worth a look. Not what has happened there: that is observed.

/// What to look at. Nothing else of an event is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hint {
    /// The source, and what its Environment fetches: a parameter has changed.
    Source,
    /// The images of a repository, by its name at AWS.
    Images(String),
    /// A service: something was said of a deployment of it.
    Service {
        /// The cluster's name at AWS.
        cluster: String,
        /// The service's name at AWS.
        name: String,
    },
    /// A service: something was said of one of its tasks. Apart from [`Hint::Service`], because there are
    /// many of these.
    Tasks {
        /// The cluster's name at AWS.
        cluster: String,
        /// The service's name at AWS.
        name: String,
    },
    /// The services of a `CodeDeploy` deployment group.
    DeploymentGroup {
        /// The application's name.
        application: String,
        /// The group's name.
        group: String,
    },
}

impl Hint {
    /// The words of [`Hint::label`].
    pub const LABELS: [&'static str; 5] =
        ["source", "images", "service", "tasks", "deployment_group"];

    /// One word for metrics and logs.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Images(_) => "images",
            Self::Service { .. } => "service",
            Self::Tasks { .. } => "tasks",
            Self::DeploymentGroup { .. } => "deployment_group",
        }
    }
}
