//! Export and import of documents as lines of Extended JSON.

pub(crate) mod export;
pub mod extended_json;
pub(crate) mod import;

pub use export::Export;
pub use import::{Import, ImportOptions, Imported};
