//! The whole daemon against the simulated AWS, in one process, under paused time, with a seed.
//!
//! What is real here: the controller, the planners, the SDK clients with their retries, the source.
//! What is not: the network, and the clock. A scenario fails with the seed that made it.

pub(crate) mod aws;
pub(crate) mod faults;
pub(crate) mod world;

mod bootstrap;
mod commands;
mod concurrency;
mod console;
mod crash;
mod deadline;
mod direct;
mod drift;
mod forgotten;
mod heal;
mod holds;
mod hook_tasks;
mod images;
mod left_count;
mod limit;
mod matrix;
mod migration;
mod native_courses;
mod native_trouble;
mod native_world;
mod observation;
mod order;
mod prune;
mod prune_left;
mod queued;
mod random;
pub(crate) mod rolling;
mod rollout;
mod scaling;
mod service_absent;
mod service_states;
mod supersede;
mod traffic;
mod trouble;
mod wake;
mod window;
mod window_hold;
