//! Lead bytes of the stored form: MessagePack's, with one encoding per value, and one of our own.
//!
//! ```text
//! 00..7f           int 0..127                e0..ff           int -32..-1
//! cc cd ce         int, 1 2 4 bytes, unsigned, the smallest that holds it (at most 2^31-1)
//! d0 d1 d2         int, 1 2 4 bytes, signed, negative, the smallest that holds it
//! cb               float64: every number that is not an int32, and -0
//! d3               int64: every BigInt, and nothing else
//! a0..bf d9 da db  string, UTF-8, the smallest length form
//! c4 c5 c6         binary, the smallest length form
//! c0 c2 c3         null, false, true
//! 90..9f dc dd     array, the smallest length form
//! 80..8f de df     object as a map: string keys and values in turn (past 1,024 shapes only)
//! c1               object of a known shape: u16 shape id, then its values in the shape's order
//! d7 01            date: int64 milliseconds since 1970
//! c7 0c 02         ObjectId: 12 bytes
//! ```
//!
//! Multi-byte numbers are big endian, as MessagePack has them. A NaN is 7ff8000000000000.

/// null
pub(crate) const NIL: u8 = 0xc0;
/// An object of a known shape: `u16` shape id, then values. MessagePack leaves this byte unused.
pub(crate) const RECORD: u8 = 0xc1;
/// false
pub(crate) const FALSE: u8 = 0xc2;
/// true
pub(crate) const TRUE: u8 = 0xc3;
/// binary, u8 length
pub(crate) const BIN8: u8 = 0xc4;
/// binary, u16 length
pub(crate) const BIN16: u8 = 0xc5;
/// binary, u32 length
pub(crate) const BIN32: u8 = 0xc6;
/// extension, u8 length; only the ObjectId
pub(crate) const EXT8: u8 = 0xc7;
/// float64
pub(crate) const FLOAT64: u8 = 0xcb;
/// unsigned, 1 byte
pub(crate) const UINT8: u8 = 0xcc;
/// unsigned, 2 bytes
pub(crate) const UINT16: u8 = 0xcd;
/// unsigned, 4 bytes
pub(crate) const UINT32: u8 = 0xce;
/// signed, 1 byte
pub(crate) const INT8: u8 = 0xd0;
/// signed, 2 bytes
pub(crate) const INT16: u8 = 0xd1;
/// signed, 4 bytes
pub(crate) const INT32: u8 = 0xd2;
/// signed, 8 bytes: a BigInt
pub(crate) const INT64: u8 = 0xd3;
/// extension of 8 bytes; only the date
pub(crate) const FIXEXT8: u8 = 0xd7;
/// string, u8 length
pub(crate) const STR8: u8 = 0xd9;
/// string, u16 length
pub(crate) const STR16: u8 = 0xda;
/// string, u32 length
pub(crate) const STR32: u8 = 0xdb;
/// array, u16 length
pub(crate) const ARRAY16: u8 = 0xdc;
/// array, u32 length
pub(crate) const ARRAY32: u8 = 0xdd;
/// map, u16 length
pub(crate) const MAP16: u8 = 0xde;
/// map, u32 length
pub(crate) const MAP32: u8 = 0xdf;
/// Extension type of a date.
pub(crate) const EXT_DATE: u8 = 1;
/// Extension type of an ObjectId.
pub(crate) const EXT_OBJECT_ID: u8 = 2;
/// The one NaN.
pub(crate) const NAN_BITS: u64 = 0x7ff8_0000_0000_0000;
