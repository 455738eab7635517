//! One test per course and ending of a deployment.

mod courses;
mod endings;
