//! The handle of an open database.
//!
//! - `database`: opening, closing, and operations on the whole database
//! - `counts`: how much is in each database; `stats`: the statistics
//! - `past`: earlier states; `recover_to`: a new database with one
//! - [`registry`]: the databases that are open in this process

mod counts;
mod database;
mod past;
mod recover_to;
pub(crate) mod registry;
mod stats;

pub use counts::DatabaseCounts;
pub use database::{Database, Description};
pub use recover_to::{RecoveredTo, Wanted, recover_to, recover_to_on, recover_to_with};
pub use stats::DatabaseStats;
