//! The pages of a run file, as bytes. Pure: no files, no locks; each encoder is beside its decoder.
//!
//! - `bytes`: numbers in bytes
//! - `pointer`: where a page is, and what its bytes must be
//! - `head`: what every page begins with
//! - `target`: where a search in a tree ends
//! - `entries`: leaf pages of the trees of keys
//! - `inner`: the pages above them
//! - `rows`: pages of documents
//!
//! ```text
//! pointer  0 u64 file: 0 is the file that holds the pointer    8 u64 offset      16 u32 length
//!         20 u32 crc32c over salt, run, offset, length, page  24 i64 net: additions less removals below
//! page     0 u8 kind   1 u8 flags   2 u16 count   4 u32 tree   8 u16 length of the prefix   10 zero   12 prefix
//! leaf     heads: 4 bytes of each key after the prefix | slots, 6 bytes | signs, 1 bit | ends u16 | keys after the prefix
//! inner    heads: 8 bytes of each separator but the first | pointers | ends u16 | separators after the prefix
//! rows     first slot u48 | slots, 6 bytes, unless dense | ends u32 | records
//! ```
//!
//! A leaf holds entries: a key, the slot of a document, and a sign, which is plus where the document gained the key, minus where
//! it lost it. Entries are ordered by the bytes of the key followed by those of the slot, and no key of a tree is a prefix of
//! another. Numbers are little endian, but slots and heads are big endian, so that they compare as bytes.

pub mod bytes;
pub mod entries;
pub mod head;
pub mod inner;
pub mod pointer;
pub mod rows;
pub mod target;

/// The bytes of a slot in an entry.
pub const SLOT: usize = 6;
/// The largest slot.
pub const LARGEST_SLOT: u64 = (1 << (8 * SLOT)) - 1;
