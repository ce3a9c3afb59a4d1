//! From a path to a backend.
//!
//! - [`open`]: opens or creates
//! - `listing`: the names in the directory
//! - [`recovery`]: judges and mends
//! - `frames`: reads the frames of segments
//! - `flipped`: tells one flipped bit
//! - [`deferred`]: what is still to be read after an early opening
//! - [`inspect`]: reads everything and mends nothing
//! - `whole`: reports a database that opened

pub mod deferred;
pub(crate) mod flipped;
pub(crate) mod frames;
pub mod inspect;
pub(crate) mod listing;
pub mod open;
pub mod recovery;
pub(crate) mod whole;
