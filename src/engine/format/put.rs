//! A document in a record: how it came to be, its place in the payload, and its metadata.

use std::ops::Range;

/// How a document came to be what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// It is told as it is, in a snapshot; or it was written by a version that did not tell how.
    Kept,
    /// It was inserted.
    Inserted,
    /// It was changed where these bytes of the payload say; what it was before, where the collection keeps that.
    Updated {
        /// The changed paths.
        changes: Range<usize>,
        /// The document before.
        before: Range<usize>,
    },
    /// It was replaced as a whole.
    Replaced {
        /// The document before.
        before: Range<usize>,
    },
}

/// How a document that is written comes to be, and what the log says of that.
#[derive(Clone, Copy, Debug)]
pub enum Making<'a> {
    /// As [`Made::Inserted`].
    Inserted,
    /// With the changed paths.
    Updated(&'a [u8]),
    /// As [`Made::Replaced`].
    Replaced,
}

/// A document record: the document's place in the payload and its metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct Put {
    /// How it came to be.
    pub made: Made,
    /// The collection's number.
    pub collection: u32,
    /// Grows by one with each write, from 1.
    pub version: u64,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970.
    pub modified_at: i64,
    /// Bytes of the record before the document.
    pub head: u32,
    /// The document within the payload.
    pub document: Range<usize>,
}

impl Put {
    /// What it says of its document.
    pub fn metadata(&self) -> Metadata {
        let Put { collection, version, created_at, modified_at, .. } = *self;
        Metadata { collection, version, created_at, modified_at }
    }
}

/// What a PUT says of its document.
#[derive(Clone, Copy, Debug)]
pub struct Metadata {
    /// The collection's number.
    pub collection: u32,
    /// Grows by one with each write, from 1.
    pub version: u64,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970.
    pub modified_at: i64,
}
