//! Even Keel: a reconciling controller for Amazon ECS.

pub mod model;
