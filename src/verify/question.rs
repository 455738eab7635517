//! What is asked of AWS, and what it answered. Values only.

use std::collections::BTreeMap;

use serde_json::Value;

/// One thing to know. Its order is that of the reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// The role of this name: `GetRole`'s `Role`.
    Role(String),
    /// Whether a role's policies allow an action on a resource: `{"allowed": bool}`.
    Allowed {
        /// The role's ARN.
        role: String,
        /// The action, such as `logs:CreateLogGroup`.
        action: &'static str,
        /// The resource's ARN.
        resource: String,
    },
    /// A repository of private ECR; answered along with its images: `{}`.
    Repository {
        /// The account that it is in; `None` for the caller's.
        registry: Option<String>,
        /// Its name.
        name: String,
    },
    /// An image of private ECR: its manifest or index, as it was pushed.
    Image {
        /// The account that it is in; `None` for the caller's.
        registry: Option<String>,
        /// The repository's name.
        repository: String,
        /// A tag, or a digest with its `sha256:`.
        reference: String,
    },
    /// A secret by name or ARN: `DescribeSecret`'s answer, which holds no value.
    Secret(String),
    /// A parameter by name: its metadata.
    Parameter(String),
    /// A log group.
    LogGroup {
        /// The region that it is in.
        region: String,
        /// Its name.
        name: String,
    },
    /// A subnet by id, as EC2 describes it.
    Subnet(String),
    /// A security group by id, as EC2 describes it.
    SecurityGroup(String),
    /// A VPC by id, as EC2 describes it.
    Vpc(String),
    /// A target group by ARN.
    TargetGroup(String),
    /// A target group by name.
    TargetGroupNamed(String),
    /// A load balancer by ARN.
    LoadBalancer(String),
    /// A load balancer by name.
    LoadBalancerNamed(String),
    /// The listeners of a load balancer, by its ARN: `{"Listeners": [...]}`.
    Listeners(String),
    /// A listener by ARN.
    Listener(String),
    /// The rules of a listener, by its ARN, the default one included: `{"Rules": [...]}`.
    Rules(String),
    /// A rule by ARN.
    Rule(String),
    /// A cluster by name or ARN.
    Cluster(String),
    /// A service.
    Service {
        /// The cluster's name or ARN.
        cluster: String,
        /// The service's name.
        name: String,
    },
    /// A deployment group of CodeDeploy.
    DeploymentGroup {
        /// The application's name.
        application: String,
        /// The group's name.
        name: String,
    },
    /// A deployment configuration of CodeDeploy by name.
    DeploymentConfig(String),
}

impl Question {
    /// What it asks about, for a person.
    pub fn what(&self) -> String {
        match self {
            Self::Role(name) => format!("role {name}"),
            Self::Allowed { role, action, .. } => format!("whether {role} may {action}"),
            Self::Repository { name, .. } => format!("repository {name}"),
            Self::Image {
                repository,
                reference,
                ..
            } => format!("image {repository} {reference}"),
            Self::Secret(id) => format!("secret {id}"),
            Self::Parameter(name) => format!("parameter {name}"),
            Self::LogGroup { region, name } => format!("log group {name} in {region}"),
            Self::Subnet(id) => format!("subnet {id}"),
            Self::SecurityGroup(id) => format!("security group {id}"),
            Self::Vpc(id) => format!("VPC {id}"),
            Self::TargetGroup(id) | Self::TargetGroupNamed(id) => format!("target group {id}"),
            Self::LoadBalancer(id) | Self::LoadBalancerNamed(id) => format!("load balancer {id}"),
            Self::Listeners(arn) => format!("listeners of {arn}"),
            Self::Listener(arn) => format!("listener {arn}"),
            Self::Rules(arn) => format!("rules of {arn}"),
            Self::Rule(arn) => format!("rule {arn}"),
            Self::Cluster(name) => format!("cluster {name}"),
            Self::Service { cluster, name } => format!("service {name} of cluster {cluster}"),
            Self::DeploymentGroup { application, name } => {
                format!("deployment group {name} of application {application}")
            }
            Self::DeploymentConfig(name) => format!("deployment configuration {name}"),
        }
    }
}

/// Why something is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignorance {
    /// What AWS said.
    pub why: String,
    /// The action that the caller is not allowed, if that is why: `iam:GetRole`.
    pub action: Option<String>,
}

/// What AWS answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It is there.
    Present(Value),
    /// It is not there.
    Absent,
    /// The read failed.
    Unknown(Ignorance),
    /// This program cannot ask; the text says why.
    NotAsked(String),
}

/// Everything that is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts(BTreeMap<Question, Answer>);

impl Facts {
    /// The answer, if the question was asked.
    pub fn get(&self, question: &Question) -> Option<&Answer> {
        self.0.get(question)
    }

    /// The same, with the question as it was asked.
    pub(super) fn entry(&self, question: &Question) -> Option<(&Question, &Answer)> {
        self.0.get_key_value(question)
    }

    /// Takes an answer in.
    pub fn put(&mut self, question: Question, answer: Answer) {
        self.0.insert(question, answer);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many are known for certain.
    pub fn known(&self) -> usize {
        let known = |answer: &&Answer| matches!(answer, Answer::Present(_) | Answer::Absent);
        self.0.values().filter(known).count()
    }
}
