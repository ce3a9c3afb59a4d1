#![allow(dead_code, reason = "the files come whole")]

#[path = "../../../../src/engine/state/holds.rs"]
pub mod holds;
#[path = "../../../../src/engine/state/slab/mod.rs"]
pub mod slab;
#[path = "../../../../src/engine/state/version.rs"]
pub mod version;
