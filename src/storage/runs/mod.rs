//! Run files: trees of keys and rows, written once from front to back, and read page by page through a cache.
//!
//! - `file`: a run file: its head, its foot, its pages
//! - `writer`: writes one
//! - `in_memory`: the pages of one in memory
//! - `tree_writer`: writes the pages of a tree, the lowest level first
//! - `page`: a page in memory, which knows the pages below it that are in memory too
//! - `cache`: the pages in memory, up to a number of bytes
//! - `page_store`: pages by file and place, from the cache or from the file
//! - `tree`: searches and counts in one tree
//! - `cursor`: entries of a tree in both directions
//! - `rows`: records by slot
//! - `check`: every page of a tree
//! - `checked_pages`: which pages need only their checksum, when they are read again
//!
//! ```text
//! run file   0 magic "MOLTNRUN"   8 u32 version   12 u32 flags   16 database   32 u64 run   40 salt, 16 bytes
//!           56 zero              92 u32 crc32c over what stands before
//!           96 pages, one after the other; the last one is the catalogue
//! foot       0 magic "MOLTNRND"   8 pointer to the catalogue   40 u64 lsn   48 u32 crc32c of the head   52 zero
//!           60 u32 crc32c over what stands before
//! ```

pub mod cache;
pub mod check;
mod checked_pages;
pub mod cursor;
pub mod file;
pub mod in_memory;
pub mod page;
pub mod page_store;
pub mod rows;
pub mod tree;
pub mod tree_writer;
pub mod writer;

#[cfg(test)]
mod tests;

/// The most levels of inner pages that a tree has.
pub const HIGHEST: u8 = 8;
