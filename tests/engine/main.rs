//! The engine through its sessions: what a caller is answered, whatever happens meanwhile.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod compaction;
mod concurrency;
mod indexes;
mod model;
#[expect(dead_code, reason = "crashes are the matter of crash_sim")]
#[path = "../sim/mod.rs"]
mod sim;
mod support;
mod verify;
