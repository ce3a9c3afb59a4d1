//! Export and import of documents as lines of Extended JSON, in BSON, and as databases of MoltenDB.

mod bson;
pub(crate) mod export;
pub mod extended_json;
pub(crate) mod import;
pub(crate) mod molten;
mod rows;

pub use export::{Export, Form};
pub use import::{Import, ImportOptions, Imported, Input};
pub use molten::{MoltenExported, MoltenImported, MoltenOptions, Secret};
