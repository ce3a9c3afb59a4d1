//! An embedded document database: MongoDB's API inside the process, with durable commits.
//!
//! The modules, from the bottom up; each imports only what is below it (`tests/layering`):
//!
//! - [`error`]: the one public error with its stable kinds
//! - [`options`]: how a database is opened
//! - [`work`]: the time and memory that one operation may use
//! - [`document`]: values, their bytes, their order, their paths
//! - [`query`]: filters, updates, projections and sorts over the stored bytes; pure
//! - [`index`]: order-preserving keys
//! - [`storage`]: bytes on disk; knows nothing of documents
//! - [`engine`]: the database: collections, the one commit path, views, recovery
//! - `binding`: what Node.js sees; the only module that names napi

#![warn(unreachable_pub)]

#[cfg(feature = "node")]
pub mod binding;
pub mod document;
pub mod engine;
pub mod error;
pub mod index;
pub mod options;
pub mod query;
pub mod storage;
pub mod work;

/// The addon's allocator: writes take less time than with the system's, and memory that was freed goes back to it.
#[cfg(feature = "node")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use engine::Database;
pub use error::{Error, Kind, Result};
pub use options::OpenOptions;
