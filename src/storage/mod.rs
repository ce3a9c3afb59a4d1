//! Bytes, made durable: segments, manifest, recovery. This room knows no documents.
//!
//! - [`backend`]: the trait every backend keeps, and what it speaks in
//! - [`completion`]: the end of a durable verb

pub mod backend;
pub mod completion;

pub use backend::{Block, BlockPlace, FileId, FrameSize, Lsn, Place, Replayed, StorageBackend, StorageStats};
pub use completion::{Completer, Completion};
