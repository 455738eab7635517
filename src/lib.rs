//! Even Keel: a reconciling controller for Amazon ECS.

pub mod catalogue;
pub mod clock;
pub mod document;
pub mod http;
pub mod manifest;
pub mod metrics;
pub mod model;
pub mod sandbox;
pub mod status;
pub mod telemetry;
