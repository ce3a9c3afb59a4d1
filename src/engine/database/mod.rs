//! The handle of an open database.
//!
//! - `database`: opening, closing, and what concerns the database as a whole
//! - [`registry`]: the databases that are open in this process

mod database;
pub mod registry;

pub use database::{Database, DatabaseStats, Description};
