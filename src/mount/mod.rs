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

use crate::clock::Clock;
use crate::sandbox::Sandbox;

/// The simulated AWS with its clock. Cheap to clone; the clones are one AWS.
#[derive(Clone, Debug)]
pub struct Mounted {
    sandbox: Arc<Mutex<Sandbox>>,
    clock: Clock,
}

impl Mounted {
    /// An AWS with nothing in it.
    pub fn new(clock: Clock) -> Self {
        let sandbox = Sandbox::new(clock.now().0);
        Self {
            sandbox: Arc::new(Mutex::new(sandbox)),
            clock,
        }
    }

    /// Looks into it, or changes it behind its back as a person in the console would.
    pub fn with<T>(&self, work: impl FnOnce(&mut Sandbox) -> T) -> T {
        let mut sandbox = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner);
        sandbox.tick(self.clock.now().0);
        work(&mut sandbox)
    }

    /// Answers one request.
    pub fn handle(&self, request: &http::Request<Vec<u8>>) -> http::Response<Vec<u8>> {
        let mut sandbox = self.sandbox.lock().unwrap_or_else(PoisonError::into_inner);
        sandbox.handle(self.clock.now().0, request)
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
