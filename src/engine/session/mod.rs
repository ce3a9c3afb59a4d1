//! A caller's operations, in the guaranteed order.
//!
//! - `session`: the queue of each operation, and its execution
//! - `writing`: the writes among them
//! - [`inline`]: small writes and finds on the caller's own thread
//! - `cursors`: the open cursors
//! - `interruption`: ends what runs when the database is closed
//! - [`info`]: indexes and statistics of a collection

pub(crate) mod cursors;
pub(crate) mod info;
pub(crate) mod inline;
pub(crate) mod interruption;
mod session;
pub(crate) mod writing;

pub use session::Session;
