//! Tests of the service planner: its tables row by row, every combination of a small scope, and a
//! small pure AWS that plans are applied to until nothing moves.
//!
//! `bench` holds what they share: one service `web` in two payloads, of which [`Payload::A`] and
//! [`Payload::B`] differ in the task definition alone.

mod appspec;
mod bench;
mod blue_green;
mod command;
mod deadline;
mod entry;
mod failed;
mod fixpoint;
mod flight;
mod gates;
mod in_flight;
mod native;
mod native_search;
mod overrun;
mod payload;
mod queued;
mod retries;
mod rolling;
mod rolling_fixpoint;
mod scaling;
mod scope;
mod secrets;
mod tasks;
mod traffic;

use bench::{Bench, Payload, deployment};
