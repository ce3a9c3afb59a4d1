//! From files to the state in memory, and the answers until then.
//!
//! - [`replay`]: turns records into state
//! - `background_load`: reads the log of a database that is open already
//! - `early_reads`: answers from a checkpoint until then
//! - `reported`: says how far the reading of the files is
//! - [`verify`]: opens without using, to report damage; `damaged`: reads on behind it

pub(crate) mod background_load;
pub(crate) mod damaged;
pub(crate) mod early_reads;
pub mod replay;
pub(crate) mod reported;
pub mod verify;

pub use verify::{Verification, verify};
