//! The handle of an open database.
//!
//! - `database`: opening, closing, and operations on the whole database
//! - `counts`: how much is in each database; `stats`: the statistics
//! - `fork`: a copy in memory
//! - `keys`: another key for a directory
//! - `import_molten`: a new database from one of MoltenDB
//! - `past`: earlier states; `recover_to`: a new database with one
//! - [`registry`]: the databases that are open in this process

mod counts;
mod database;
mod fork;
mod import_molten;
mod keys;
mod past;
mod recover_to;
pub(crate) mod registry;
mod stats;

pub use counts::DatabaseCounts;
pub use database::{Database, Description};
pub use import_molten::import_molten;
pub use recover_to::{RecoveredTo, Wanted, recover_to, recover_to_on, recover_to_with};
pub use stats::DatabaseStats;
