//! How a commit gets into the log.
//!
//! - `allocation`: assigns its place
//! - `queue`: frames that wait for the writer
//! - `writer`: writes and syncs frames
//! - `window`: reads a segment piece by piece

pub(crate) mod allocation;
pub(crate) mod queue;
pub(crate) mod window;
pub(crate) mod writer;
