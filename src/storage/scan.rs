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

    /// Looks behind the first bad frame for one that was placed when a later commit than the last good one was
    /// durable already. No power cut takes away what was durable, so such a frame proves damage. A later good
    /// frame alone proves nothing: sectors reach the disk in any order.
    pub(super) fn find_proof_of_damage(&mut self) -> io::Result<Option<u64>> {
        let mut at = self.end + 8;
        while at + HEADER_LEN as u64 <= self.len {
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
        while at + HEADER_LEN as u64 <= self.len {
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

    /// Whether a power cut does not explain the first bad frame: no sector of it is missing. A sector that never
    /// reached the disk reads as zeros, or lies behind the end of the file.
    pub(super) fn is_suspect(&mut self) -> io::Result<bool> {
        let at = self.end;
        let left = self.len.saturating_sub(at);
        if left < HEADER_LEN as u64 {
            return Ok(false);
        }
        let head = self.window.get(at, HEADER_LEN as u64)?;
        let known = FrameHeader::decode(head, self.segment.seed, at);
        let len = known.map_or(HEADER_LEN as u64, |header| HEADER_LEN as u64 + u64::from(header.body_len));
        if known.map_or(len, |header| header.frame_len()) > left {
            return Ok(false);
        }
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
