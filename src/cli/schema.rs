//! `evenkeel schema`: the JSON Schema of the manifests.

use super::output;
use crate::schema;

/// Prints it.
pub(super) fn schema() -> u8 {
    output::result(&schema::text());
    0
}
