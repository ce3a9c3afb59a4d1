#![allow(dead_code, reason = "the files come whole")]

/// The locks without their checks, over loom's.
pub mod locks {
    pub use parking_lot::{Mutex, RwLock, RwLockReadGuard as ReadGuard};
}
#[path = "../../../../src/engine/exec/prefetch.rs"]
pub mod prefetch;
