//! The engine through its sessions: what a caller is answered, whatever happens meanwhile.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod compaction;
mod concurrency;
mod model;
mod scans;
mod support;
mod verify;
