//! The operating system as traits, so that tests can replace it.
//!
//! - [`vfs`]: files and directories
//! - `real_vfs`: the operating system's
//! - [`system`]: clock, randomness, and the struct of all three
//! - [`lock`]: one process opens a database at a time
//! - [`memory`]: how much memory the process may use
//! - [`paced`]: the same, read slowly
//! - `home`: the identity of the database directory

pub(crate) mod home;
pub mod lock;
pub mod memory;
pub(crate) mod paced;
pub(crate) mod real_vfs;
pub mod system;
pub mod vfs;

pub use system::{Clock, Host, Rng};
