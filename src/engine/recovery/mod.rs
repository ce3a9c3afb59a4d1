//! From files to state, and what can be answered meanwhile.
//!
//! - [`replay`]: records into state
//! - `background_load`: reading the log of a database that is open already
//! - `early_reads`: answering from a checkpoint until then
//! - [`verify`]: opening without using, to tell damage; `damaged`: reading on behind it

pub(crate) mod background_load;
pub(crate) mod damaged;
pub(crate) mod early_reads;
pub mod replay;
pub mod verify;

pub use verify::{Verification, verify};
