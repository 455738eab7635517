//! From arguments to a connected AWS: real, or the sandbox with the source's seeds in it.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::args::SourceArgs;
use super::output;
use crate::aws::{Aws, Connection, OPERATIONS, connect};
use crate::clock::Clock;
use crate::environment::{Chosen, load as load_files};
use crate::kinds::Policy;
use crate::manifest::LoadOptions;
use crate::metrics::Metrics;
use crate::mount::Mounted;
use crate::source::{Eagerness, Secret, Sources};

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
    let source = sources(&args.source, args.git_store.as_deref())?;
    let load = LoadOptions {
        allow_unknown_fields: args.allow_unknown_fields,
    };
    let chosen = Chosen::new(args.environment.clone(), &source).await?;
    let clock = Clock::wall(if args.sandbox { args.speed } else { 1 });
    let connection = if args.sandbox {
        sandbox(args, &source, &chosen, &load, &clock).await?
    } else {
        chosen.connection(&args.instance)
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
pub(super) fn sources(typed: &[Secret], store: Option<&Path>) -> Result<Sources, String> {
    let lines = typed.iter().map(|one| one.reveal().trim_end_matches('\r'));
    let addresses: Vec<String> = lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    if addresses.is_empty() {
        return Err("no source is named; name a folder or a repository with --source".to_owned());
    }
    Sources::parse(&addresses, store).map_err(|error| error.to_string())
}

async fn sandbox(
    args: &SourceArgs,
    source: &Sources,
    chosen: &Chosen,
    load: &LoadOptions,
    clock: &Clock,
) -> Result<Connection, String> {
    let region = match chosen.region() {
        Some(region) => region.to_owned(),
        None => region().await,
    };
    let mounted = Mounted::new(clock.clone());
    let read = source.read(Eagerness::Due).await;
    let snapshot = read.map_err(|error| error.to_string())?;
    seed(
        &mounted,
        &region,
        &load_files(&snapshot.files, load, &chosen.offline()).seeds,
    )?;
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
    Ok(Connection::Sandbox {
        http: mounted.http_client(),
        region,
    })
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
