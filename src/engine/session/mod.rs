//! A caller's operations, in the guaranteed order.
//!
//! - `session`: the queue of each operation, and its execution
//! - `reading`, `writing`: the reads and the writes among them
//! - `transactions`: the operations of transactions
//! - `order`: the order of the writes to a collection
//! - `turns`: queues them when their turn comes
//! - [`inline`]: small writes and finds on the caller's own thread
//! - `waiting`: operations whose caller waits
//! - `cursors`: the open cursors; `following`: the open change streams and live queries
//! - `interruption`: ends what runs when the database is closed
//! - [`info`]: indexes and statistics of a collection

pub(crate) mod cursors;
mod following;
pub(crate) mod info;
pub(crate) mod inline;
pub(crate) mod interruption;
pub(crate) mod order;
mod reading;
mod session;
mod transactions;
mod turns;
mod waiting;
pub(crate) mod writing;

pub use session::Session;
