//! How a commit gets into the log, and how it is read again.
//!
//! - `allocation`: assigns its place
//! - `queue`: frames that wait for the writer
//! - `writer`: writes and syncs frames
//! - `window`: reads a segment piece by piece
//! - `frames`: reads the frames of segments
//! - `flipped`: recognises a single flipped bit
//! - `kept`: segments below the first, which are kept to be read again
//! - `reader`: reads commits again while the database is open

pub(crate) mod allocation;
mod flipped;
pub(crate) mod frames;
pub(crate) mod kept;
pub(crate) mod queue;
pub(crate) mod reader;
pub(crate) mod window;
pub(crate) mod writer;
