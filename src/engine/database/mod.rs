//! The handle of an open database.
//!
//! - `database`: opening, closing, and operations on the whole database
//! - `counts`: how much is in each database; `stats`: the statistics
//! - [`registry`]: the databases that are open in this process

mod counts;
mod database;
pub(crate) mod registry;
mod stats;

pub use counts::DatabaseCounts;
pub use database::{Database, Description};
pub use stats::DatabaseStats;
