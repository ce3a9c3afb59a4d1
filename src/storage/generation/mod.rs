//! Generations: a snapshot and the log behind it.
//!
//! - `generation`: cuts and installs them
//! - `retire`: deletes what no generation needs
//! - `snapshot_writer`: writes a snapshot
//! - `snapshot_file`: reads its blocks

pub(crate) mod generation;
pub(crate) mod retire;
pub(crate) mod snapshot_file;
pub(crate) mod snapshot_writer;
