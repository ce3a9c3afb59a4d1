//! The real slots and holds, compiled here, with what they name.

#![allow(dead_code, reason = "the files come whole")]

#[path = "../../../src/engine/holds.rs"]
mod holds;
#[path = "../../../src/engine/record.rs"]
mod record;
#[path = "../../../src/engine/slab.rs"]
mod slab;
#[path = "../../../src/engine/version.rs"]
mod version;

pub use scenarios::ALL;

mod scenarios;
