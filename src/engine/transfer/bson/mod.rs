//! Documents in BSON, as `mongodump` writes them: whole documents, one after the other.

mod read;
mod write;

#[cfg(test)]
mod tests;

pub(super) use read::{document, length};
pub(super) use write::write;

/// The longest document that is read: what MongoDB stores, and what its tools add to it.
pub(super) const MAX_LENGTH: usize = (16 << 20) + (16 << 10);

/// The types of values, by the byte before their key.
mod kind {
    pub(super) const DOUBLE: u8 = 0x01;
    pub(super) const STRING: u8 = 0x02;
    pub(super) const OBJECT: u8 = 0x03;
    pub(super) const ARRAY: u8 = 0x04;
    pub(super) const BINARY: u8 = 0x05;
    pub(super) const OBJECT_ID: u8 = 0x07;
    pub(super) const BOOL: u8 = 0x08;
    pub(super) const DATE: u8 = 0x09;
    pub(super) const NULL: u8 = 0x0a;
    pub(super) const INT: u8 = 0x10;
    pub(super) const LONG: u8 = 0x12;
}
