//! Injected faults: throttling, 5xx and lost answers, on chosen operations.
//!
//! Invariant: a fault that is used up is forgotten; the oldest matching one strikes.

use super::{AwsError, behaviour::glob};

/// A fault to inject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `SERVICE:OPERATION`, `*` for any text, such as `ecs:Describe*`.
    pub operation: String,
    /// How the request is refused.
    pub error: AwsError,
    /// How many requests it strikes; `None` for all.
    pub times: Option<u32>,
    /// Whether the operation takes effect all the same: the answer is lost, not the request.
    pub takes_effect: bool,
}

/// The faults in force.
#[derive(Debug, Default)]
pub(super) struct Faults {
    faults: Vec<Fault>,
}

impl Faults {
    pub(super) fn inject(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.faults.clear();
    }

    /// Whether a fault will strike this request.
    pub(super) fn awaits(&self, service: &str, operation: &str) -> bool {
        let name = format!("{service}:{operation}");
        let live = |fault: &&Fault| fault.times != Some(0);
        let mut live = self.faults.iter().filter(live);
        live.any(|fault| glob(&fault.operation, &name))
    }

    /// The fault that strikes this request.
    pub(super) fn strike(&mut self, service: &str, operation: &str) -> Option<Fault> {
        let name = format!("{service}:{operation}");
        self.faults.retain(|fault| fault.times != Some(0));
        let fault = self
            .faults
            .iter_mut()
            .find(|fault| glob(&fault.operation, &name))?;
        fault.times = fault.times.map(|times| times - 1);
        Some(fault.clone())
    }
}
