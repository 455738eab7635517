//! `evenkeel run`: the daemon.

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::args::RunArgs;
use super::start::{self, Started};
use super::{daemon, signals};
use crate::ask;
use crate::controller::{Controller, Ended, Event, Settings, Until};
use crate::http;
use crate::http::api::Api;
use crate::http::webhook::{self, Secrets};
use crate::source::Watcher;
use crate::status::Board;
use crate::wake::{self, Listener};

/// Runs until stopped.
pub(super) async fn run(args: &RunArgs) -> Result<u8, String> {
    no_core()?;
    let started = start::start(&args.source).await?;
    let tokens = tokens(args)?;
    let (asker, asks) = ask::channel();
    let (sender, events) = mpsc::channel(16);
    signals::listen(sender.clone())?;
    let board = Board::default();
    let listener = TcpListener::bind(args.metrics_addr)
        .await
        .map_err(|error| {
            format!(
                "cannot listen at {}: {error}; choose another --metrics-addr",
                args.metrics_addr
            )
        })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    tracing::info!("metrics, probes and status at http://{address}");
    webhook(args, &started, &sender).await?;
    if let Some(address) = args.wake_queue.clone() {
        let listener = Listener {
            address,
            aws: started.aws.clone(),
            clock: started.clock.clone(),
            metrics: started.metrics.clone(),
            board: board.clone(),
            seed: fastrand::u64(..),
        };
        tokio::spawn(wake::listen(listener, sender.clone()));
    }
    let (stop_http, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(http::serve(
        listener,
        board.clone(),
        started.metrics.clone(),
        started.clock.clone(),
        Api::new(asker, tokens),
        async move { drop(stopped.await) },
    ));
    for folder in started.source.folders() {
        let mut watcher = Watcher::new(folder);
        let sender = sender.clone();
        tokio::spawn(async move {
            loop {
                watcher.changed().await;
                if sender.send(Event::SourceChanged).await.is_err() {
                    return;
                }
            }
        });
    }
    let settings = Settings {
        policy: crate::kinds::Policy {
            drift_grace: args.drift_grace,
            ..started.policy
        },
        poll: args.poll,
        load: started.load,
        chosen: started.chosen,
        prune: args.prune.settings(args.prune_grace),
        limits: args.limits.limits(),
        ..Settings::default()
    };
    let controller = Controller::new(
        started.aws,
        started.clock,
        started.metrics,
        board,
        started.source,
        settings,
    )
    .with_asks(asks);
    let ended = controller.run(events, Until::Stopped).await;
    // The server has ended by itself if it does not listen.
    stop_http.send(()).ok();
    if let Ok(Err(error)) = server.await {
        tracing::warn!("the HTTP server ended badly: {error}");
    }
    Ok(u8::from(ended != Ended::Stopped))
}

/// Has a crash leave no core, which would hold credentials.
#[cfg(target_os = "linux")]
fn no_core() -> Result<(), String> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).map_err(|error| format!("cannot forbid a core: {error}"))
}

/// Forbids nothing where the kernel's ways are other.
#[cfg(not(target_os = "linux"))]
fn no_core() -> Result<(), String> {
    Ok(())
}

/// The tokens that the API takes for what changes something.
fn tokens(args: &RunArgs) -> Result<Option<Secrets>, String> {
    let Some((text, from)) = daemon::token::text(args.api_token_file.as_deref())? else {
        return Ok(None);
    };
    let tokens = Secrets::parse(&text);
    let tokens = tokens.map_err(|error| format!("the API's token of {from}: {error}"))?;
    Ok(Some(tokens))
}

/// Serves the webhook, if one is asked for, as long as the program runs.
async fn webhook(
    args: &RunArgs,
    started: &Started,
    sender: &mpsc::Sender<Event>,
) -> Result<(), String> {
    let (Some(address), Some(file)) = (args.webhook_addr, &args.webhook_secret_file) else {
        return Ok(());
    };
    let wrong = |error: &dyn std::fmt::Display| {
        format!(
            "the webhook's secret cannot be had from {}: {error}",
            file.display()
        )
    };
    let text = std::fs::read_to_string(file).map_err(|error| wrong(&error))?;
    let secrets = Secrets::parse(&text).map_err(|error| wrong(&error))?;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        format!("cannot listen at {address}: {error}; choose another --webhook-addr")
    })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    tracing::info!("webhook at http://{address}/webhook/");
    let (metrics, sender) = (started.metrics.clone(), sender.clone());
    tokio::spawn(async move {
        // A push that finds the queue full is left to the poll.
        let wake = move || {
            sender.try_send(Event::Pushed).ok();
        };
        let served = webhook::serve(listener, secrets, metrics, wake, std::future::pending());
        if let Err(error) = served.await {
            tracing::error!("the webhook no longer listens: {error}; the source is still polled");
        }
    });
    Ok(())
}
