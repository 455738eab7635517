//! Placeholder that is filled below.
