//! The engine through its sessions: the results that a caller gets, whatever happens meanwhile.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so")]

mod capped;
mod checkpoint;
mod cold;
mod coll_mod;
mod collation;
mod commit_lock;
mod compaction;
mod concurrency;
mod counts;
mod databases;
mod direct;
#[path = "../../fuzz/entries/disk.rs"]
mod disk;
mod encrypted;
mod ended_cursors;
mod files;
mod indexes;
mod interrupted_compaction;
mod memory;
mod model;
mod moved;
mod order;
mod past;
mod rebase;
mod reopened;
mod repeats;
mod scans;
mod scrub;
mod serializable;
#[expect(dead_code, reason = "only some of its faults are needed here")]
#[path = "../sim/mod.rs"]
mod sim;
mod snapshots;
mod spill;
mod support;
mod transactions;
mod ttl;
mod upserts;
mod validators;
mod verify;
