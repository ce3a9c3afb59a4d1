//! Snapshots of a database in memory, and putting it back in their states.

mod snapshots;

pub(crate) use snapshots::{release, restore, take};
