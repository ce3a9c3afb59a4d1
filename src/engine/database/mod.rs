//! The handle of an open database.
//!
//! - `database`: opening, closing, and operations on the whole database
//! - `counts`: how much is in each database
//! - [`registry`]: the databases that are open in this process

mod counts;
mod database;
pub(crate) mod registry;

pub use counts::DatabaseCounts;
pub use database::{Database, DatabaseStats, Description};
