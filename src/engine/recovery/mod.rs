//! From files to the state in memory.
//!
//! - [`replay`]: turns records into state
//! - `from_checkpoint`: begins with the checkpoint of a clean close; `behind`: brings its indexes up to the log after it
//! - `reported`: says how far the reading of the files is
//! - `scrub`: reads the files again while the database is open
//! - [`verify`]: opens read-only, to report damage; `damaged`: reads on after it

pub(crate) mod behind;
pub(crate) mod damaged;
pub(crate) mod from_checkpoint;
mod names;
pub mod replay;
pub(crate) mod reported;
pub(crate) mod scrub;
pub mod verify;

pub use verify::{Verification, verify};
