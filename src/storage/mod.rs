//! Bytes, made durable: segments, manifest, recovery. This room knows no documents.
//!
//! What others use:
//! - [`backend`]: the trait every backend keeps, and what it speaks in
//! - [`completion`]: the end of a durable verb
//! - [`open`]: from a path to a backend; [`recovery`]: what was found on the way
//! - [`host`], [`vfs`]: files, time and randomness as traits; `real_vfs` is the operating system's
//!
//! The format, pure: [`frame`], [`segment`], [`snapshot`], [`manifest`]. `docs/format.md` draws it.
//!
//! A commit's way: `placing` gives its place, `queue` gathers, `writer` writes and syncs; `disk` holds them
//! together for `sync_disk` and `async_disk`; [`checked`] stands before every backend; `lock` keeps others out.
//! `home` tells the directory from one that stands at its path later; [`witness`] says which segment was begun last.
//! A generation's way: `generation` cuts and installs, `snapshot_writer` writes, `retire` clears away what was.
//! Opening: `listing` looks at the names, `snapshot_file` reads blocks, `scan` frames, [`recovery`] judges and mends; [`inspect`] reads everything and mends nothing.
//! `window` is what they read through, `flipped` tells one flipped bit, `whole` reports a database that opened.
//! Early: [`checkpoint`] is what a clean close leaves to answer from, [`deferred`] what is then still to be read.

mod async_disk;
pub mod backend;
pub mod checked;
pub mod checkpoint;
pub mod completion;
pub mod deferred;
mod disk;
mod flipped;
pub mod frame;
mod generation;
mod home;
pub mod host;
pub mod inspect;
pub mod latch;
mod listing;
pub mod lock;
pub mod manifest;
pub mod memory;
pub mod open;
mod placing;
mod queue;
mod real_vfs;
pub mod recovery;
mod retire;
mod scan;
pub mod segment;
pub mod snapshot;
mod snapshot_file;
mod snapshot_writer;
mod sync_disk;
pub mod version;
pub mod vfs;
mod whole;
mod window;
pub mod witness;
mod writer;

pub use backend::{
    Block, BlockPlace, CheckpointContents, Cut, Discard, FileId, FrameSize, Installed, Loader, Lsn, Place,
    ReadBack, Replayed, SnapshotBlock, SnapshotProof, SnapshotSink, StorageBackend, StorageStats,
};
pub use checkpoint::Checkpoint;
pub use completion::{Completer, Completion};
pub use deferred::{Deferred, Early};
pub use host::Host;
pub use inspect::{Damage, FileReport, Heard, Inspected, inspect};
pub use open::{Opened, create_parents, open_disk, open_disk_early, open_memory};
pub use recovery::RecoveryReport;
pub use retire::is_own_name;
pub use whole::{Read, list_whole};
