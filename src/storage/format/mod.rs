//! The file formats, pure: each encoder is beside its decoder. `docs/format.md` has the layouts.
//!
//! - [`version`]: the format version of all files
//! - [`frame`]: frames of the log and of snapshots
//! - [`segment`]: the head of a segment
//! - [`snapshot`]: the header and the footer of a snapshot
//! - `packed_table`: the table of a snapshot while that is written
//! - [`manifest`]: which files the database has
//! - [`witnessed`]: the record of the newest segment of a session; `witness` writes it
//! - [`checkpoint`]: written by a clean close for a quick opening
//! - `spill`: pages of running operations that have no room in memory

pub mod checkpoint;
pub mod frame;
pub mod manifest;
pub(crate) mod packed_table;
pub mod segment;
pub mod snapshot;
pub(crate) mod spill;
pub(crate) mod version;
pub(crate) mod witness;
pub(crate) mod witnessed;
