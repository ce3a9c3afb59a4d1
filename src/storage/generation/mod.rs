//! Generations: a snapshot and the log after it.
//!
//! - `checkpoint_sink`: the checkpoint that is written beside a snapshot
//! - `checkpoints`: the checkpoint that a clean close leaves
//! - `history`: keeps segments of replaced generations to be read again
//! - `generation`: makes a cut and installs its snapshot
//! - `trimming`: gives back what is no longer kept of it
//! - `past`: which earlier states there are; `past_state`: the files of one
//! - `retire`: removes or keeps the files of replaced generations
//! - `snapshot_sink`: the snapshot of a cut, until the manifest names it
//! - `snapshot_writer`: writes a snapshot
//! - `snapshot_file`: reads its blocks

mod checkpoint_sink;
pub(crate) mod checkpoints;
pub(crate) mod generation;
pub(crate) mod history;
pub(crate) mod past;
pub(crate) mod past_state;
pub(crate) mod retire;
pub(crate) mod snapshot_file;
mod snapshot_sink;
pub(crate) mod snapshot_writer;
mod trimming;
