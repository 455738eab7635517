//! A path of the Parameter Store as a source: when it is asked, and what of it is in force.
//!
//! Invariant: what is in force changes by a whole sweep alone. Trouble of any kind leaves it, and is told.

use tokio::time::Instant;

use super::SsmAddress;
use super::read::{SsmError, Sweeper};
use crate::aws::{Class, Connector, Fault};
use crate::source::dir::Snapshot;
use crate::source::git::{Look, Reason, Trouble};
use crate::source::schedule::Schedule;

/// A path that is polled.
#[derive(Debug)]
pub(in crate::source) struct Parameters {
    source: Sweeper,
    aws: Connector,
    schedule: Schedule,
    /// What is in force.
    pub(in crate::source) good: Option<Snapshot>,
    /// What is wrong now.
    pub(in crate::source) trouble: Option<Trouble>,
    /// What the last look came to.
    pub(in crate::source) look: Option<Look>,
}

impl Parameters {
    /// One that was never read.
    pub(in crate::source) fn new(address: SsmAddress, aws: Connector) -> Self {
        Self {
            source: Sweeper::new(address),
            aws,
            schedule: Schedule::default(),
            good: None,
            trouble: None,
            look: None,
        }
    }

    /// The generation in force, if the address names its parameter.
    pub(in crate::source) fn generation(&self) -> Option<i64> {
        self.source.generation()
    }

    /// When it is to be asked again.
    pub(in crate::source) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Asks for the parameters if it is time, or `now`.
    pub(in crate::source) async fn look(&mut self, now: bool) {
        if !now && !self.schedule.wait().is_zero() {
            return;
        }
        let began = Instant::now();
        let read = self.read().await;
        // Somebody writes just now: that ends soon.
        let failed = matches!(&read, Err(error) if !matches!(error, SsmError::Moving(_)));
        let result = match read {
            Ok(snapshot) => {
                let same = self.good.as_ref().is_some_and(|old| *old == snapshot);
                self.good = Some(snapshot);
                self.trouble = None;
                if same { "not_modified" } else { "success" }
            }
            Err(error) => {
                self.trouble = Some(Trouble::new(reason(&error), error.to_string()));
                "error"
            }
        };
        self.look = Some(Look::next(self.look, result, began.elapsed()));
        self.schedule.asked(failed, self.source.address().interval);
    }

    async fn read(&mut self) -> Result<Snapshot, SsmError> {
        let region = self.source.address().region.clone();
        let aws = self.aws.aws(region.as_deref()).await;
        self.source.read(&aws.map_err(SsmError::NoAws)?).await
    }
}

/// The class of what went wrong.
fn reason(error: &SsmError) -> Reason {
    match error {
        SsmError::Fault(fault) => reason_of(fault),
        SsmError::Answer(_) => Reason::Unreachable,
        SsmError::Empty(..) => Reason::Empty,
        SsmError::Secure(_) => Reason::Refused,
        SsmError::NoGeneration(_) => Reason::NoRevision,
        SsmError::Moving(_) | SsmError::Parts(..) => Reason::Unreadable,
        SsmError::TooMany(_) => Reason::TooLarge,
        SsmError::Slow(_) => Reason::TimedOut,
        SsmError::NoAws(_) => Reason::Internal,
    }
}

fn reason_of(fault: &Fault) -> Reason {
    if fault.class == Class::Denied {
        Reason::Denied
    } else {
        Reason::Unreachable
    }
}
