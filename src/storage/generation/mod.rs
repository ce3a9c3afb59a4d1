//! Generations: a snapshot and the log after it.
//!
//! - `checkpoints`: the checkpoint that a clean close leaves
//! - `history`: keeps segments of replaced generations to be read again; `kept_snapshots`: and their snapshots
//! - `generation`: makes a cut and installs its snapshot
//! - `trimming`: gives back what is no longer kept of it
//! - `past`: which earlier states there are; `past_state`: the files of one
//! - `retire`: removes or keeps the files of replaced generations
//! - `sinks`: the snapshot and the checkpoint of a cut, until they are named
//! - `snapshot_writer`: writes a snapshot
//! - `snapshot_file`: reads its blocks

pub(crate) mod checkpoints;
pub(crate) mod generation;
pub(crate) mod history;
pub(crate) mod kept_snapshots;
pub(crate) mod past;
pub(crate) mod past_state;
pub(crate) mod retire;
mod sinks;
pub(crate) mod snapshot_file;
pub(crate) mod snapshot_writer;
mod trimming;
