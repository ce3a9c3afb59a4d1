//! The stored form: bytes, and how they are written and read.
//!
//! - `token`: the lead bytes
//! - `encode`: trees to bytes; `measure`: how large a tree is
//! - `raw`: reading encoded bytes without building trees; `columns`: the same fields of document after document

pub(super) mod columns;
pub(crate) mod encode;
pub(super) mod measure;
pub(crate) mod raw;
pub(crate) mod token;
