//! Bytes to frames: an iterator over the good frames of one segment, and what can be said about the first bad one.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use super::backend::{Block, BlockPlace, FileId, Lsn, Replayed};
use super::frame::{self, FrameHeader, FrameKind, HEADER_LEN};
use super::segment::{SEGMENT_HEADER_LEN, Segment};
use super::vfs::{VfsFile, read_exact_at};
use crate::error::{Error, Result};

const WINDOW: u64 = 1 << 20;
const SECTOR: u64 = 512;

/// The good frames from the start; ends at the SEAL, at the end, or before the first bad frame.
pub(super) struct Frames<'a> {
    segment: &'a Segment,
    window: Window<'a>,
    /// Length of the file.
    pub(super) len: u64,
    /// Where the good frames end.
    pub(super) end: u64,
    /// The last commit.
    pub(super) last: Lsn,
    /// Head checksum of the SEAL, once met.
    pub(super) seal: Option<u32>,
    /// Everything before this offset was durable before the last good frame got its place.
    pub(super) durable_end: u64,
    unproven: VecDeque<(Lsn, u64)>,
    ended: bool,
    /// Where the last byte that is not zero ends, once looked for.
    nonzero: Option<u64>,
}

impl<'a> Frames<'a> {
    /// Starts behind the header; `base` is the last commit before.
    pub(super) fn new(segment: &'a Segment, len: u64, base: Lsn) -> Frames<'a> {
        Frames {
            segment,
            window: Window { file: &*segment.file, len, start: 0, bytes: Vec::new() },
            len,
            end: SEGMENT_HEADER_LEN,
            last: base,
            seal: None,
            durable_end: SEGMENT_HEADER_LEN,
            unproven: VecDeque::new(),
            ended: false,
            nonzero: None,
        }
    }

    fn step(&mut self) -> Result<Option<Replayed>> {
        while self.seal.is_none() {
            let at = self.end;
            let Some((header, body, padding)) =
                self.window.frame(self.segment, at).map_err(|error| self.segment.io("read", error))?
            else {
                return Ok(None);
            };
            if !frame::body_holds(&header, body, padding) {
                return Ok(None);
            }
            let expected = Lsn(self.last.0 + u64::from(header.kind == FrameKind::Commit));
            if header.lsn != expected {
                let what = format!("a frame has lsn {} where {} is due", header.lsn.0, expected.0);
                return Err(Error::corrupt(&self.segment.path, at, what));
            }
            let replayed = match header.kind {
                FrameKind::Commit => Some(replay(self.segment, at, &header, body)?),
                FrameKind::Seal | FrameKind::Mark => None,
            };
            self.end = at + header.frame_len();
            self.last = header.lsn;
            if header.kind == FrameKind::Commit {
                self.unproven.push_back((header.lsn, self.end));
            }
            // A SEAL or MARK tells of what stands before it, not of itself: its own fsync may have failed.
            self.prove(header.durable());
            if header.kind == FrameKind::Seal {
                self.seal = Some(header.head_crc);
            }
            if replayed.is_some() {
                return Ok(replayed);
            }
        }
        Ok(None)
    }

    fn prove(&mut self, durable: Lsn) {
        while let Some((_, end)) = self.unproven.front().filter(|(lsn, _)| *lsn <= durable) {
            self.durable_end = *end;
            self.unproven.pop_front();
        }
    }

    /// Where what was written ends, or some zeros before: behind it the file holds nothing but zeros, the space that no
    /// frame has used. Asked when there are no more good frames.
    pub(super) fn written(&mut self) -> io::Result<u64> {
        let nonzero = self.nonzero()?;
        Ok(nonzero.next_multiple_of(8).min(self.len).max(self.end))
    }

    /// Where the last byte that is not zero ends.
    fn nonzero(&mut self) -> io::Result<u64> {
        if let Some(known) = self.nonzero {
            return Ok(known);
        }
        let found = self.find_nonzero()?;
        self.nonzero = Some(found);
        Ok(found)
    }

    fn find_nonzero(&self) -> io::Result<u64> {
        let mut to = self.len;
        let mut bytes = Vec::new();
        while to > self.end {
            let from = to.saturating_sub(WINDOW).max(self.end);
            bytes.resize((to - from) as usize, 0);
            read_exact_at(&*self.segment.file, from, &mut bytes)?;
            if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
                return Ok(from + last as u64 + 1);
            }
            to = from;
        }
        Ok(self.end)
    }

    /// Looks behind the first bad frame for one that was placed when a later commit than the last good one was
    /// durable already. No power cut takes away what was durable, so such a frame proves damage. A later good
    /// frame alone proves nothing: sectors reach the disk in any order.
    pub(super) fn find_proof_of_damage(&mut self) -> io::Result<Option<u64>> {
        let mut at = self.end + 8;
        // No frame begins with zeros.
        let written = self.written()?;
        while at < written && at + HEADER_LEN as u64 <= self.len {
            if let Some((header, body, padding)) = self.window.frame(self.segment, at)?
                && header.durable() > self.last
                && frame::body_holds(&header, body, padding)
            {
                return Ok(Some(at));
            }
            at += 8;
        }
        Ok(None)
    }

    /// Goes on behind a bad frame: at the next frame whose checksums hold, whatever its number. `false` when there
    /// is none. For reports only; recovery never reads on.
    pub(super) fn skip_damage(&mut self) -> io::Result<bool> {
        let mut at = self.end;
        let written = self.written()?;
        while at < written && at + HEADER_LEN as u64 <= self.len {
            if let Some((header, body, padding)) = self.window.frame(self.segment, at)?
                && frame::body_holds(&header, body, padding)
                && (header.kind != FrameKind::Commit || frame::payloads(&header, body).is_some())
            {
                self.end = at;
                self.last = Lsn(header.lsn.0.saturating_sub(u64::from(header.kind == FrameKind::Commit)));
                self.ended = false;
                return Ok(true);
            }
            at += 8;
        }
        Ok(false)
    }

    /// Whether neither a power cut nor a kill explains the first bad frame: no sector of it is missing, and its end is
    /// there. A sector that never reached the disk reads as zeros, or lies behind the end of the file; so does what a
    /// process that was killed in the midst of a write did not come to. A whole frame may end with zeros too: when one
    /// flipped bit explains its checksum, it is one. One byte that is not zero where a header would stand is none: it was
    /// flipped in space that no frame has used.
    pub(super) fn is_suspect(&mut self) -> io::Result<bool> {
        let at = self.end;
        let left = self.len.saturating_sub(at);
        if left < HEADER_LEN as u64 {
            return Ok(false);
        }
        let nonzero = self.nonzero()?;
        let head = self.window.get(at, HEADER_LEN as u64)?;
        let len = match FrameHeader::decode(head, self.segment.seed, at) {
            None => {
                let bytes = head.iter().filter(|byte| **byte != 0).count();
                let ends = nonzero < at + HEADER_LEN as u64;
                if bytes <= 1 || ends && !frame::is_header_one_bit_off(head, self.segment.seed, at) {
                    return Ok(false);
                }
                HEADER_LEN as u64
            }
            Some(header) => {
                let len = HEADER_LEN as u64 + u64::from(header.body_len);
                if header.frame_len() > left {
                    return Ok(false);
                }
                if nonzero < at + len {
                    let body = self.window.get(at + HEADER_LEN as u64, u64::from(header.body_len))?;
                    let within = nonzero.saturating_sub(at + HEADER_LEN as u64) as usize;
                    if !frame::is_one_bit_off(body, within, header.body_crc) {
                        return Ok(false);
                    }
                }
                len
            }
        };
        let mut from = at;
        while from < at + len {
            let to = ((from / SECTOR + 1) * SECTOR).min(at + len);
            if self.window.get(from, to - from)?.iter().all(|byte| *byte == 0) {
                return Ok(false);
            }
            from = to;
        }
        Ok(true)
    }
}

impl Iterator for Frames<'_> {
    type Item = Result<Replayed>;

    fn next(&mut self) -> Option<Result<Replayed>> {
        if self.ended {
            return None;
        }
        let next = self.step().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

fn replay(segment: &Segment, at: u64, header: &FrameHeader, body: &[u8]) -> Result<Replayed> {
    let payloads = frame::payloads(header, body)
        .ok_or_else(|| Error::corrupt(&segment.path, at, "the blocks of a frame do not fill its body"))?;
    let blocks = payloads
        .into_iter()
        .map(|(inside, payload)| {
            let place = BlockPlace {
                file: FileId::Segment(segment.id),
                frame: at,
                offset: at + inside,
                len: u32::try_from(payload.len()).unwrap_or(u32::MAX),
            };
            Arc::new(Block { place, base: 0, bytes: payload.into() })
        })
        .collect();
    Ok(Replayed { lsn: header.lsn, blocks })
}

/// Header, body and padding.
type Unchecked<'a> = (FrameHeader, &'a [u8], &'a [u8]);

/// A part of the file in memory, moved along as it is read.
struct Window<'a> {
    file: &'a dyn VfsFile,
    len: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// The frame at this offset: header, body, padding; `None` when no header holds there or the file ends
    /// before the frame does. The body is not checked.
    fn frame(&mut self, segment: &Segment, at: u64) -> io::Result<Option<Unchecked<'_>>> {
        let left = self.len.saturating_sub(at);
        if left < HEADER_LEN as u64 {
            return Ok(None);
        }
        let head = self.get(at, HEADER_LEN as u64)?;
        let Some(header) = FrameHeader::decode(head, segment.seed, at) else { return Ok(None) };
        if header.frame_len() > left {
            return Ok(None);
        }
        let frame = self.get(at, header.frame_len())?;
        let (_, rest) = frame.split_at(HEADER_LEN);
        let (body, padding) = rest.split_at(header.body_len as usize);
        Ok(Some((header, body, padding)))
    }

    /// Bytes that the caller has bounded by the file's length.
    fn get(&mut self, at: u64, len: u64) -> io::Result<&[u8]> {
        let held = self.start..self.start + self.bytes.len() as u64;
        if !held.contains(&at) || at + len > held.end {
            let wanted = len.max(WINDOW).min(self.len.saturating_sub(at));
            self.bytes.resize(wanted as usize, 0);
            self.bytes.shrink_to(2 * WINDOW as usize);
            self.start = at;
            read_exact_at(self.file, at, &mut self.bytes)?;
        }
        let from = (at - self.start) as usize;
        self.bytes.get(from..from + len as usize).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
