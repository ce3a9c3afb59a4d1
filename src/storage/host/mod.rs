//! The operating system as traits, so that tests can replace it.
//!
//! - [`vfs`]: files and directories
//! - `real_vfs`: the operating system's
//! - [`system`]: clock, randomness, and all three together
//! - [`lock`]: one process has a database open
//! - `home`: the directory, told from one that stands at its path later

pub(crate) mod home;
pub mod lock;
pub(crate) mod real_vfs;
pub mod system;
pub mod vfs;

pub use system::{Clock, Host, Rng};
