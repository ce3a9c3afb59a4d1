//! A window of a segment in memory that moves forward as the segment is read.
//!
//! A header says how long its body is, and only the header's own checksum protects that length. So the body of a long frame
//! is verified piece by piece before memory is allocated for it.

use std::io;

use crate::storage::format::frame::{FrameHeader, HEADER_LEN};
use crate::storage::format::segment::Segment;
use crate::storage::host::vfs::{VfsFile, read_exact_at, resize};

/// Bytes that are read at once.
pub(crate) const WINDOW: u64 = 1 << 20;
/// Longer frames are verified before they are read whole. A program that commits at most 16 MiB at a time has none.
const LONG: u64 = 32 << 20;

/// Length of header, body and padding.
pub(crate) type Unchecked<'a> = (FrameHeader, &'a [u8], &'a [u8]);

pub(crate) struct Window<'a> {
    file: &'a dyn VfsFile,
    len: u64,
    start: u64,
    bytes: Vec<u8>,
    ahead: u64,
}

impl<'a> Window<'a> {
    /// A window of a file of this length.
    pub(crate) fn new(file: &'a dyn VfsFile, len: u64) -> Window<'a> {
        Window { file, len, start: 0, bytes: Vec::new(), ahead: WINDOW }
    }

    /// Reads about so many bytes at once.
    pub(crate) fn reading(self, ahead: u64) -> Window<'a> {
        Window { ahead, ..self }
    }

    /// The header at this offset; `None` when there is no valid one or the file ends before the frame does.
    pub(crate) fn header(&mut self, segment: &Segment, at: u64) -> io::Result<Option<FrameHeader>> {
        let left = self.len.saturating_sub(at);
        if left < HEADER_LEN as u64 {
            return Ok(None);
        }
        let header = FrameHeader::decode(self.get(at, HEADER_LEN as u64)?, segment.seed, at);
        Ok(header.filter(|header| header.frame_len() <= left))
    }

    /// The frame at this offset: header, body, padding. `None` when there is no valid header, when the file ends before the
    /// frame does, or when the body is long and invalid. Shorter bodies are not verified.
    pub(crate) fn frame(&mut self, segment: &Segment, at: u64) -> io::Result<Option<Unchecked<'_>>> {
        let Some(header) = self.header(segment, at)? else { return Ok(None) };
        if header.frame_len() > LONG && !self.holds(&header, at)? {
            return Ok(None);
        }
        let frame = self.get(at, header.frame_len())?;
        let (_, rest) = frame.split_at(HEADER_LEN);
        let (body, padding) = rest.split_at(header.body_len as usize);
        Ok(Some((header, body, padding)))
    }

    /// Whether body and padding of the frame at this offset are valid.
    pub(crate) fn holds(&mut self, header: &FrameHeader, at: u64) -> io::Result<bool> {
        let body = at + HEADER_LEN as u64;
        let len = u64::from(header.body_len);
        if self.crc(body, len)? != header.body_crc {
            return Ok(false);
        }
        let padding = self.get(body + len, header.frame_len() - HEADER_LEN as u64 - len)?;
        Ok(padding.iter().all(|byte| *byte == 0))
    }

    /// The checksum of these bytes, read piece by piece. The caller has checked the range against the file's length.
    pub(crate) fn crc(&mut self, from: u64, len: u64) -> io::Result<u32> {
        let (mut at, mut crc) = (from, crc32c::crc32c(&[]));
        while at < from + len {
            let piece = (from + len - at).min(WINDOW);
            crc = crc32c::crc32c_append(crc, self.get(at, piece)?);
            at += piece;
        }
        Ok(crc)
    }

    /// The bytes of a range that the caller has checked against the file's length.
    pub(crate) fn get(&mut self, at: u64, len: u64) -> io::Result<&[u8]> {
        let held = self.start..self.start + self.bytes.len() as u64;
        if !held.contains(&at) || at + len > held.end {
            let wanted = len.max(self.ahead).min(self.len.saturating_sub(at));
            resize(&mut self.bytes, wanted)?;
            self.bytes.shrink_to(2 * WINDOW as usize);
            self.start = at;
            read_exact_at(self.file, at, &mut self.bytes)?;
        }
        let from = (at - self.start) as usize;
        self.bytes.get(from..from + len as usize).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
