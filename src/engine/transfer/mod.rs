//! Export and import of documents as lines of Extended JSON, and as databases of MoltenDB.

pub(crate) mod export;
pub mod extended_json;
pub(crate) mod import;
pub(crate) mod molten;

pub use export::Export;
pub use import::{Import, ImportOptions, Imported};
pub use molten::{MoltenExported, MoltenImported, MoltenOptions, Secret};
