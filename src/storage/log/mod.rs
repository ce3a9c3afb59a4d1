//! The way of a commit into the log.
//!
//! - `allocation`: its place
//! - `queue`: frames that wait for the writer
//! - `writer`: writes and syncs them
//! - `window`: what files are read through

pub(crate) mod allocation;
pub(crate) mod queue;
pub(crate) mod window;
pub(crate) mod writer;
