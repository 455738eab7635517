//! The arguments of the commands to a running daemon, with the help that teaches them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use crate::cli::args::{Output, duration, interval};
use crate::model::{Key, Kind};

/// The commands to a running daemon.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum DaemonCommand {
    /// List how every resource of a running daemon stands
    ///
    /// Exit code 0; 1 if there is no such resource or no daemon answers.
    Get(GetArgs),
    /// Say all that a running daemon knows of one resource
    ///
    /// Its outcome and why, conditions, the rollout in flight with its stage and weights, differences,
    /// the last writes and the last events. Exit code 0; 1 if there is no such resource or no daemon
    /// answers.
    Describe(DescribeArgs),
    /// Say how live state differs from the manifests, as a running daemon saw it last
    ///
    /// Values that may be secrets are masked. With --output patch, what is live as members of a manifest, to take
    /// a change that somebody made into it; with --source DIR too, as a patch of the files there, for `git apply`. Exit code 0 if nothing differs, 2 if something does, 3 if
    /// nothing is known to differ and not all is known, 1 on an error.
    Diff(DiffArgs),
    /// List the rollouts of a service that AWS remembers, newest first
    ///
    /// CodeDeploy's deployments or ECS's service deployments, whoever started them. Exit code 0, 1 on an
    /// error.
    History(HistoryArgs),
    /// List what a running daemon did and saw lately
    ///
    /// The last thousand events since its start; all of them are in its log too. Exit code 0, 1 on an
    /// error.
    Events(EventsArgs),
    /// Have a running daemon read its sources and look at everything, or at one resource, now
    ///
    /// Backoff is passed over; quarantine, holds and grace are not (grace is with --heal-now). Without a name it
    /// is what SIGHUP does.
    /// Exit code 0 when it was taken on (with --wait: served), 1 on an error.
    Resync(ResyncArgs),
    /// Hold a service, a cluster or everything: nothing is written for it until the hold ends
    ///
    /// Observation, differences and metrics go on, and so does a deployment that runs. The hold is a tag at
    /// AWS, kept over restarts. Exit code 0 when it is set (with --wait: when all that it concerns was looked
    /// at), 1 on an error.
    Pause(PauseArgs),
    /// End the hold of a service, a cluster or everything
    ///
    /// A wider or narrower one stays. What was held back is then done, drift after its grace time. Exit code
    /// 0, 1 on an error.
    Resume(ResumeArgs),
    /// Have a running daemon stop the deployment of a service and go back
    ///
    /// What ran before gets the traffic again, and the content that is stopped is not deployed again until
    /// the manifest or its retry annotation changes. Exit code 0 when AWS has accepted it (with --wait: when
    /// it has gone back), 2 if the way back failed, 1 on an error.
    Abort(AbortArgs),
    /// Have a running daemon let a deployment go on that waits for a person
    ///
    /// CodeDeploy's before production traffic moves, or at a pause hook of ECS's. Exit code 0 when AWS has
    /// accepted it (with --wait: when the service is as declared), 2 if it ended badly, 3 if the service
    /// waits again, 1 on an error.
    Promote(PromoteArgs),
    /// Have a running daemon let the content go on that waits for a person, if it is this one
    ///
    /// As promote, but refused if something else waits by now; who approved it is recorded on the service.
    /// Exit codes as of promote.
    Approve(ApproveArgs),
    /// Have a running daemon send back what waits for a person
    ///
    /// As abort, but refused if nothing waits. Exit codes as of abort.
    Reject(RejectArgs),
    /// Have a running daemon take a service back to the last good content
    ///
    /// While its deployment is in flight that is stopped, so that the old tasks get the traffic back; afterwards
    /// it is a new deployment of what AWS remembers. The manifest's content is left where it is until the
    /// manifest or its retry annotation changes. Exit codes as of abort.
    Rollback(RollbackArgs),
}

/// Where the daemon is.
#[derive(Debug, Args)]
pub(in crate::cli) struct ServerArgs {
    /// Address of the daemon: that of its --metrics-addr
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9464",
        env = "EVENKEEL_SERVER"
    )]
    pub(in crate::cli) server: String,
    /// Form of the result on stdout
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub(in crate::cli) output: Output,
}

/// The token for what changes something.
#[derive(Debug, Args)]
#[expect(
    clippy::doc_markdown,
    reason = "the doc comments are the help, where backticks would show"
)]
pub(in crate::cli) struct TokenArgs {
    /// File with the daemon's token, for commands that change something [or the token in
    /// EVENKEEL_API_TOKEN]
    #[arg(long, value_name = "FILE", env = "EVENKEEL_API_TOKEN_FILE")]
    pub(in crate::cli) api_token_file: Option<PathBuf>,
}

/// `get`.
#[derive(Debug, Args)]
pub(in crate::cli) struct GetArgs {
    /// Kind, or kind and name, such as Service or Service/auth-service; all if it is left out
    #[arg(value_name = "KIND[/NAME]", value_parser = pick)]
    pub(in crate::cli) pick: Option<Pick>,
    #[command(flatten)]
    pub(in crate::cli) server: ServerArgs,
}

/// `describe`.
#[derive(Debug, Args)]
pub(in crate::cli) struct DescribeArgs {
    /// Kind and name, such as Service/auth-service
    #[arg(value_name = "KIND/NAME", value_parser = key)]
    pub(in crate::cli) key: Key,
    #[command(flatten)]
    pub(in crate::cli) server: ServerArgs,
}

/// `diff`.
#[derive(Debug, Args)]
pub(in crate::cli) struct DiffArgs {
    /// Kind, or kind and name, such as Service or Service/auth-service; all if it is left out
    #[arg(value_name = "KIND[/NAME]", value_parser = pick)]
    pub(in crate::cli) pick: Option<Pick>,
    /// Address of the daemon: that of its --metrics-addr
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:9464",
        env = "EVENKEEL_SERVER"
    )]
    pub(in crate::cli) server: String,
    /// Form of the result on stdout
    #[arg(long, short, value_enum, default_value_t = DiffOutput::Text)]
    pub(in crate::cli) output: DiffOutput,
    /// Folder with the manifests, such as your clone of their repository: --output patch is then a patch of its
    /// files
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) source: Option<PathBuf>,
    /// The Environment that the daemon runs for, if the manifests have some
    #[arg(long, value_name = "NAME", requires = "source")]
    pub(in crate::cli) environment: Option<String>,
}

/// Forms of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum DiffOutput {
    /// For a person
    Text,
    /// For a program
    Json,
    /// Members for the manifests, as they are live
    Patch,
}

/// `history`.
#[derive(Debug, Args)]
pub(in crate::cli) struct HistoryArgs {
    /// Kind and name, such as Service/auth-service
    #[arg(value_name = "KIND/NAME", value_parser = key)]
    pub(in crate::cli) key: Key,
    #[command(flatten)]
    pub(in crate::cli) server: ServerArgs,
}

/// `events`.
#[derive(Debug, Args)]
pub(in crate::cli) struct EventsArgs {
    /// Only those of this resource, such as Service/auth-service
    #[arg(value_name = "KIND/NAME", value_parser = key)]
    pub(in crate::cli) key: Option<Key>,
    /// Go on with what happens from now on, until interrupted
    #[arg(long, short)]
    pub(in crate::cli) follow: bool,
    #[command(flatten)]
    pub(in crate::cli) server: ServerArgs,
}

/// `resync`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ResyncArgs {
    /// Kind and name, such as Service/auth-service; everything if it is left out
    #[arg(value_name = "KIND/NAME", value_parser = key)]
    pub(in crate::cli) key: Option<Key>,
    /// Have what differs changed back now, whatever the manifest's sync.selfHeal and driftGrace say
    #[arg(long, requires = "key")]
    pub(in crate::cli) heal_now: bool,
    /// Wait until it was served
    #[arg(long)]
    pub(in crate::cli) wait: bool,
    /// With --wait: give up after this long
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub(in crate::cli) timeout: Duration,
    #[command(flatten)]
    pub(in crate::cli) server: ServerArgs,
    #[command(flatten)]
    pub(in crate::cli) token: TokenArgs,
}

/// What is meant by `pause` and `resume`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["key", "all"]))]
pub(in crate::cli) struct HeldArgs {
    /// Service or cluster, such as service/auth-service or cluster/nova
    #[arg(value_name = "KIND/NAME", value_parser = key)]
    pub(in crate::cli) key: Option<Key>,
    /// Everything that the manifests declare
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// Who orders it, for the record; nothing proves it [default: who is logged in]
    #[arg(long, value_name = "NAME", env = "EVENKEEL_BY")]
    pub(in crate::cli) by: Option<String>,
    /// Wait until all that it concerns was looked at
    #[arg(long)]
    pub(in crate::cli) wait: bool,
    /// With --wait: give up after this long
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub(in crate::cli) timeout: Duration,
    #[command(flatten)]
    pub(in crate::cli) server: ServerArgs,
    #[command(flatten)]
    pub(in crate::cli) token: TokenArgs,
}

/// `pause`.
#[derive(Debug, Args)]
pub(in crate::cli) struct PauseArgs {
    #[command(flatten)]
    pub(in crate::cli) held: HeldArgs,
    /// Why, for others to read
    #[arg(long, value_name = "TEXT")]
    pub(in crate::cli) reason: String,
    /// End by itself after this long, such as 2h [default: when it is resumed]
    #[arg(long = "for", value_name = "DURATION", value_parser = interval, conflicts_with = "until")]
    pub(in crate::cli) length: Option<Duration>,
    /// End by itself at this time, such as 2026-01-02T15:00:00Z
    #[arg(long, value_name = "RFC3339")]
    pub(in crate::cli) until: Option<String>,
}

/// `resume`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ResumeArgs {
    #[command(flatten)]
    pub(in crate::cli) held: HeldArgs,
}

/// What all commands about a rollout take.
#[derive(Debug, Args)]
pub(in crate::cli) struct OrderArgs {
    /// Kind and name, such as Service/auth-service
    #[arg(value_name = "KIND/NAME", value_parser = key)]
    pub(in crate::cli) key: Key,
    /// Who orders it, for the record; nothing proves it [default: who is logged in]
    #[arg(long, value_name = "NAME", env = "EVENKEEL_BY")]
    pub(in crate::cli) by: Option<String>,
    /// Follow the rollout to its end
    #[arg(long)]
    pub(in crate::cli) wait: bool,
    /// With --wait: give up following after this long
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration)]
    pub(in crate::cli) timeout: Duration,
    #[command(flatten)]
    pub(in crate::cli) server: ServerArgs,
    #[command(flatten)]
    pub(in crate::cli) token: TokenArgs,
}

/// `abort`.
#[derive(Debug, Args)]
pub(in crate::cli) struct AbortArgs {
    /// Also a deployment that somebody else started
    #[arg(long)]
    pub(in crate::cli) foreign: bool,
    #[command(flatten)]
    pub(in crate::cli) order: OrderArgs,
}

/// `promote`.
#[derive(Debug, Args)]
pub(in crate::cli) struct PromoteArgs {
    /// Also a deployment that somebody else started
    #[arg(long)]
    pub(in crate::cli) foreign: bool,
    /// End CodeDeploy's wait before it stops the old tasks; from then on there is no quick way back
    #[arg(long)]
    pub(in crate::cli) terminate: bool,
    #[command(flatten)]
    pub(in crate::cli) order: OrderArgs,
}

/// `approve`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ApproveArgs {
    /// Digest of the content that is approved, as describe shows it, or its first eight digits and more
    #[arg(long, value_name = "DIGEST")]
    pub(in crate::cli) digest: String,
    #[command(flatten)]
    pub(in crate::cli) order: OrderArgs,
}

/// `reject`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RejectArgs {
    /// Only if this content waits: its digest, as describe shows it, or its first eight digits and more
    #[arg(long, value_name = "DIGEST")]
    pub(in crate::cli) digest: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) order: OrderArgs,
}

/// `rollback`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RollbackArgs {
    /// Also where a deployment that somebody else started is in flight
    #[arg(long)]
    pub(in crate::cli) foreign: bool,
    #[command(flatten)]
    pub(in crate::cli) order: OrderArgs,
}

/// Some resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Pick {
    /// All of a kind.
    Kind(Kind),
    /// One.
    One(Key),
}

/// Reads a kind as people type it: `Service`, `service`, `services`.
fn kind(text: &str) -> Result<Kind, String> {
    let lower = text.to_lowercase();
    let is = |kind: &Kind| {
        let name = kind.as_str().to_lowercase();
        let plural = name
            .strip_suffix('y')
            .map_or_else(|| format!("{name}s"), |stem| format!("{stem}ies"));
        lower == name || lower == plural
    };
    Kind::ALL.into_iter().find(is).ok_or_else(|| {
        let kinds = Kind::ALL.map(Kind::as_str).join(", ");
        format!("`{text}` is no kind; the kinds are {kinds}")
    })
}

/// Reads `KIND/NAME`.
pub(in crate::cli) fn key(text: &str) -> Result<Key, String> {
    match text.split_once('/') {
        Some((of, name)) if !name.is_empty() => Ok(Key::new(kind(of)?, name)),
        _ => Err(format!(
            "`{text}` is not of the form KIND/NAME, such as Service/auth-service"
        )),
    }
}

/// Reads `KIND` or `KIND/NAME`.
fn pick(text: &str) -> Result<Pick, String> {
    if text.contains('/') {
        key(text).map(Pick::One)
    } else {
        kind(text).map(Pick::Kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_as_people_type_them() {
        assert_eq!(
            key("service/auth"),
            Ok(Key::new(Kind::Service, "auth")),
            "lower case"
        );
        assert_eq!(pick("ScalingPolicies"), Ok(Pick::Kind(Kind::ScalingPolicy)));
        assert_eq!(
            pick("imagerepositories"),
            Ok(Pick::Kind(Kind::ImageRepository))
        );
        assert!(key("auth").unwrap_err().contains("KIND/NAME"));
        assert!(key("service/").unwrap_err().contains("KIND/NAME"));
        assert!(pick("pod").unwrap_err().contains("the kinds are Cluster"));
    }
}
