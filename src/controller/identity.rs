//! Whose credentials these are, asked until it is known.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::aws::Aws;
use crate::clock::Clock;
use crate::status::Board;

/// How often the account is asked for until it is known.
const IDENTIFY_EVERY: Duration = Duration::from_mins(1);

/// Learns whose credentials these are, trying until it is known; tells when it has tried once.
/// `/readyz` waits for it.
pub(super) async fn identify(aws: Aws, board: Board, clock: Clock, told: oneshot::Sender<()>) {
    let mut told = Some(told);
    loop {
        let answer = aws.account().await;
        if let Some(told) = told.take() {
            // Nobody listens any more when the loop has ended.
            told.send(()).ok();
        }
        match answer {
            Ok(account) => {
                tracing::info!(%account, region = aws.region(), "credentials proven");
                board.write(|status| status.account = Some(account));
                return;
            }
            Err(fault) => tracing::error!("cannot tell whose credentials these are: {fault}"),
        }
        clock.sleep(IDENTIFY_EVERY).await;
    }
}
