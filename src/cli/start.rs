//! From arguments to a connected AWS: real, or the sandbox with the source's seeds in it.

use std::sync::Arc;

use serde_json::Value;

use super::args::SourceArgs;
use super::output;
use crate::aws::{Aws, Connection, Connector, OPERATIONS, connect};
use crate::clock::Clock;
use crate::environment::{Chosen, load as load_files};
use crate::kinds::Policy;
use crate::manifest::{LoadOptions, Scope, environments};
use crate::metrics::Metrics;
use crate::mount::Mounted;
use crate::source::{Access, Eagerness, Secret, Sources};

/// The region of the sandbox when none is configured.
const SANDBOX_REGION: &str = "us-east-1";

/// What every command that talks to AWS needs.
pub(super) struct Started {
    pub(super) aws: Aws,
    pub(super) clock: Clock,
    pub(super) metrics: Arc<Metrics>,
    pub(super) source: Sources,
    pub(super) policy: Policy,
    pub(super) load: LoadOptions,
    pub(super) chosen: Chosen,
}

/// Connects.
pub(super) async fn start(args: &SourceArgs) -> Result<Started, String> {
    let metrics = Arc::new(Metrics::new());
    metrics.aws_operations(
        OPERATIONS
            .iter()
            .map(|(service, operation)| (service.label(), *operation)),
    );
    let load = LoadOptions {
        allow_unknown_fields: args.allow_unknown_fields,
    };
    let clock = Clock::wall(if args.sandbox { args.speed } else { 1 });
    let mounted = args.sandbox.then(|| Mounted::new(clock.clone()));
    let own = match &mounted {
        Some(mounted) => simulated(mounted, region().await),
        None => Connection::Environment,
    };
    let access = Access {
        store: args.git_store.clone(),
        aws: Connector::new(own, clock.clone(), Arc::clone(&metrics)),
        ..Access::default()
    };
    let source = sources(&args.source, &access)?;
    let region = match &mounted {
        Some(mounted) => Some(fill(mounted, args, &source, &load).await?),
        None => None,
    };
    let chosen = Chosen::new(args.environment.clone(), &source).await?;
    let connection = match (&mounted, region) {
        (Some(mounted), Some(region)) => {
            simulated(mounted, chosen.region().map_or(region, str::to_owned))
        }
        _ => chosen.connection(&args.instance),
    };
    let aws = connect(connection, clock.clone(), Arc::clone(&metrics)).await?;
    let policy = Policy {
        instance: args.instance.clone(),
        ..Policy::default()
    };
    Ok(Started {
        aws,
        clock,
        metrics,
        source,
        policy,
        load,
        chosen,
    })
}

/// The sources at these addresses. A variable of the environment, often a file's text, has them one a line.
pub(super) fn sources(typed: &[Secret], access: &Access) -> Result<Sources, String> {
    let lines = typed.iter().map(|one| one.reveal().trim_end_matches('\r'));
    let addresses: Vec<String> = lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    if addresses.is_empty() {
        return Err("no source is named; name a folder or a repository with --source".to_owned());
    }
    Sources::parse(&addresses, access).map_err(|error| error.to_string())
}

/// The connection to a simulated AWS.
fn simulated(mounted: &Mounted, region: String) -> Connection {
    Connection::Sandbox {
        http: mounted.http_client(),
        region,
    }
}

/// Fills a simulated AWS with the seeds of the sources that are not in it, before those that are in it are
/// read; gives the region that is reconciled.
async fn fill(
    mounted: &Mounted,
    args: &SourceArgs,
    source: &Sources,
    load: &LoadOptions,
) -> Result<String, String> {
    let read = source.read_outside_aws(Eagerness::Due).await;
    let files = read.map_err(|error| error.to_string())?.files;
    // A wrong choice is told when the environment is chosen.
    let found = environments(&files);
    let environment = found.select(args.environment.as_deref()).ok().flatten();
    let region = match environment.and_then(|one| one.region.clone()) {
        Some(region) => region,
        None => region().await,
    };
    let scope = Scope {
        environment: args.environment.clone(),
        roots: source.roots(),
        fetched: None,
    };
    seed(mounted, &region, &load_files(&files, load, &scope).seeds)?;
    if let Some(address) = args.sandbox_listen {
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .map_err(|error| {
                format!("cannot listen at {address}: {error}; choose another --sandbox-listen")
            })?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let served = mounted.clone();
        output::note(&format!(
            "sandbox at http://{address}, region {region}, account 123456789012\n"
        ));
        tokio::spawn(served.serve(listener, std::future::pending()));
    }
    Ok(region)
}

/// Puts seeds in.
pub(super) fn seed(mounted: &Mounted, region: &str, seeds: &[Value]) -> Result<(), String> {
    mounted
        .seed(region, seeds)
        .map_err(|error| format!("a SandboxSeed is wrong: {error}"))
}

/// The region of the environment or profile, for the sandbox too.
async fn region() -> String {
    let chain = aws_config::meta::region::RegionProviderChain::first_try(
        aws_config::environment::EnvironmentVariableRegionProvider::new(),
    )
    .or_else(SANDBOX_REGION);
    chain.region().await.map_or_else(
        || SANDBOX_REGION.to_owned(),
        |region| region.as_ref().to_owned(),
    )
}
