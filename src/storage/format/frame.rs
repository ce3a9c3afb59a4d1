//! A frame: one commit, or the seal of a segment, as bytes. Pure; the encoder is beside the decoder.
//!
//! ```text
//! offset  0  u32  len         length of the body
//!         4  u32  head_crc    crc32c over salt, segment id, offset of this frame, and the header without this field
//!         8  u64  lsn         COMMIT: its own number; SEAL and MARK: the last one before
//!        16  u32  lag         lsn minus the newest lsn known to be fsynced when the frame got its place, saturating
//!        20  u32  body_crc    crc32c over the body
//!        24  u32  records     how many records a COMMIT holds
//!        28  u8   type        1 COMMIT, 2 SEAL, 3 MARK
//!        29  u8   flags       bit 0 ONE: the body is one payload and nothing else; bit 1 kept for compression
//!        30  u16  zero
//!        32       body, then zeros to the next multiple of 8
//! body with ONE:     payload
//! body without it:   per block u32 length, u32 crc32c of the payload, payload
//! encrypted:         each payload is a unit (`cipher`), which belongs to its place; the first also to the header
//!                    a SEAL or MARK has a body of 16 bytes: a mac of its place and its header
//! ```
//!
//! The head checksum binds a frame to its segment and offset, so old bytes from elsewhere are never read as a frame.
//! All numbers are little endian.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::error::{Error, Kind, Result};
use crate::storage::cipher::unit::{FileCipher, OVERHEAD, TAG, is_same};
use crate::storage::contract::backend::{Block, FrameSize, Lsn};
pub use crate::storage::pages::bytes::{array_at, u32_at, u64_at};

/// Length of a frame header.
pub const HEADER_LEN: usize = 32;
/// Offset of the type in a frame header; only the flags follow it.
const TYPE_AT: usize = 28;
/// Length of the block header before each payload of a body with several.
pub const BLOCK_HEADER_LEN: usize = 8;
/// Longest body.
pub const MAX_BODY: u64 = 256 << 20;
/// Bytes of a header that a unit or a mac belongs to.
const BOUND: usize = 22;

const ONE: u8 = 1;

/// The type of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// One commit.
    Commit,
    /// The last frame of a segment.
    Seal,
    /// Records that everything before it is durable.
    Mark,
}

impl FrameKind {
    const fn byte(self) -> u8 {
        match self {
            FrameKind::Commit => 1,
            FrameKind::Seal => 2,
            FrameKind::Mark => 3,
        }
    }

    const fn from_byte(byte: u8) -> Option<FrameKind> {
        match byte {
            1 => Some(FrameKind::Commit),
            2 => Some(FrameKind::Seal),
            3 => Some(FrameKind::Mark),
            _ => None,
        }
    }
}

/// A frame header with a valid checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// Length of the body.
    pub body_len: u32,
    /// The checksum of the header.
    pub head_crc: u32,
    /// The commit's LSN, or the LSN before.
    pub lsn: Lsn,
    /// `lsn` minus the newest LSN known to be durable, saturating.
    pub lag: u32,
    /// The checksum of the body.
    pub body_crc: u32,
    /// Records in the body.
    pub records: u32,
    /// The type of the frame.
    pub kind: FrameKind,
    /// Whether the body is one payload and nothing else.
    pub one_block: bool,
}

impl FrameHeader {
    /// Length of header, body and padding.
    pub fn frame_len(&self) -> u64 {
        padded(HEADER_LEN as u64 + u64::from(self.body_len))
    }

    /// The newest LSN that was durable when the frame got its place.
    pub fn durable(&self) -> Lsn {
        Lsn(self.lsn.0.saturating_sub(u64::from(self.lag)))
    }

    /// Reads a header; `None` unless its checksum is valid and every field has a value that this format writes.
    pub fn decode(bytes: &[u8], seed: HeadSeed, offset: u64) -> Option<FrameHeader> {
        let head: &[u8; HEADER_LEN] = bytes.get(..HEADER_LEN)?.try_into().ok()?;
        // Cheap checks come first: searches call this for every eighth byte.
        let (head_crc, body_len) = (u32_at(head, 4), u32_at(head, 0));
        let kind = FrameKind::from_byte(head[28])?;
        let fits =
            u64::from(body_len) <= MAX_BODY && (kind == FrameKind::Commit || body_len == seed.mark_body());
        if !fits || head[29] & !ONE != 0 || head[30] != 0 || head[31] != 0 {
            return None;
        }
        if head_crc != seed.head_crc(offset, head) {
            return None;
        }
        Some(FrameHeader {
            body_len,
            head_crc,
            lsn: Lsn(u64::from_le_bytes(array_at(head, 8))),
            lag: u32_at(head, 16),
            body_crc: u32_at(head, 20),
            records: u32_at(head, 24),
            kind,
            one_block: head[29] & ONE != 0,
        })
    }

    /// What is in it besides checksums.
    fn bound(&self) -> [u8; BOUND] {
        let mut bytes = [0; BOUND];
        bytes[0..4].copy_from_slice(&self.body_len.to_le_bytes());
        bytes[4..12].copy_from_slice(&self.lsn.0.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.lag.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.records.to_le_bytes());
        bytes[20..22].copy_from_slice(&[self.kind.byte(), u8::from(self.one_block)]);
        bytes
    }

    /// The mac of a frame without content at this offset.
    fn mac(&self, cipher: &FileCipher, offset: u64) -> [u8; TAG] {
        cipher.mac(&[b"mark", &offset.to_le_bytes(), &self.bound()])
    }

    /// Whether the body is a mac and nothing else: that of a SEAL, a MARK, or an encrypted commit without content.
    pub(crate) fn is_mac(&self, seed: HeadSeed) -> bool {
        self.kind != FrameKind::Commit || seed.encrypted && !self.one_block && self.body_len == TAG as u32
    }

    /// Whether that mac was written with the key, for this offset; always without encryption.
    pub(crate) fn is_genuine(&self, cipher: &FileCipher, offset: u64, body: &[u8]) -> bool {
        !cipher.is_sealing() || is_same(&self.mac(cipher, offset), body)
    }

    /// Appends the header with its checksum for this place. Returns the checksum.
    fn encode(&self, buffer: &mut [u8], seed: HeadSeed, offset: u64) -> u32 {
        let mut head = [0; HEADER_LEN];
        head[0..4].copy_from_slice(&self.body_len.to_le_bytes());
        head[8..16].copy_from_slice(&self.lsn.0.to_le_bytes());
        head[16..20].copy_from_slice(&self.lag.to_le_bytes());
        head[20..24].copy_from_slice(&self.body_crc.to_le_bytes());
        head[24..28].copy_from_slice(&self.records.to_le_bytes());
        head[28] = self.kind.byte();
        head[29] = if self.one_block { ONE } else { 0 };
        let crc = seed.head_crc(offset, &head);
        head[4..8].copy_from_slice(&crc.to_le_bytes());
        buffer.copy_from_slice(&head);
        crc
    }
}

/// The place of a unit in a segment: that of the frame, of the unit in it, and the header where it is the first of the frame.
pub(crate) struct UnitPlace {
    pub(crate) frame: u64,
    pub(crate) offset: u64,
    /// Without what encryption adds.
    pub(crate) len: u32,
    pub(crate) first_of: Option<FrameHeader>,
}

impl UnitPlace {
    /// The associated data of the unit.
    pub(crate) fn encode(&self) -> [u8; 21 + BOUND] {
        let mut bytes = [0; 21 + BOUND];
        bytes[0..8].copy_from_slice(&self.frame.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.offset.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.len.to_le_bytes());
        if let Some(header) = &self.first_of {
            bytes[20] = 1;
            bytes[21..].copy_from_slice(&header.bound());
        }
        bytes
    }
}

/// The seed of all head checksums of a segment: that of its salt and its id. It also says whether the segment is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadSeed {
    crc: u32,
    encrypted: bool,
}

impl HeadSeed {
    /// The seed of this segment.
    pub fn new(salt: &[u8; 16], segment: u64) -> HeadSeed {
        let crc = crc32c::crc32c_append(crc32c::crc32c(salt), &segment.to_le_bytes());
        HeadSeed { crc, encrypted: false }
    }

    /// The same for a segment that is encrypted, or not.
    #[must_use]
    pub fn encrypted(self, encrypted: bool) -> HeadSeed {
        HeadSeed { encrypted, ..self }
    }

    /// Length of the body of a SEAL or a MARK.
    fn mark_body(self) -> u32 {
        if self.encrypted { TAG as u32 } else { 0 }
    }

    /// What encryption adds to each payload.
    pub fn overhead(self) -> u32 {
        if self.encrypted { OVERHEAD as u32 } else { 0 }
    }

    /// Length of a SEAL.
    pub fn seal_len(self) -> u64 {
        frame_len(u64::from(self.mark_body()))
    }

    fn head_crc(self, offset: u64, head: &[u8; HEADER_LEN]) -> u32 {
        let mut bytes = [0; 36];
        bytes[0..8].copy_from_slice(&offset.to_le_bytes());
        bytes[8..12].copy_from_slice(&head[0..4]);
        bytes[12..36].copy_from_slice(&head[8..32]);
        crc32c::crc32c_append(self.crc, &bytes)
    }
}

/// The length of a body with these payloads, to each of which encryption adds so many bytes. A body above [`MAX_BODY`] must not be
/// written.
pub fn body_len(size: &FrameSize, overhead: u32) -> u64 {
    let stored = |len: &u32| u64::from(*len) + u64::from(overhead);
    match size.blocks.as_slice() {
        // A commit without content has a mac, as a SEAL has.
        [] if overhead > 0 => TAG as u64,
        [one] => stored(one),
        many => many.iter().map(|len| BLOCK_HEADER_LEN as u64 + stored(len)).sum(),
    }
}

/// The length of header, body and padding.
pub fn frame_len(body: u64) -> u64 {
    padded(HEADER_LEN as u64 + body)
}

/// Offsets of the payloads inside a frame, given their lengths.
pub fn payload_offsets(lengths: &[u32], overhead: u32) -> SmallVec<[u64; 2]> {
    let many = lengths.len() != 1;
    let mut at = HEADER_LEN as u64;
    let mut offsets = SmallVec::new();
    for len in lengths {
        at += if many { BLOCK_HEADER_LEN as u64 } else { 0 };
        offsets.push(at);
        at += u64::from(*len) + u64::from(overhead);
    }
    offsets
}

/// The header fields of a COMMIT.
#[derive(Clone, Copy, Debug)]
pub struct Commit {
    /// Its LSN.
    pub lsn: Lsn,
    /// `lsn` minus the newest LSN known to be durable, saturating.
    pub lag: u32,
    /// Records in the payloads.
    pub records: u32,
}

/// Appends a COMMIT to the buffer, for this offset of the segment.
pub fn encode_commit(
    buffer: &mut Vec<u8>,
    seed: HeadSeed,
    offset: u64,
    commit: Commit,
    blocks: &[Arc<Block>],
    cipher: &FileCipher,
) {
    let start = buffer.len();
    buffer.resize(start + HEADER_LEN, 0);
    let one_block = blocks.len() == 1;
    let mut header = FrameHeader {
        body_len: 0,
        head_crc: 0,
        lsn: commit.lsn,
        lag: commit.lag,
        body_crc: 0,
        records: commit.records,
        kind: FrameKind::Commit,
        one_block,
    };
    if cipher.is_sealing() {
        // Units belong to the header, which says how long the body is.
        let blocks = blocks.iter().map(|block| len_of(&block.bytes)).collect();
        let len = body_len(&FrameSize { blocks, records: 0 }, cipher.overhead());
        header.body_len = u32::try_from(len).unwrap_or(u32::MAX);
    }
    for (n, block) in blocks.iter().enumerate() {
        let head = buffer.len();
        if !one_block {
            buffer.resize(head + BLOCK_HEADER_LEN, 0);
        }
        let from = buffer.len();
        let place = UnitPlace {
            frame: offset,
            offset: offset + (from - start) as u64,
            len: len_of(&block.bytes),
            first_of: (n == 0).then_some(header),
        };
        cipher.seal(&place.encode(), &block.bytes, buffer);
        if !one_block {
            let unit = buffer.get(from..).unwrap_or_default();
            let (len, crc) = (len_of(unit), crc32c::crc32c(unit));
            buffer[head..head + 4].copy_from_slice(&len.to_le_bytes());
            buffer[head + 4..from].copy_from_slice(&crc.to_le_bytes());
        }
    }
    if blocks.is_empty() && cipher.is_sealing() {
        buffer.extend_from_slice(&header.mac(cipher, offset));
    }
    let (head, body) = buffer[start..].split_at_mut(HEADER_LEN);
    let header = FrameHeader { body_len: len_of(body), body_crc: crc32c::crc32c(body), ..header };
    header.encode(head, seed, offset);
    let len = usize::try_from(header.frame_len()).unwrap_or(usize::MAX);
    buffer.resize(start + len, 0);
}

fn len_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// A SEAL, with the mac of an encrypted segment, and the checksum of its header. Everything up to `lsn` must be durable.
pub(crate) fn encode_seal(seed: HeadSeed, offset: u64, lsn: Lsn, cipher: &FileCipher) -> (Vec<u8>, u32) {
    let mut bytes = vec![0; HEADER_LEN];
    let header = mark(FrameKind::Seal, seed, lsn);
    if cipher.is_sealing() {
        bytes.extend_from_slice(&header.mac(cipher, offset));
    }
    let (head, body) = bytes.split_at_mut(HEADER_LEN);
    let body_crc = if body.is_empty() { 0 } else { crc32c::crc32c(body) };
    let crc = FrameHeader { body_crc, ..header }.encode(head, seed, offset);
    (bytes, crc)
}

/// A SEAL or a MARK of a segment that is not encrypted, and the checksum of its header. Everything up to `lsn` must be durable.
pub fn encode_mark(kind: FrameKind, seed: HeadSeed, offset: u64, lsn: Lsn) -> ([u8; HEADER_LEN], u32) {
    let mut bytes = [0; HEADER_LEN];
    let crc = mark(kind, seed, lsn).encode(&mut bytes, seed, offset);
    (bytes, crc)
}

fn mark(kind: FrameKind, seed: HeadSeed, lsn: Lsn) -> FrameHeader {
    FrameHeader {
        body_len: seed.mark_body(),
        head_crc: 0,
        lsn,
        lag: 0,
        body_crc: 0,
        records: 0,
        kind,
        one_block: false,
    }
}

/// Whether one flipped bit before the type explains why these bytes do not decode as a header without a body.
pub fn is_header_one_bit_off(head: &[u8], seed: HeadSeed, offset: u64) -> bool {
    let mut head = head.to_vec();
    (0..TYPE_AT * 8).any(|bit| {
        let Some(byte) = head.get_mut(bit / 8) else { return false };
        *byte ^= 1 << (bit % 8);
        let found = FrameHeader::decode(&head, seed, offset)
            .is_some_and(|header| header.body_len == seed.mark_body());
        if let Some(byte) = head.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        found
    })
}

/// Checks a body and its padding against the header.
pub fn body_holds(header: &FrameHeader, body: &[u8], padding: &[u8]) -> bool {
    crc32c::crc32c(body) == header.body_crc && padding.iter().all(|byte| *byte == 0)
}

/// Payloads, each with its offset inside the frame.
pub type Payloads<'a> = SmallVec<[(u64, &'a [u8]); 2]>;

/// The payloads of a body for which [`body_holds`], each with its offset inside the frame. `None` when their lengths do not
/// add up; with a valid checksum this is a defect of the writer.
pub fn payloads<'a>(header: &FrameHeader, body: &'a [u8]) -> Option<Payloads<'a>> {
    let mut found = SmallVec::new();
    if header.one_block {
        found.push((HEADER_LEN as u64, body));
        return Some(found);
    }
    let mut rest = body;
    while !rest.is_empty() {
        let at = body.len() - rest.len() + BLOCK_HEADER_LEN;
        let (head, after) = rest.split_at_checked(BLOCK_HEADER_LEN)?;
        let len = usize::try_from(u32_at(head, 0)).ok()?;
        let (payload, after) = after.split_at_checked(len)?;
        found.push(((HEADER_LEN + at) as u64, payload));
        rest = after;
    }
    Some(found)
}

/// Length and checksum from a block header.
pub fn decode_block_header(bytes: &[u8; BLOCK_HEADER_LEN]) -> (u32, u32) {
    (u32_at(bytes, 0), u32_at(bytes, 4))
}

fn padded(len: u64) -> u64 {
    len.div_ceil(8) * 8
}

/// Refuses a body that is too long for a frame; otherwise returns its length.
pub fn check_size(size: &FrameSize, overhead: u32) -> Result<u64> {
    let body = body_len(size, overhead);
    if body > MAX_BODY {
        let message = format!(
            "one commit of {body} bytes is more than the limit of {MAX_BODY}; write it in several calls or transactions"
        );
        return Err(Error::new(Kind::Limit, message));
    }
    Ok(body)
}
