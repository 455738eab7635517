//! Even Keel: a reconciling controller for Amazon ECS.

pub mod document;
pub mod model;
