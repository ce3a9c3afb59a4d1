//! Databases of MoltenDB (the crate moltendb-core), in and out.
//!
//! Its files, as its releases 0.6 and 1.0 write them:
//!
//! ```text
//! app.log                 0.6: lines of JSON, {"cmd","collection","key","value","_t"}; 1.0: frames of a u32 length (little
//!                         endian) and the same in MessagePack, where names of metadata and commands are small negative numbers
//! app.log.snapshot.bin    0.6: "MOLTSNAP", u64 lines of the log in it, u64 entries, then u64 length and JSON of each;
//!                         1.0: "MOLTSNG4", the same two numbers, then gzip of u32 length and MessagePack of each
//! app.cold.log            0.6, tiered: lines of JSON that are older than the snapshot
//! ```
//!
//! An encrypted entry is an entry ENC whose value is base64 of a nonce of 24 bytes and the entry, sealed with XChaCha20-Poly1305.
//!
//! - `place`: where an entry stands; `reader`: bytes of a file, and its lines; `source`: the files of a database, entry by entry
//! - `entry`: an entry; `json` and `msgpack`: what it is written in; `cipher`: keys, sealed entries
//! - `transactions`: which of them were committed
//! - `document`: a document of ours from one of theirs; `schema`: validators
//! - `pending`: writes, by collection and key, until they are committed together
//! - `rejects`: entries that cannot be imported
//! - [`import`], [`export`]: both ways

mod cipher;
mod document;
mod entry;
pub(crate) mod export;
pub(crate) mod import;
mod json;
mod msgpack;
mod pending;
mod rejects;
mod schema;
mod source;
mod transactions;

pub use cipher::Secret;
pub use export::MoltenExported;
pub(crate) use export::export_molten;
pub(crate) use import::Opened;
pub use import::{MoltenImported, MoltenOptions};
