//! Signals to events. SIGHUP resyncs; SIGTERM and SIGINT stop; a second one kills at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::controller::Event;

/// Starts listening. A resync that is asked for while one is already queued is the same one.
///
/// # Errors
/// If the system refuses a handler.
pub(super) fn listen(events: mpsc::Sender<Event>) -> Result<(), String> {
    let handler = |kind| signal(kind).map_err(|error| format!("cannot handle signals: {error}"));
    let mut hangup = handler(SignalKind::hangup())?;
    let mut terminate = handler(SignalKind::terminate())?;
    let mut interrupt = handler(SignalKind::interrupt())?;
    tokio::spawn(async move {
        let mut stopping = false;
        loop {
            let stop = tokio::select! {
                _ = hangup.recv() => false,
                _ = terminate.recv() => true,
                _ = interrupt.recv() => true,
            };
            if !stop {
                events.send(Event::Resync("signal")).await.ok();
            } else if stopping {
                kill();
            } else {
                stopping = true;
                events.send(Event::Stop).await.ok();
            }
        }
    });
    Ok(())
}

/// Ends the process at once, for a person who asked twice.
#[expect(
    clippy::exit,
    reason = "the second interrupt means now; nothing is held that a crash would lose"
)]
fn kill() {
    std::process::exit(130);
}
