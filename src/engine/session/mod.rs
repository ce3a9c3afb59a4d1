//! A caller's operations, in the order that was promised.
//!
//! - `session`: which queue an operation takes, and what it runs
//! - `writing`: the writes among them
//! - [`inline`]: small writes and finds on the caller's own thread
//! - `cursors`: the cursors that are open
//! - `interruption`: ending what runs when the database is closed
//! - [`info`]: indexes and statistics of a collection

pub(crate) mod cursors;
pub mod info;
pub mod inline;
pub(crate) mod interruption;
mod session;
pub(crate) mod writing;

pub use session::Session;
