//! The member of a listener rule that goes back to a default when no longer declared. Data.
//!
//! Source: the service model of elbv2 2015-12-01 (`ModifyRule`, `ResetTransforms`). Conditions and
//! actions have no default.

use crate::kinds::members::Reset;

pub(crate) const RESETS: &[Reset] = &[Reset::to("tr", "/Transforms", "[]")];
