//! What other writers have changed since the snapshot of a transaction.
//!
//! - [`newest`]: whether they have changed a document that it writes
//! - [`reads`]: whether they have changed what it has read

pub(super) mod newest;
pub(super) mod reads;
