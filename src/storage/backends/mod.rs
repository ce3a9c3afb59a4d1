//! The backends.
//!
//! - `disk`: what both disk backends share
//! - `sync_disk`: every write is fsynced before it resolves
//! - `async_disk`: writes are fsynced in the background
//! - `trimmer`: gives the history back while nothing else happens
//! - `past`: an earlier state, to be read
//! - [`memory`]: nothing on disk
//! - [`checked`]: the decorator that checks the poison latch before each call

pub(crate) mod async_disk;
pub(crate) mod checked;
pub(crate) mod disk;
pub(crate) mod memory;
pub(crate) mod past;
pub(crate) mod sync_disk;
pub(crate) mod trimmer;
