//! A segment: one file of the log. It has a header, frames and, once it is full or closed, a SEAL.
//!
//! ```text
//! offset  0  magic "MOLTNSEG"     8  u32 version     12  u32 flags: bit 0 sync, bit 1 encrypted
//!        16  u64 id              24  u64 base lsn: the last commit before this segment
//!        32  salt, 16 bytes      48  u32 head checksum of the previous segment's SEAL (0: first)
//!        52  u8 encoding of payloads (1)   53  zero   60  u32 crc32c over what stands before
//!        64  frames
//! ```

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::frame;
use super::frame::{FrameHeader, HEADER_LEN, HeadSeed, UnitPlace, array_at, u32_at, u64_at};
use super::version::{FORMAT_VERSION, LARGEST_NUMBER, check_version};
use crate::error::{Error, Kind, Result};
use crate::storage::cipher::cipher::Cipher;
use crate::storage::cipher::unit::FileCipher;
use crate::storage::contract::backend::{Block, BlockPlace, Depth, FileId, Lsn, Part};
use crate::storage::host::vfs::{VfsFile, read_exact_from, zeros};

/// Length of a segment header; the first frame stands here.
pub const SEGMENT_HEADER_LEN: u64 = 64;

const MAGIC: &[u8; 8] = b"MOLTNSEG";
const CRC_AT: usize = 60;
const SYNC: u32 = 1;
const ENCRYPTED: u32 = 2;
const ENCODING: u8 = 1;
/// Blocks of more bytes are checked against the file's length before memory is allocated for them.
const LARGE: u32 = 1 << 20;

/// The first 64 bytes, parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentHeader {
    /// Whether commits were fsynced before they were answered.
    pub sync: bool,
    /// Whether blocks are encrypted.
    pub encrypted: bool,
    /// The number in the name.
    pub id: u64,
    /// The last commit before this segment.
    pub base_lsn: Lsn,
    /// Random; binds frames to this file.
    pub salt: [u8; 16],
    /// Head checksum of the previous segment's SEAL; 0 in the first segment.
    pub prev_seal_crc: u32,
}

impl SegmentHeader {
    /// Encodes the header.
    pub fn encode(&self) -> [u8; SEGMENT_HEADER_LEN as usize] {
        let mut bytes = [0; SEGMENT_HEADER_LEN as usize];
        let flags = (u32::from(self.sync) * SYNC) | (u32::from(self.encrypted) * ENCRYPTED);
        bytes[0..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&flags.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.id.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.base_lsn.0.to_le_bytes());
        bytes[32..48].copy_from_slice(&self.salt);
        bytes[48..52].copy_from_slice(&self.prev_seal_crc.to_le_bytes());
        bytes[52] = ENCODING;
        let crc = crc32c::crc32c(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Decodes the first bytes of the file at `path`; errors name that path.
    pub fn decode(bytes: &[u8; SEGMENT_HEADER_LEN as usize], path: &Path) -> Result<SegmentHeader> {
        if bytes[..8] != *MAGIC {
            return Err(Error::corrupt(path, 0, "it is not a segment of this database format"));
        }
        if u32_at(bytes, CRC_AT) != crc32c::crc32c(&bytes[..CRC_AT]) {
            return Err(Error::corrupt(path, 0, "the segment header's checksum does not match"));
        }
        check_version(path, u32_at(bytes, 8))?;
        let flags = u32_at(bytes, 12);
        let known = flags & !(SYNC | ENCRYPTED) == 0 && bytes[52] == ENCODING;
        let known = known && (flags & ENCRYPTED == 0 || u32_at(bytes, 8) == FORMAT_VERSION);
        if !known || bytes[53..CRC_AT].iter().any(|byte| *byte != 0) {
            return Err(Error::corrupt(path, 12, "the segment header holds fields of no known format"));
        }
        if u64_at(bytes, 16).max(u64_at(bytes, 24)) > LARGEST_NUMBER {
            return Err(Error::corrupt(
                path,
                16,
                "the segment header holds a number that no database reaches",
            ));
        }
        Ok(SegmentHeader {
            sync: flags & SYNC != 0,
            encrypted: flags & ENCRYPTED != 0,
            id: u64_at(bytes, 16),
            base_lsn: Lsn(u64_at(bytes, 24)),
            salt: array_at(bytes, 32),
            prev_seal_crc: u32_at(bytes, 48),
        })
    }

    /// What seals the frames of the segment. All of the header is part of its key, so a frame opens only under this header.
    pub(crate) fn cipher(&self, cipher: &Cipher) -> FileCipher {
        cipher.file("moltendb segment", &[&self.encode()])
    }

    /// Refuses a segment that is encrypted where the database is not, and the other way round.
    pub(crate) fn check_encryption(&self, path: &Path, cipher: &Cipher) -> Result<()> {
        match (self.encrypted, cipher.is_sealing()) {
            (true, false) => {
                let what = "it is encrypted, the manifest says that the database is not";
                Err(Error::corrupt(path, 12, what))
            }
            (false, true) => Err(Error::tampered(path, 12, "it is not encrypted, and the database is")),
            _ => Ok(()),
        }
    }
}

/// The file name of a segment.
pub fn segment_name(id: u64) -> String {
    format!("seg-{id:016x}.log")
}

/// The id in a segment's file name; `None` for every other name.
pub fn parse_segment_name(name: &str) -> Option<u64> {
    let id = u64::from_str_radix(name.strip_prefix("seg-")?.strip_suffix(".log")?, 16).ok()?;
    (segment_name(id) == name).then_some(id)
}

/// A place is remembered about every so many bytes of a segment.
pub(crate) const PLACE_EVERY: u64 = 1 << 20;

/// Where some frames of a segment begin, so that a commit is found without reading all before it.
#[derive(Default)]
pub(crate) struct Places(Mutex<Vec<(Lsn, u64)>>);

impl Places {
    /// Remembers that the frame at this offset follows this commit, unless that is known.
    pub(crate) fn remember(&self, last: Lsn, offset: u64) {
        let mut places = self.0.lock();
        let at = places.partition_point(|(_, known)| *known < offset);
        let is_near = |place: Option<&(Lsn, u64)>| {
            place.is_some_and(|(_, known)| known.abs_diff(offset) < PLACE_EVERY / 2)
        };
        if !is_near(places.get(at)) && !is_near(at.checked_sub(1).and_then(|before| places.get(before))) {
            places.insert(at, (last, offset));
        }
    }

    /// The last known place before this commit.
    pub(crate) fn before(&self, lsn: Lsn) -> Option<(Lsn, u64)> {
        let places = self.0.lock();
        let at = places.partition_point(|(last, _)| *last < lsn);
        at.checked_sub(1).and_then(|at| places.get(at).copied())
    }
}

/// An open segment, to read blocks from and to write frames to.
pub struct Segment {
    /// The number in the name.
    pub id: u64,
    /// Its path, for errors.
    pub path: PathBuf,
    /// Its salt.
    pub salt: [u8; 16],
    /// The seed of its head checksums.
    pub seed: HeadSeed,
    /// What seals its frames, once its header is known.
    pub(crate) cipher: OnceLock<FileCipher>,
    /// The last commit before it.
    pub base: Lsn,
    /// Where some of its frames begin.
    pub(crate) places: Arc<Places>,
    /// The time of its first commit, once it was looked for.
    pub(crate) since: OnceLock<i64>,
    /// The file.
    pub file: Arc<dyn VfsFile>,
    /// The end of the space that is allocated in the file system; 0 when it could not be allocated.
    pub(crate) ahead: AtomicU64,
    /// The end of the written bytes while the file is longer; otherwise the largest number.
    pub(crate) end: AtomicU64,
}

impl Segment {
    /// A segment with this salt, after this commit, in this file.
    pub fn new(id: u64, path: PathBuf, (salt, base): ([u8; 16], Lsn), file: Arc<dyn VfsFile>) -> Segment {
        let (ahead, end) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
        let (seed, places) = (HeadSeed::new(&salt, id), Arc::default());
        let cipher = OnceLock::new();
        Segment { id, path, salt, seed, cipher, base, places, since: OnceLock::new(), file, ahead, end }
    }

    /// The segment with this header, of a database with these keys.
    pub(crate) fn of(
        header: &SegmentHeader,
        path: PathBuf,
        file: Arc<dyn VfsFile>,
        cipher: &Cipher,
    ) -> Result<Segment> {
        header.check_encryption(&path, cipher)?;
        let segment = Segment::new(header.id, path, (header.salt, header.base_lsn), file);
        let segment = segment.encrypted(header.encrypted);
        segment.begin(header.cipher(cipher));
        Ok(segment)
    }

    /// A segment whose header is not written yet, and that will be encrypted, or not.
    #[must_use]
    pub(crate) fn encrypted(self, encrypted: bool) -> Segment {
        Segment { seed: self.seed.encrypted(encrypted), ..self }
    }

    /// Its header is known, and so is what seals its frames.
    pub(crate) fn begin(&self, cipher: FileCipher) {
        let _ = self.cipher.set(cipher);
    }

    /// What seals its frames.
    pub(crate) fn cipher(&self) -> &FileCipher {
        self.cipher.get().unwrap_or(&FileCipher::PLAIN)
    }

    /// What a frame in it has more for each of its payloads.
    pub(crate) fn overhead(&self) -> u32 {
        self.cipher().overhead()
    }

    /// Bytes on disk, for statistics; 0 where the system does not report them.
    pub(crate) fn used(&self) -> u64 {
        self.written().unwrap_or(0)
    }

    /// The end of the written bytes.
    pub(crate) fn written(&self) -> std::io::Result<u64> {
        Ok(self.file.len()?.min(self.end.load(Ordering::Acquire)))
    }

    /// An error of the operating system about this file.
    pub fn io(&self, what: &str, error: std::io::Error) -> Error {
        Error::io(what, &self.path, error)
    }

    /// Reads one payload and verifies it: with the frame's checksum when it is the frame's only one, otherwise with its own.
    /// `None` where it lies deeper.
    pub fn read_block(&self, place: BlockPlace, depth: Depth) -> Result<Option<Arc<Block>>> {
        self.read_part(place, None, depth)
    }

    /// The same of a part of it, which is all that is decrypted.
    pub fn read_part(
        &self,
        place: BlockPlace,
        part: Option<&Part>,
        depth: Depth,
    ) -> Result<Option<Arc<Block>>> {
        let part = part.filter(|part| part.is_of(place.len));
        if place.file != FileId::Segment(self.id) || place.offset < place.frame + HEADER_LEN as u64 {
            return Err(Error::new(Kind::Internal, format!("no block can stand at {place:?}")));
        }
        let alone = place.offset == place.frame + HEADER_LEN as u64;
        let cipher = self.cipher();
        // A unit that is the first of its frame belongs to the header, too.
        let begins = HEADER_LEN + frame::BLOCK_HEADER_LEN;
        let is_first = cipher.is_sealing() && place.offset == place.frame + begins as u64;
        let before = match (alone, is_first) {
            (true, _) => HEADER_LEN,
            (_, true) => begins,
            _ => frame::BLOCK_HEADER_LEN,
        };
        let start = place.offset - before as u64;
        let stored = place.len.saturating_add(cipher.overhead());
        let header = |head: &[u8]| {
            FrameHeader::decode(head, self.seed, place.frame).filter(|header| header.one_block == alone)
        };
        let expected = |head: &[u8]| match alone {
            true => header(head).map(|header| (header.body_len, header.body_crc)),
            false if is_first && header(head).is_none() => None,
            false => Some(frame::decode_block_header(&array_at(head, before - frame::BLOCK_HEADER_LEN))),
        };
        // The place may come from a file without a checksum: allocate nothing for a block that is not there.
        if place.len > LARGE {
            let mut head = [0; HEADER_LEN + frame::BLOCK_HEADER_LEN];
            let head = head.get_mut(..before).unwrap_or_default();
            if !self.read(place.frame, start, head, depth)? {
                return Ok(None);
            }
            let there = expected(head).is_some_and(|(len, _)| len == stored);
            if !there || u64::from(stored) > frame::MAX_BODY {
                return Err(self.corrupt(start, "a block is not as long as it should be"));
            }
        }
        let mut bytes = zeros(before as u64 + u64::from(stored)).map_err(|error| self.io("read", error))?;
        if !self.read(place.frame, start, &mut bytes, depth)? {
            return Ok(None);
        }
        let (head, payload) = bytes.split_at(before);
        if expected(head) != Some((stored, crc32c::crc32c(payload))) {
            return Err(self.corrupt(start, "a block's checksum does not match"));
        }
        let first_of = if alone || is_first { header(head) } else { None };
        let unit = UnitPlace { frame: place.frame, offset: place.offset, len: place.len, first_of };
        let bytes = match part {
            Some(part) => {
                let opened = cipher.open_parts(&unit.encode(), payload, &part.ranges());
                opened.ok_or_else(|| self.foreign(place.offset))?
            }
            None if cipher.is_sealing() => self.open_unit(unit, payload)?,
            None => {
                bytes.drain(..before);
                bytes.into_boxed_slice()
            }
        };
        let base = part.map_or(0, Part::base);
        Ok(Some(Arc::new(Block { place, base, bytes, transient: true })))
    }

    /// The bytes of a payload as it stands in a frame.
    pub(crate) fn open_unit(&self, place: UnitPlace, stored: &[u8]) -> Result<Box<[u8]>> {
        self.cipher().open(&place.encode(), stored).ok_or_else(|| self.foreign(place.offset))
    }

    fn foreign(&self, offset: u64) -> Error {
        Error::tampered(&self.path, offset, "a block was not written with its key")
    }

    fn read(&self, frame: u64, at: u64, bytes: &mut [u8], depth: Depth) -> Result<bool> {
        read_exact_from(&*self.file, at, bytes, depth).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => self.corrupt(frame, "the file ends inside a frame"),
            _ => self.io("read", error),
        })
    }

    fn corrupt(&self, offset: u64, what: &str) -> Error {
        Error::corrupt(&self.path, offset, what)
    }
}
