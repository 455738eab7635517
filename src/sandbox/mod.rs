//! The simulated AWS: one synchronous state machine, `handle(request) -> response`.
//!
//! What it is: ECS, ECR, CodeDeploy, ELBv2, Application Auto Scaling, SSM Parameter Store, SQS and STS, and the few
//! reads of EC2, IAM, `CloudWatch` Logs, Secrets Manager and the Resource Groups Tagging API, as far as a reconciler and a
//! person with the AWS CLI see them, with their wire protocols, refusals, defaults, paging and the
//! passing of time. What it is not: it runs no container, moves no packet, checks no signature and
//! knows no IAM. It is also not the controller's code: nothing outside this folder is used in it,
//! so that it can be wrong only on its own account.
//!
//! Invariants:
//! - No clock, no randomness, no I/O: time comes with each request, ids come from a counter. The
//!   same requests at the same times give the same bytes.
//! - Time only moves forward. The world is advanced to a request's time before it is answered, in
//!   steps of one simulated second, so nobody has to call [`Sandbox::tick`].
//! - An operation that is missing answers an AWS error that names it.
//! - Regions are separate worlds; the account is [`ACCOUNT`].
//!
//! Besides AWS's own APIs it answers its own under the path `/_evenkeel/` (see [`admin`]), and it
//! starts from a document of kind `SandboxSeed` (see [`seed`]).

pub mod admin;
pub mod behaviour;
pub mod codedeploy;
pub mod commands;
pub mod ec2;
pub mod ecr;
pub mod ecs;
pub mod elb;
mod error;
mod events;
mod faults;
pub mod iam;
mod input;
mod journal;
pub mod levers;
pub mod logs;
pub mod scaling;
pub mod secretsmanager;
pub mod seed;
mod seed_around;
pub mod sqs;
pub mod ssm;
pub mod sts;
pub mod surroundings;
pub mod tagging;
mod time;
mod wire;
mod world;

#[cfg(test)]
mod tests;

pub use error::AwsError;
pub use faults::Fault;
pub use journal::JournalEntry;
pub use world::World;

use serde_json::Value;
use std::collections::BTreeMap;

/// The one account of the simulated AWS.
pub const ACCOUNT: &str = "123456789012";

/// Simulated milliseconds since the Unix epoch.
pub type Time = i64;

/// The simulated AWS.
#[derive(Debug)]
pub struct Sandbox {
    /// The latest time it has heard of.
    now: Time,
    regions: BTreeMap<String, World>,
    journal: journal::Journal,
    faults: faults::Faults,
    /// The roles: IAM is global, so every region has the same.
    roles: surroundings::Known<surroundings::Role>,
    /// How many requests were answered; the source of request ids.
    requests: u64,
}

impl Sandbox {
    /// An account with nothing in it.
    pub fn new(now: Time) -> Self {
        Self {
            now,
            regions: BTreeMap::new(),
            journal: journal::Journal::default(),
            faults: faults::Faults::default(),
            roles: surroundings::Known::default(),
            requests: 0,
        }
    }

    /// Answers one request at the simulated time `now`: an AWS operation, or one of the sandbox's
    /// own under `/_evenkeel/`.
    pub fn handle(
        &mut self,
        now: Time,
        request: &http::Request<Vec<u8>>,
    ) -> http::Response<Vec<u8>> {
        self.now = self.now.max(now);
        if let Some(path) = request.uri().path().strip_prefix(admin::PREFIX) {
            return admin::handle(self, path, request);
        }
        let call = wire::read(request);
        self.requests += 1;
        let request_id = format!("00000000-0000-4000-8000-{:012x}", self.requests);
        let found = operation(&call.service, &call.operation);
        let fault = self.faults.strike(&call.service, &call.operation);
        let spared = fault.as_ref().is_none_or(|fault| fault.takes_effect);
        let time = self.now;
        let world = self.region(&call.region);
        let mut result = match (&call.input, found) {
            (Err(error), _) => Err(error.clone()),
            (Ok(_), None) => Err(call.unknown()),
            (Ok(input), Some(found)) if spared => (found.operation)(world, input),
            (Ok(_), Some(_)) => Ok(Value::Null),
        };
        if let Some(fault) = fault {
            result = Err(fault.error);
        }
        self.journal.push(JournalEntry {
            time,
            region: call.region.clone(),
            service: found.map_or("unknown", |found| found.service),
            operation: call.operation.clone(),
            mutating: found.is_some_and(|found| found.mutating),
            error: result.as_ref().err().map(|error| error.code.clone()),
            input: call.input.as_ref().cloned().unwrap_or_default(),
        });
        call.answer(&result, &request_id)
    }

    /// How long, in milliseconds from when it came, the answer to a request may be held back because there
    /// is nothing to tell yet: a long poll of an empty queue. 0 for every other.
    pub fn patience(&mut self, now: Time, request: &http::Request<Vec<u8>>) -> Time {
        if !wire::is_receive(request) {
            return 0;
        }
        self.now = self.now.max(now);
        let call = wire::read(request);
        let Ok(input) = &call.input else {
            return 0;
        };
        if self.faults.awaits(&call.service, &call.operation) {
            return 0;
        }
        sqs::patience(self.region(&call.region), input)
    }

    /// Advances every region to `now`.
    pub fn tick(&mut self, now: Time) {
        self.now = self.now.max(now);
        for world in self.regions.values_mut() {
            world.tick(self.now);
        }
    }

    /// A region, advanced to the latest time the sandbox has heard of; made when it is first named.
    pub fn region(&mut self, name: &str) -> &mut World {
        let now = self.now;
        let roles = &self.roles;
        let world = self.regions.entry(name.to_owned()).or_insert_with(|| {
            let mut world = World::new(name, now);
            world.surroundings.roles.clone_from(roles);
            world
        });
        world.tick(now);
        world
    }

    /// Puts what a `SandboxSeed` document describes into a region. The error names the field, the
    /// value and what is wrong with it; a document that is refused changes nothing.
    pub fn seed(&mut self, region: &str, document: &Value) -> Result<(), String> {
        let elsewhere = seed::apply(self.region(region), document)?;
        for (named, group) in elsewhere.log_groups {
            let world = self.region(named.as_deref().unwrap_or(region));
            world.logs.add(group, world.now);
        }
        self.roles.extend(elsewhere.roles);
        for world in self.regions.values_mut() {
            world.surroundings.roles.clone_from(&self.roles);
        }
        Ok(())
    }

    /// The newest requests, oldest first: at least the last 100,000.
    pub fn journal(&self) -> &[JournalEntry] {
        self.journal.entries()
    }

    /// The requests of the journal whose operation changes something, refused ones included.
    pub fn mutations(&self) -> impl Iterator<Item = &JournalEntry> {
        self.journal().iter().filter(|entry| entry.mutating)
    }

    /// Lets requests fail from now on.
    pub fn inject(&mut self, fault: Fault) {
        self.faults.inject(fault);
    }

    /// Forgets all injected faults.
    pub fn clear_faults(&mut self) {
        self.faults.clear();
    }
}

/// An operation of a simulated service.
#[derive(Clone, Copy)]
struct Found {
    service: &'static str,
    operation: fn(&mut World, &Value) -> Result<Value, AwsError>,
    mutating: bool,
}

/// Finds an operation by the service's IAM prefix and its name.
fn operation(service: &str, name: &str) -> Option<Found> {
    let (service, found) = match service {
        "application-autoscaling" => ("application-autoscaling", scaling::operation(name)),
        "codedeploy" => ("codedeploy", codedeploy::operation(name)),
        "ec2" => ("ec2", ec2::operation(name)),
        "ecr" => ("ecr", ecr::operation(name)),
        "ecs" => ("ecs", ecs::operation(name)),
        "elasticloadbalancing" => ("elasticloadbalancing", elb::operation(name)),
        "iam" => ("iam", iam::operation(name)),
        "logs" => ("logs", logs::operation(name)),
        "secretsmanager" => ("secretsmanager", secretsmanager::operation(name)),
        "sqs" => ("sqs", sqs::operation(name)),
        "ssm" => ("ssm", ssm::operation(name)),
        "sts" => ("sts", sts::operation(name)),
        "tag" => ("tag", tagging::operation(name)),
        _ => return None,
    };
    found.map(|(operation, mutating)| Found {
        service,
        operation,
        mutating,
    })
}
