//! `evenkeel sandbox`: the simulated AWS alone.

use tokio::net::TcpListener;

use super::args::SandboxArgs;
use super::{output, start};
use crate::clock::Clock;
use crate::manifest::{LoadOptions, Severity, load, render_text};
use crate::mount::Mounted;
use crate::source::Dir;

/// Serves until interrupted.
pub(super) async fn sandbox(args: &SandboxArgs) -> Result<u8, String> {
    let mounted = Mounted::new(Clock::wall(args.speed));
    if let Some(file) = &args.seed {
        let files = Dir::new(file)
            .read()
            .map_err(|error| error.to_string())?
            .files;
        let loaded = load(&files, &LoadOptions::default());
        if loaded
            .diagnostics
            .iter()
            .any(|found| found.severity == Severity::Error)
        {
            output::note(&render_text(&loaded.diagnostics, output::colour()));
            return Err(format!("{} is no seed", file.display()));
        }
        if loaded.seeds.is_empty() {
            return Err(format!(
                "{} holds no document of kind SandboxSeed",
                file.display()
            ));
        }
        start::seed(&mounted, &args.region, &loaded.seeds)?;
    }
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        format!(
            "cannot listen at {}: {error}; choose another --listen",
            args.listen
        )
    })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    output::note(&format!(
        "simulated AWS at http://{address} ({} simulated seconds in a real one)\n\
         export AWS_ENDPOINT_URL=http://{address} AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_REGION={}\n",
        args.speed, args.region
    ));
    mounted
        .serve(listener, stopped())
        .await
        .map_err(|error| error.to_string())?;
    Ok(0)
}

/// SIGINT or SIGTERM.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
