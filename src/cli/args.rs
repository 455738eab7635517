//! The arguments as typed, with the help that teaches them. Nothing is interpreted here.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::daemon::DaemonCommand;
use crate::controller::{LabelLimit, Limits};
use crate::source::Secret;
use crate::telemetry::LogFormat;
use crate::wake::Address;

/// Keeps ECS services as their manifests say: a reconciling controller for Amazon ECS.
#[derive(Debug, Parser)]
#[command(name = "evenkeel", version, max_term_width = 100)]
#[command(after_help = "\
Start without an AWS account:
  evenkeel sync --source manifests --sandbox     eight services from nothing, on a simulated AWS
  evenkeel run --source manifests --sandbox      the same, as a daemon; edit a manifest and watch

Exit codes: 64 for a usage error in every command; each command's help names its own.")]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
#[expect(
    clippy::doc_markdown,
    reason = "the doc comments are the help, where backticks would show"
)]
pub(super) enum Command {
    /// Reconcile until stopped: the daemon
    ///
    /// Reads every manifest under --source, watches for changes, and keeps AWS as the manifests say.
    /// SIGHUP reads everything again at once; SIGTERM and SIGINT stop it and leave running
    /// deployments alone. Exit code 0 when it was stopped.
    Run(RunArgs),
    /// Reconcile until nothing moves any more, then say how every resource stands
    ///
    /// Ends when every resource is converged, blocked or failed, when only an outside event (an
    /// image, an approval) can move one on, or at --timeout. Drift is healed at once, without the
    /// daemon's grace time. Exit code 0 if everything is converged, else 1.
    Sync(SyncArgs),
    /// Say what would be done and why, without writing
    ///
    /// Exit code 0 if there is nothing to do, 2 if there are changes, 1 on an error.
    Plan(PlanArgs),
    /// Check manifests without AWS
    ///
    /// Exit code 0 if there is no error, else 1.
    Validate(ValidateArgs),
    /// Check manifests against what is there at AWS, without writing
    ///
    /// Looks whether roles, images, secrets, parameters, log groups, subnets, security groups, target
    /// groups, listeners and deployment configurations exist and fit together, and whether traffic is in
    /// a legal state before a rollout. Reads no secret value and writes nothing. What it may not read
    /// is reported as unknown, with the IAM action that is missing.
    ///
    /// Exit code 0 if nothing is wrong, 2 if something is, 3 if nothing that could be read is wrong but
    /// not everything could be read, 1 on an error.
    Verify(VerifyArgs),
    /// Print the JSON Schema of the manifests, for editors
    ///
    /// The same text is docs/evenkeel.schema.json in the repository.
    Schema,
    /// Write manifests from live services, with everything that they use
    ///
    /// Reads cluster, services, task definitions, image repositories, CodeDeploy groups, target
    /// groups, listeners, rules and load balancers; writes no AWS. A plan over the written folder
    /// then has nothing to do. Exit code 0, 2 if there is something to look at, 1 on an error.
    Import(ImportArgs),
    /// Write manifests from another tool's files
    ///
    /// Reads ecspresso projects (YAML, JSON, Jsonnet), PipeCD ECS applications, and a pipeline's
    /// taskdef.json, appspec.yml, imagedefinitions.json and imageDetail.json. Templates become
    /// variables of an Environment. Exit code 0 if everything was carried over, 2 with notes on what
    /// was not, 1 on an error.
    Convert(ConvertArgs),
    #[command(flatten)]
    Daemon(DaemonCommand),
    /// Serve the simulated AWS over HTTP, for any SDK or the AWS CLI
    ///
    /// Point clients at it with AWS_ENDPOINT_URL=http://127.0.0.1:4566 and any credentials. The
    /// account is 123456789012; the state is in memory.
    Sandbox(SandboxArgs),
    /// Evaluate Jsonnet files for another process of this program
    #[command(name = crate::jsonnet::ARGUMENT, hide = true)]
    EvaluateJsonnet,
}

/// Where the manifests are, and which AWS.
#[derive(Debug, Args)]
#[expect(
    clippy::doc_markdown,
    reason = "the doc comments are the help, where backticks would show"
)]
pub(super) struct SourceArgs {
    /// Folder of manifests (.yaml, .yml, .json, .jsonnet), place in a Git repository, or path of SSM's
    /// Parameter Store; may be given several times
    ///
    /// All of them are one desired set. EVENKEEL_SOURCE takes one a line. A Git repository is
    /// git+https://HOST/REPO, git+ssh://USER@HOST/REPO, USER@HOST:REPO, git+file:///PATH or CodeCommit's
    /// HTTPS address. Options follow `?`, with `&` between them: branch=, tag=, semver=RANGE (over tags),
    /// commit= or ref= (default: the repository's HEAD); path=FOLDER; include=PATTERN, exclude=PATTERN
    /// (below path, many times); interval=60s; timeout=60s; depth=1 (commits of the first fetch, 0 for
    /// all); maxPackMiB=256; allowHistoryRewrite=true; signedBy=FILE (SSH and OpenPGP keys that must have signed);
    /// username=, passwordEnv=NAME, passwordFile=FILE, passwordSsm=PARAMETER, passwordSecret=SECRET,
    /// credentialHelper=COMMAND; sshKey=FILE, knownHosts=FILE.
    ///
    /// ssm:/PATH/ is every parameter below the path, a file each. Options: label=NAME, generation=PARAMETER,
    /// decrypt=true, region=NAME, interval=60s.
    #[arg(
        long,
        value_name = "SOURCE",
        env = "EVENKEEL_SOURCE",
        required = true,
        value_delimiter = '\n',
        hide_env_values = true
    )]
    pub(super) source: Vec<Secret>,
    /// Folder in which Git objects and the commits in force outlive a restart; without it a restart
    /// fetches again and takes the head that it finds
    #[arg(long, value_name = "DIR", env = "EVENKEEL_GIT_STORE")]
    pub(super) git_store: Option<PathBuf>,
    /// Environment manifest to reconcile for: its variables, overlay, account, region and role
    #[arg(long, value_name = "NAME", env = "EVENKEEL_ENVIRONMENT")]
    pub(super) environment: Option<String>,
    /// Use a simulated AWS in this process instead of a real one
    #[arg(long)]
    pub(super) sandbox: bool,
    /// With --sandbox: simulated seconds in a real one
    #[arg(long, value_name = "N", default_value_t = 60, requires = "sandbox", value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(super) speed: u32,
    /// With --sandbox: also serve it at this address, for the AWS CLI
    #[arg(long, value_name = "ADDR", requires = "sandbox")]
    pub(super) sandbox_listen: Option<SocketAddr>,
    /// Name of this installation, kept in the tag evenkeel.dev/instance of what it creates
    #[arg(
        long,
        value_name = "NAME",
        default_value = "default",
        env = "EVENKEEL_INSTANCE"
    )]
    pub(super) instance: String,
    /// Let fields pass that the catalogue does not know (newer than this program)
    #[arg(long)]
    pub(super) allow_unknown_fields: bool,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

/// How to log.
#[derive(Debug, Args)]
pub(super) struct LogArgs {
    /// Form of the log on stderr
    #[arg(long, value_enum, default_value_t = LogFormat::Text, env = "EVENKEEL_LOG_FORMAT")]
    pub(super) log_format: LogFormat,
    /// What to log: a level (error, warn, info, debug, trace) or a tracing filter
    #[arg(long, value_name = "FILTER", env = "EVENKEEL_LOG")]
    pub(super) log: Option<String>,
}

/// Whether to prune.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct PruneArgs {
    /// Delete what this installation made and no manifest declares any more
    ///
    /// Only what carries the tags that it wrote (evenkeel.dev/instance, evenkeel.dev/source), and only while every
    /// source is read whole and without an error. Services are drained first; repositories with images stay.
    #[arg(long, env = "EVENKEEL_PRUNE")]
    pub(super) prune: bool,
    /// Delete nothing if more than this share of a kind would go; of each kind one (two target groups, two
    /// rules) always may
    #[arg(long, value_name = "PERCENT", default_value_t = crate::prune::PERCENT, env = "EVENKEEL_PRUNE_MAX_PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(super) prune_max_percent: u8,
}

/// How many rollouts may be in flight at once.
#[derive(Clone, Debug, Args)]
#[expect(
    clippy::doc_markdown,
    reason = "the doc comments are the help, where backticks would show"
)]
pub(super) struct LimitArgs {
    /// Start a rollout only while fewer than this are in flight, whoever started them
    #[arg(long, value_name = "N", env = "EVENKEEL_MAX_ROLLOUTS", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) max_rollouts: Option<u16>,
    /// The same among services with the same value of a label (metadata.labels): tier:2 for each value,
    /// tier=web:2 for one; may be given several times [in EVENKEEL_MAX_ROLLOUTS_LABEL with commas between]
    #[arg(
        long,
        value_name = "LABEL[=VALUE]:N",
        env = "EVENKEEL_MAX_ROLLOUTS_LABEL",
        value_delimiter = ','
    )]
    pub(super) max_rollouts_label: Vec<LabelLimit>,
}

impl LimitArgs {
    /// The limits.
    pub(super) fn limits(&self) -> Limits {
        Limits {
            all: self.max_rollouts.map(usize::from),
            by_label: self.max_rollouts_label.clone(),
        }
    }
}

/// `run`.
#[derive(Debug, Args)]
#[expect(
    clippy::doc_markdown,
    reason = "the doc comments are the help, where backticks would show"
)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) source: SourceArgs,
    /// Serve /metrics, /healthz, /readyz, /status and the API at this address
    #[arg(
        long,
        value_name = "ADDR",
        default_value = "127.0.0.1:9464",
        env = "EVENKEEL_METRICS_ADDR"
    )]
    pub(super) metrics_addr: SocketAddr,
    /// File with the token for API commands that change something; several, one a line, while one
    /// replaces another [or in EVENKEEL_API_TOKEN]. Without one they are refused
    #[arg(long, value_name = "FILE", env = "EVENKEEL_API_TOKEN_FILE")]
    pub(super) api_token_file: Option<PathBuf>,
    /// Serve a webhook for pushes at this address: POST /webhook/github, gitlab, bitbucket or gitea
    #[arg(
        long,
        value_name = "ADDR",
        env = "EVENKEEL_WEBHOOK_ADDR",
        requires = "webhook_secret_file"
    )]
    pub(super) webhook_addr: Option<SocketAddr>,
    /// File with the webhook's secret; several, one a line, while one replaces another
    #[arg(
        long,
        value_name = "FILE",
        env = "EVENKEEL_WEBHOOK_SECRET_FILE",
        requires = "webhook_addr"
    )]
    pub(super) webhook_secret_file: Option<PathBuf>,
    /// SQS queue of EventBridge events; what they tell of is looked at at once
    ///
    /// Parameter changes, image pushes, and changes of deployments and tasks only wake; polling goes on and
    /// finds everything without them. Rules and queue policy: deploy/wake.yaml; permissions:
    /// deploy/iam-policy-wake.json.
    #[arg(long, value_name = "URL", env = "EVENKEEL_WAKE_QUEUE")]
    pub(super) wake_queue: Option<Address>,
    /// How often the source is read although nothing told that it changed
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = interval)]
    pub(super) poll: Duration,
    /// How long drift that takes a deployment to heal is left alone (a manifest's sync.driftGrace
    /// comes first)
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub(super) drift_grace: Duration,
    #[command(flatten)]
    pub(super) prune: PruneArgs,
    /// With --prune: how long a manifest must have been gone
    #[arg(long, value_name = "DURATION", default_value = "5m", env = "EVENKEEL_PRUNE_GRACE", value_parser = duration)]
    pub(super) prune_grace: Duration,
    #[command(flatten)]
    pub(super) limits: LimitArgs,
}

/// `sync`.
#[derive(Debug, Args)]
pub(super) struct SyncArgs {
    #[command(flatten)]
    pub(super) source: SourceArgs,
    #[command(flatten)]
    pub(super) prune: PruneArgs,
    #[command(flatten)]
    pub(super) limits: LimitArgs,
    /// Give up after this long
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub(super) timeout: Duration,
    /// Form of the result on stdout
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// `plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) source: SourceArgs,
    #[command(flatten)]
    pub(super) prune: PruneArgs,
    #[command(flatten)]
    pub(super) limits: LimitArgs,
    /// Form of the result on stdout
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// `verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    pub(super) source: SourceArgs,
    /// Form of the result on stdout
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// `validate`.
#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// Files, folders, Git or SSM addresses (see evenkeel run --help); all of them are one set
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<Secret>,
    /// Environment manifest to check for; all of them if none is named
    #[arg(long, value_name = "NAME", env = "EVENKEEL_ENVIRONMENT")]
    pub(super) environment: Option<String>,
    /// Let fields pass that the catalogue does not know (newer than this program)
    #[arg(long)]
    pub(super) allow_unknown_fields: bool,
    /// Form of the findings on stdout
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
}

/// `import`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["service", "all"]))]
pub(super) struct ImportArgs {
    /// Cluster of the services
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(super) cluster: String,
    /// Service to import; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(super) service: Vec<String>,
    /// Import every service of the cluster
    #[arg(long)]
    pub(super) all: bool,
    /// CodeDeploy application of the service, if it is not named AppECS-CLUSTER-SERVICE
    #[arg(
        long,
        value_name = "NAME",
        requires = "deployment_group",
        conflicts_with = "all"
    )]
    pub(super) application: Option<String>,
    /// CodeDeploy deployment group of the service, if it is not named DgpECS-CLUSTER-SERVICE
    #[arg(long, value_name = "NAME", requires = "application")]
    pub(super) deployment_group: Option<String>,
    /// Folder to write to
    #[arg(long, value_name = "DIR", default_value = "manifests")]
    pub(super) out: PathBuf,
    /// Overwrite files that are there
    #[arg(long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

/// `convert`.
#[derive(Debug, Args)]
pub(super) struct ConvertArgs {
    /// A folder with one project or many, or one configuration
    #[arg(value_name = "PATH")]
    pub(super) path: PathBuf,
    /// Whose files these are [default: found out]
    #[arg(long, value_enum, value_name = "TOOL")]
    pub(super) from: Option<crate::convert::Form>,
    /// Folder to write to
    #[arg(long, value_name = "DIR", default_value = "manifests")]
    pub(super) out: PathBuf,
    /// Overwrite files that are there
    #[arg(long)]
    pub(super) force: bool,
    /// Name of the Environment that says where templates' values come from
    #[arg(long, value_name = "NAME", default_value = crate::convert::ENVIRONMENT)]
    pub(super) environment: String,
    /// External variable of Jsonnet files; may be given several times
    #[arg(long, value_name = "NAME=TEXT", value_parser = pair)]
    pub(super) ext_str: Vec<(String, String)>,
    /// Cluster, where the files do not name it (an AppSpec)
    #[arg(long, value_name = "NAME")]
    pub(super) cluster: Option<String>,
    /// Service, where the files do not name it (an AppSpec)
    #[arg(long, value_name = "NAME")]
    pub(super) service: Option<String>,
}

/// `sandbox`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[expect(
    clippy::doc_markdown,
    reason = "the doc comments are the help, where backticks would show"
)]
pub(super) struct SandboxArgs {
    #[command(subcommand)]
    pub(super) command: Option<SandboxCommand>,
    /// Address to listen at
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4566")]
    pub(super) listen: SocketAddr,
    /// Simulated seconds in a real one
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(super) speed: u32,
    /// File with documents of kind SandboxSeed: what is there from the start
    #[arg(long, value_name = "FILE")]
    pub(super) seed: Option<PathBuf>,
    /// Region that the seed is for
    #[arg(
        long,
        value_name = "REGION",
        default_value = "us-east-1",
        env = "AWS_REGION"
    )]
    pub(super) region: String,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

/// Commands to a running sandbox.
#[derive(Debug, Subcommand)]
pub(super) enum SandboxCommand {
    /// Push a (fake) image into the ECR of a running sandbox
    Push(PushArgs),
}

/// `sandbox push`.
#[derive(Debug, Args)]
pub(super) struct PushArgs {
    /// Repository and tag, such as nova/auth-service:1.5.0
    #[arg(value_name = "REPOSITORY:TAG", value_parser = image)]
    pub(super) image: (String, String),
    /// Address of the sandbox, which must be on this machine
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4566", value_parser = loopback)]
    pub(super) to: SocketAddr,
    /// Region of the repository
    #[arg(
        long,
        value_name = "REGION",
        default_value = "us-east-1",
        env = "AWS_REGION"
    )]
    pub(super) region: String,
    /// Containers of it exit with this code soon after their start
    #[arg(long, value_name = "EXIT_CODE")]
    pub(super) crash: Option<i64>,
    /// Containers of it never start
    #[arg(long)]
    pub(super) hang: bool,
    /// Containers of it run and fail their health checks
    #[arg(long)]
    pub(super) unhealthy: bool,
}

/// Form of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Reads `90s`, `10m`, `1h 30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration = text
        .parse()
        .map_err(|_| format!("`{text}` is not a duration, such as 90s, 10m or 1h"))?;
    Duration::try_from(parsed).map_err(|_| format!("`{text}` is negative"))
}

/// Reads a duration that is not zero.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration < Duration::from_secs(1) {
        return Err("is shorter than a second".to_owned());
    }
    Ok(duration)
}

/// Reads `REPOSITORY:TAG`.
fn image(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once(':') {
        Some((repository, tag)) if !repository.is_empty() && !tag.is_empty() => {
            Ok((repository.to_owned(), tag.to_owned()))
        }
        _ => Err("names no repository and tag, such as nova/auth-service:1.5.0".to_owned()),
    }
}

/// Reads an address of this machine: the sandbox's own API is for no other.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "is no address with a port, such as 127.0.0.1:4566".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("is not on this machine; the sandbox's own API is for loopback only".to_owned())
    }
}

/// Reads `NAME=TEXT`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("is no NAME=TEXT".to_owned()),
    }
}
