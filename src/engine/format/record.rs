//! The payload of a block: a time, then records.
//!
//! ```text
//! payload   time: i64 LE, milliseconds since 1970, of the commit, never before that of an earlier one      record ...
//! PUT       01 collection version created modified length document          (snapshots: a document as it is)
//! DELETE    02 collection length id                                         (only in logs of format 1)
//! SHAPE     03 collection shape keys (length key)...
//! CREATE    04 collection length name length options
//! DROP      05 collection
//! RENAME    06 collection length name
//! NEXT      07 collection                        (snapshots: the number of the next collection)
//! INDEX     08 collection length spec
//! UNINDEX   09 collection length name
//! INSERT    10 collection version length document                           (created and modified at the time)
//! UPDATE    11 collection version created length document length changes length before
//! REPLACE   12 collection version created length document length before
//! COLLMOD   14 collection length options length before                      (the options as they are now, and as they were)
//! DROPDB    15 length name                       (a database, none of whose collections is left; the default one has no name)
//! TXN       13 session (16 bytes) number        (begins the commit of a transaction)
//! REMOVE    16 collection length id length before
//! PAST      17 collection lsn dropped length name                            (snapshots: a name that a collection had)
//! PASTSHAPE 18 collection keys (length key)...                              (snapshots: the next shape of a dropped collection)
//! ```
//!
//! Numbers are LEB128; `created` and `modified` are zigzag differences `time - t`, so that a time near the commit's takes one
//! byte. What an UPDATE has changed is kept as [`changes`](crate::document::changes) describes. `before` is the document before,
//! where the collection keeps it, else empty. A log of format 1 has PUT for documents that were inserted or changed. Options are JSON,
//! as `collection_options` of the engine reads it. The name of a collection is its full name: that of a collection of
//! another database than the default one is `database\0collection`. A document or id is in the stored form and ends
//! exactly at its length. A SHAPE precedes the first document that uses it, a CREATE precedes the first record of its
//! collection. A spec is an object as `index::Spec` reads it, without shapes.

use std::ops::Range;

pub use super::put::{Made, Making, Metadata, Put};
pub(crate) use super::record_writer::varint;
use super::record_writer::{
    COLLMOD, CREATE, DELETE, DROP, DROPDB, INDEX, INSERT, NEXT, PAST, PAST_SHAPE, PUT, REMOVE, RENAME,
    REPLACE, SHAPE, TXN, UNINDEX, UPDATE,
};
pub use super::record_writer::{
    begin, coll_mod, create, delete, drop_collection, drop_database, drop_index, index, next, past,
    past_shape, put, rename, shape, transaction, write,
};
use crate::document::shape::MAX_SHAPE_KEYS;

/// Bytes of a payload before its first record.
pub const PAYLOAD_HEAD: usize = 8;

/// The shortest PUT: its head, and a record of a shape with only the field `_id`, of one byte.
pub const LEAST_PUT: u32 = 6 + 4;

/// One record of a payload.
#[derive(Debug, PartialEq)]
pub enum Record<'a> {
    /// A document.
    Put(Put),
    /// The document with this `_id` was deleted.
    Delete {
        /// The collection's number.
        collection: u32,
        /// The `_id`, encoded.
        id: &'a [u8],
        /// The document, encoded, where the collection keeps what was; else empty.
        before: &'a [u8],
    },
    /// The collection's next shape.
    Shape {
        /// The collection's number.
        collection: u32,
        /// The shape's number: the count of those before it.
        shape: u16,
        /// Its keys.
        keys: Vec<&'a str>,
    },
    /// A collection is created.
    Create {
        /// Its number, higher than all before.
        collection: u32,
        /// Its name.
        name: &'a str,
        /// Its options as JSON; empty for none.
        options: &'a [u8],
    },
    /// The options of a collection are changed.
    CollMod {
        /// The collection's number.
        collection: u32,
        /// All of its options as JSON; empty for none.
        options: &'a [u8],
        /// Those that it had.
        before: &'a [u8],
    },
    /// A collection is dropped.
    Drop {
        /// The collection's number.
        collection: u32,
    },
    /// The number of the next collection, in a snapshot.
    Next {
        /// Higher than every number used.
        collection: u32,
    },
    /// A collection is renamed, to a name that no other has.
    Rename {
        /// The collection's number.
        collection: u32,
        /// Its new name.
        name: &'a str,
    },
    /// An index is complete.
    Index {
        /// The collection's number.
        collection: u32,
        /// Its definition.
        spec: &'a [u8],
    },
    /// The commit is that of a transaction.
    Transaction {
        /// Its session.
        session: [u8; 16],
        /// Its number in the session.
        number: u64,
    },
    /// What a collection was called before, in a snapshot.
    Past {
        /// The collection's number.
        collection: u32,
        /// The LSN of the commit that has ended the name.
        until: u64,
        /// Whether that commit has dropped the collection.
        is_dropped: bool,
        /// The name.
        name: &'a str,
    },
    /// The next shape of a dropped collection, in a snapshot.
    PastShape {
        /// The collection's number.
        collection: u32,
        /// Its keys.
        keys: Vec<&'a str>,
    },
    /// An index is dropped.
    Unindex {
        /// The collection's number.
        collection: u32,
        /// Its name.
        name: &'a str,
    },
    /// A database is dropped: the records before it drop its collections.
    DropDatabase {
        /// Its name; empty for the default one.
        name: &'a str,
    },
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// The records of a payload in order. A malformed one is `Err` with its offset, and ends the iteration.
pub struct Records<'a> {
    payload: &'a [u8],
    at: usize,
    /// The offset of the record read last.
    start: usize,
    time: i64,
    failed: bool,
}

impl<'a> Records<'a> {
    /// The records of this payload.
    pub fn new(payload: &'a [u8]) -> Records<'a> {
        let head = payload.first_chunk::<PAYLOAD_HEAD>();
        let time = head.map_or(0, |head| i64::from_le_bytes(*head));
        Records { payload, at: PAYLOAD_HEAD, start: 0, time, failed: head.is_none() && !payload.is_empty() }
    }

    /// The commit's time.
    pub fn time(&self) -> i64 {
        self.time
    }

    /// The offset, in the payload, of the record read last.
    pub fn start(&self) -> usize {
        self.start
    }

    /// Reads the PUT whose document starts at `document` after a head of `head` bytes.
    pub fn put_at(payload: &'a [u8], document: usize, head: usize) -> Option<Put> {
        let mut records = Records::new(payload);
        records.at = document.checked_sub(head)?;
        let start = records.at;
        let kind = records.kind()?;
        records.document(start, kind)
    }

    /// Reads the record of the document at this place of the payload.
    pub fn put_of(payload: &'a [u8], document: Range<usize>) -> Option<Put> {
        let mut records = Records::new(payload);
        loop {
            let start = records.at;
            match records.kind()? {
                kind @ (PUT | INSERT | UPDATE | REPLACE) => {
                    let put = records.document(start, kind)?;
                    if put.document == document {
                        return Some(put);
                    }
                    records.after_document(put)?;
                }
                _ => {
                    records.at = start;
                    records.read()?;
                }
            }
        }
    }

    fn kind(&mut self) -> Option<u8> {
        let kind = *self.payload.get(self.at)?;
        self.at += 1;
        Some(kind)
    }

    /// Reads a document and what stands before it, but nothing after it: a block in memory may end there.
    fn document(&mut self, start: usize, kind: u8) -> Option<Put> {
        let collection = u32::try_from(self.varint()?).ok()?;
        let version = self.varint()?;
        let time = |records: &mut Self| Some(records.time.wrapping_sub(unzigzag(records.varint()?)));
        let nothing = || 0..0;
        let (made, created_at, modified_at) = match kind {
            PUT => (Made::Kept, time(self)?, time(self)?),
            INSERT => (Made::Inserted, self.time, self.time),
            UPDATE => (Made::Updated { changes: nothing(), before: nothing() }, time(self)?, self.time),
            REPLACE => (Made::Replaced { before: nothing() }, time(self)?, self.time),
            _ => return None,
        };
        let document = self.range()?;
        let head = (document.start - start) as u32;
        Some(Put { made, collection, version, created_at, modified_at, head, document })
    }

    /// Reads what follows a document.
    fn after_document(&mut self, mut put: Put) -> Option<Put> {
        match &mut put.made {
            Made::Kept | Made::Inserted => {}
            Made::Updated { changes, before } => (*changes, *before) = (self.range()?, self.range()?),
            Made::Replaced { before } => *before = self.range()?,
        }
        Some(put)
    }

    fn read(&mut self) -> Option<Record<'a>> {
        let start = self.at;
        let kind = self.kind()?;
        if let PUT | INSERT | UPDATE | REPLACE = kind {
            let put = self.document(start, kind)?;
            return Some(Record::Put(self.after_document(put)?));
        }
        if kind == DROPDB {
            return Some(Record::DropDatabase { name: self.str()? });
        }
        if kind == TXN {
            let session = *self.payload.get(self.at..)?.first_chunk()?;
            self.at += session.len();
            return Some(Record::Transaction { session, number: self.varint()? });
        }
        let collection = u32::try_from(self.varint()?).ok()?;
        Some(match kind {
            DELETE => Record::Delete { collection, id: self.bytes()?, before: &[] },
            REMOVE => Record::Delete { collection, id: self.bytes()?, before: self.bytes()? },
            SHAPE => {
                let shape = u16::try_from(self.varint()?).ok()?;
                Record::Shape { collection, shape, keys: self.keys()? }
            }
            PAST => {
                let until = self.varint()?;
                let is_dropped = match self.varint()? {
                    0 => false,
                    1 => true,
                    _ => return None,
                };
                Record::Past { collection, until, is_dropped, name: self.str()? }
            }
            PAST_SHAPE => Record::PastShape { collection, keys: self.keys()? },
            CREATE => Record::Create { collection, name: self.str()?, options: self.bytes()? },
            COLLMOD => Record::CollMod { collection, options: self.bytes()?, before: self.bytes()? },
            DROP => Record::Drop { collection },
            NEXT => Record::Next { collection },
            RENAME => Record::Rename { collection, name: self.str()? },
            INDEX => Record::Index { collection, spec: self.bytes()? },
            UNINDEX => Record::Unindex { collection, name: self.str()? },
            _ => return None,
        })
    }

    fn keys(&mut self) -> Option<Vec<&'a str>> {
        let count = self.len().filter(|count| *count <= MAX_SHAPE_KEYS)?;
        (0..count).map(|_| self.str()).collect()
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.payload.get(self.at)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A length or count that is no larger than the rest of the payload.
    fn len(&mut self) -> Option<usize> {
        let len = usize::try_from(self.varint()?).ok()?;
        (len <= self.payload.len() - self.at).then_some(len)
    }

    fn range(&mut self) -> Option<Range<usize>> {
        let len = self.len()?;
        self.at += len;
        Some(self.at - len..self.at)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let range = self.range()?;
        self.payload.get(range)
    }

    fn str(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, usize>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            self.failed = false;
            self.at = self.payload.len();
            return Some(Err(0));
        }
        if self.at >= self.payload.len() {
            return None;
        }
        let start = self.at;
        self.start = start;
        let record = self.read().ok_or(start);
        if record.is_err() {
            self.at = self.payload.len();
        }
        Some(record)
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
