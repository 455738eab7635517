//! Even Keel: a reconciling controller for Amazon ECS.

pub mod aws;
pub mod catalogue;
pub mod clock;
pub mod controller;
pub mod document;
pub mod http;
pub mod kinds;
pub mod manifest;
pub mod metrics;
pub mod model;
pub mod mount;
pub mod queue;
pub mod sandbox;
pub mod source;
pub mod status;
pub mod telemetry;
