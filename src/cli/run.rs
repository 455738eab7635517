//! `evenkeel run`: the daemon.

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::args::RunArgs;
use super::{signals, start};
use crate::controller::{Controller, Ended, Event, Settings, Until};
use crate::http;
use crate::source::Watcher;
use crate::status::Board;

/// Runs until stopped.
pub(super) async fn run(args: &RunArgs) -> Result<u8, String> {
    let started = start::start(&args.source).await?;
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
    let (stop_http, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(http::serve(
        listener,
        board.clone(),
        started.metrics.clone(),
        started.clock.clone(),
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
        ..Settings::default()
    };
    let controller = Controller::new(
        started.aws,
        started.clock,
        started.metrics,
        board,
        started.source,
        settings,
    );
    let ended = controller.run(events, Until::Stopped).await;
    // The server has ended by itself if it does not listen.
    stop_http.send(()).ok();
    if let Ok(Err(error)) = server.await {
        tracing::warn!("the HTTP server ended badly: {error}");
    }
    Ok(u8::from(ended != Ended::Stopped))
}
