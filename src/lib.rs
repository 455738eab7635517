//! Even Keel: a reconciling controller for Amazon ECS.

pub mod catalogue;
pub mod document;
pub mod manifest;
pub mod model;
pub mod sandbox;
