//! The bytes of the files, pure: encode beside decode. `docs/format.md` draws them.
//!
//! - [`version`]: what all files say of their format
//! - [`frame`]: frames of the log and of snapshots
//! - [`segment`]: the head of a segment
//! - [`snapshot`]: the head and the end of a snapshot
//! - [`manifest`]: which files the database has
//! - [`witness`]: which segment was begun last
//! - [`checkpoint`]: what a clean close leaves for a quick opening

pub mod checkpoint;
pub mod frame;
pub mod manifest;
pub mod segment;
pub mod snapshot;
pub mod version;
pub mod witness;
