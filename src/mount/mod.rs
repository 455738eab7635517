//! The simulated AWS, mounted: under the SDK's HTTP connector in this process, and over TCP.
//!
//! What it is: the only place that joins [`crate::sandbox`], a pure state machine, with a clock and
//! the network. What it is not: it adds no behaviour of AWS.
//!
//! Invariants:
//! - One request at a time, whatever the mount: the state machine is behind one lock.
//! - The time that a request is answered at is the clock's, so `--speed` and paused time reach it.

mod connector;
mod tcp;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::model::Moment;
use crate::sandbox::Sandbox;

/// The simulated AWS with its clock. Cheap to clone; the clones are one AWS.
#[derive(Clone, Debug)]
pub struct Mounted {
    sandbox: Arc<Mutex<Sandbox>>,
    clock: Clock,
    /// Told after every request, and whenever it is looked into.
    changed: Arc<Notify>,
}

impl Mounted {
    /// An AWS with nothing in it.
    pub fn new(clock: Clock) -> Self {
        let sandbox = Sandbox::new(clock.now().0);
        Self {
            sandbox: Arc::new(Mutex::new(sandbox)),
            clock,
            changed: Arc::default(),
        }
    }

    /// Looks into it, or changes it behind its back as a person in the console would.
    pub fn with<T>(&self, work: impl FnOnce(&mut Sandbox) -> T) -> T {
        let mut sandbox = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner);
        sandbox.tick(self.clock.now().0);
        let result = work(&mut sandbox);
        self.changed.notify_waiters();
        result
    }

    /// Answers one request, at once.
    pub fn handle(&self, request: &http::Request<Vec<u8>>) -> http::Response<Vec<u8>> {
        let mut sandbox = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner);
        let response = sandbox.handle(self.clock.now().0, request);
        self.changed.notify_waiters();
        response
    }

    /// Waits until a request can be answered: at once, but for a long poll that finds nothing yet.
    pub async fn hold(&self, request: &http::Request<Vec<u8>>) {
        let came = self.clock.now();
        loop {
            // Before the look, so that no change is missed between the two.
            let changed = self.changed.notified();
            let patience = {
                let mut sandbox = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner);
                sandbox.patience(self.clock.now().0, request)
            };
            let now = self.clock.now();
            let until = Moment(came.0.saturating_add(patience));
            if now >= until {
                return;
            }
            // The world moves by itself, a second at a time.
            let turn = until.min(now.plus(Duration::from_secs(1)));
            tokio::select! {
                () = changed => {}
                () = self.clock.sleep_until(turn) => {}
            }
        }
    }

    /// Puts in what seed documents say, for a region.
    ///
    /// # Errors
    /// Names the member of the document that is wrong.
    pub fn seed(&self, region: &str, documents: &[serde_json::Value]) -> Result<(), String> {
        self.with(|sandbox| {
            documents
                .iter()
                .try_for_each(|document| sandbox.seed(region, document))
        })
    }
}
