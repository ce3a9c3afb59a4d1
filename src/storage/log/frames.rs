//! Bytes to frames: an iterator over the valid frames of one segment, and an analysis of the first invalid one.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use super::flipped::is_one_bit_off;
use super::window::{WINDOW, Window};
use crate::error::{Error, Result};
use crate::storage::contract::backend::{Block, BlockPlace, FileId, Lsn, Replayed};
use crate::storage::format::frame;
use crate::storage::format::frame::{FrameHeader, FrameKind, HEADER_LEN, MAX_BODY, UnitPlace};
use crate::storage::format::segment::{PLACE_EVERY, SEGMENT_HEADER_LEN, Segment};
use crate::storage::host::vfs::read_exact_at;

const SECTOR: u64 = 512;

/// The result of a search after an invalid frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Later {
    /// A frame at this offset.
    Found(u64),
    /// No frame.
    Nothing,
    /// The search stopped here: there are more headers than a writer leaves.
    GivenUp(u64),
}

impl Later {
    /// Why the first invalid frame is damage, if this result proves it.
    pub(crate) fn damage(self) -> Option<String> {
        match self {
            Later::Found(at) => {
                Some(format!("the frame there was durable before the frame at offset {at} was written"))
            }
            Later::GivenUp(at) => {
                Some(format!("overlapping frames begin after it, up to offset {at}; no writer makes them"))
            }
            Later::Nothing => None,
        }
    }
}

/// The valid frames from the start; ends at the SEAL, at the end of the file, or before the first invalid frame.
pub(crate) struct Frames<'a> {
    segment: &'a Segment,
    window: Window<'a>,
    /// Length of the file.
    pub(crate) len: u64,
    /// The end of the valid frames.
    pub(crate) end: u64,
    /// The LSN of the last commit.
    pub(crate) last: Lsn,
    /// Head checksum of the SEAL, once read.
    pub(crate) seal: Option<u32>,
    /// The header of the commit that was read last.
    pub(crate) header: Option<FrameHeader>,
    /// Everything before this offset was durable before the last valid frame got its place.
    pub(crate) durable_end: u64,
    unproven: VecDeque<(Lsn, u64)>,
    ended: bool,
    /// The end of the last byte that is not zero, once searched for.
    nonzero: Option<u64>,
    /// Bytes of frames that later searches may still verify.
    budget: u64,
    /// The offset from which on the next place is worth remembering.
    place_from: u64,
}

impl<'a> Frames<'a> {
    /// Starts after the header; `base` is the last commit before the segment.
    pub(crate) fn new(segment: &'a Segment, len: u64, base: Lsn) -> Frames<'a> {
        Frames::from(segment, len, (base, SEGMENT_HEADER_LEN), WINDOW)
    }

    /// Starts at the frame at this offset, before which `last` is the last commit; reads about `ahead` bytes at once.
    pub(crate) fn from(segment: &'a Segment, len: u64, (last, offset): (Lsn, u64), ahead: u64) -> Frames<'a> {
        Frames {
            segment,
            window: Window::new(&*segment.file, len).reading(ahead),
            len,
            end: offset,
            last,
            seal: None,
            header: None,
            durable_end: offset,
            unproven: VecDeque::new(),
            ended: false,
            nonzero: None,
            budget: 0,
            place_from: offset + PLACE_EVERY,
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
            if at >= self.place_from {
                self.segment.places.remember(self.last, at);
                self.place_from = at + PLACE_EVERY;
            }
            if header.is_mac(self.segment.seed) && !header.is_genuine(self.segment.cipher(), at, body) {
                let what = "a frame without content was not written with the key of the segment";
                return Err(Error::tampered(&self.segment.path, at, what));
            }
            let replayed = match header.kind {
                FrameKind::Commit => Some(replay(self.segment, at, &header, body)?),
                FrameKind::Seal | FrameKind::Mark => None,
            };
            self.end = at + header.frame_len();
            self.last = header.lsn;
            if header.kind == FrameKind::Commit {
                self.header = Some(header);
                self.unproven.push_back((header.lsn, self.end));
            }
            // A SEAL or MARK covers what is before it, not itself: its own fsync may have failed.
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

    /// The end of what was written, or a point in the zeros after it: from here on the file holds only zeros, space that no
    /// frame has used. Called after the last valid frame.
    pub(crate) fn written(&mut self) -> io::Result<u64> {
        let nonzero = self.nonzero()?;
        Ok(nonzero.next_multiple_of(8).min(self.len).max(self.end))
    }

    /// The end of the last byte that is not zero.
    fn nonzero(&mut self) -> io::Result<u64> {
        if let Some(known) = self.nonzero {
            return Ok(known);
        }
        let found = self.find_nonzero()?;
        self.nonzero = Some(found);
        Ok(found)
    }

    fn find_nonzero(&mut self) -> io::Result<u64> {
        // Holes hold zeros and are skipped: a file may have terabytes of them. Short holes are read with the rest.
        let mut extents: Vec<Range<u64>> = Vec::new();
        let mut at = self.end;
        while let Some(data) = self.data(at)? {
            at = data.end;
            match extents.last_mut().filter(|last| data.start - last.end <= WINDOW) {
                Some(last) => last.end = data.end,
                None => extents.push(data),
            }
        }
        let behind: u64 = extents.iter().map(|extent| extent.end - extent.start).sum();
        self.budget = behind.saturating_mul(3).saturating_add(4 * MAX_BODY);
        let mut bytes = Vec::new();
        for extent in extents.into_iter().rev() {
            let mut to = extent.end;
            while to > extent.start {
                let from = to.saturating_sub(WINDOW).max(extent.start);
                bytes.resize((to - from) as usize, 0);
                read_exact_at(&*self.segment.file, from, &mut bytes)?;
                if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
                    return Ok(from + last as u64 + 1);
                }
                to = from;
            }
        }
        Ok(self.end)
    }

    /// The next bytes from `at` on that are not in a hole.
    fn data(&self, at: u64) -> io::Result<Option<Range<u64>>> {
        if at >= self.len {
            return Ok(None);
        }
        let data = self.segment.file.next_data(at)?;
        Ok(data.map(|data| data.start.max(at)..data.end.min(self.len)).filter(|data| !data.is_empty()))
    }

    /// Searches after the first invalid frame for a frame that was placed when a commit after the last valid one was
    /// already durable. A power cut never removes durable bytes, so such a frame proves damage. A later valid frame alone
    /// proves nothing: sectors reach the disk in any order.
    pub(crate) fn find_proof_of_damage(&mut self) -> io::Result<Later> {
        let last = self.last;
        self.find_later(self.end + 8, |header| header.durable() > last)
    }

    /// Continues after an invalid frame, at the next frame with valid checksums, whatever its LSN is. `false` when there is
    /// none. For reports only; recovery never does this.
    pub(crate) fn skip_damage(&mut self) -> io::Result<bool> {
        let mut from = self.end;
        loop {
            let Later::Found(at) = self.find_later(from, |_| true)? else { return Ok(false) };
            if let Some((header, body, _)) = self.window.frame(self.segment, at)?
                && (header.kind != FrameKind::Commit || frame::payloads(&header, body).is_some())
            {
                self.end = at;
                self.last = Lsn(header.lsn.0.saturating_sub(u64::from(header.kind == FrameKind::Commit)));
                self.ended = false;
                return Ok(true);
            }
            from = at + 8;
        }
    }

    /// The first frame from `from` on whose header matches and whose checksums are valid.
    ///
    /// Frames of a writer do not overlap, so together they are no longer than the searched range, and random bytes rarely
    /// look like a header. A file of headers with overlapping bodies was made to keep the search busy; the search stops.
    fn find_later(&mut self, from: u64, wanted: impl Fn(&FrameHeader) -> bool) -> io::Result<Later> {
        let written = self.written()?;
        let (mut at, mut data) = (from, from..from);
        // No frame begins with zeros.
        while at < written {
            if at >= data.end {
                let Some(next) = self.data(at)? else { break };
                at = at.max(next.start / 8 * 8);
                data = next;
            }
            if let Some(header) = self.window.header(self.segment, at)?.filter(|header| wanted(header)) {
                let Some(left) = self.budget.checked_sub(header.frame_len()) else {
                    return Ok(Later::GivenUp(at));
                };
                self.budget = left;
                if self.window.holds(&header, at)? {
                    return Ok(Later::Found(at));
                }
            }
            at += 8;
        }
        Ok(Later::Nothing)
    }

    /// Whether neither a power cut nor a kill explains the first invalid frame: no sector of it is missing, and its end is
    /// present. A sector that never reached the disk reads as zeros or is beyond the end of the file; so are the bytes that
    /// a killed process had not written yet. A complete frame may also end with zeros: if one flipped bit explains its
    /// checksum, it is complete. A single byte other than zero where a header would be is not a frame: it was flipped in
    /// unused space.
    pub(crate) fn is_suspect(&mut self) -> io::Result<bool> {
        let at = self.end;
        let left = self.len.saturating_sub(at);
        if left < HEADER_LEN as u64 {
            return Ok(false);
        }
        let nonzero = self.nonzero()?;
        let head = self.window.get(at, HEADER_LEN as u64)?;
        let header = FrameHeader::decode(head, self.segment.seed, at);
        let len = match header {
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
        match header {
            // The body is read last: most torn frames are recognised before.
            Some(header) if nonzero < at + len => {
                let (body, body_len) = (at + HEADER_LEN as u64, u64::from(header.body_len));
                let found = self.window.crc(body, body_len)?;
                Ok(is_one_bit_off(found, header.body_crc, body_len, nonzero.saturating_sub(body)))
            }
            _ => Ok(true),
        }
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
    let body = if header.is_mac(segment.seed) { &[] } else { body };
    let payloads = frame::payloads(header, body)
        .ok_or_else(|| Error::corrupt(&segment.path, at, "the blocks of a frame do not fill its body"))?;
    let overhead = segment.overhead();
    let mut blocks = SmallVec::new();
    for (n, (inside, payload)) in payloads.into_iter().enumerate() {
        let stored = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let place = BlockPlace {
            file: FileId::Segment(segment.id),
            frame: at,
            offset: at + inside,
            len: stored.saturating_sub(overhead),
        };
        let first_of = (n == 0).then_some(*header);
        let unit = UnitPlace { frame: at, offset: place.offset, len: place.len, first_of };
        let bytes = segment.open_unit(unit, payload)?;
        blocks.push(Arc::new(Block { place, base: 0, bytes, transient: false }));
    }
    if blocks.is_empty() && overhead > 0 && !header.is_mac(segment.seed) {
        return Err(Error::tampered(&segment.path, at, "a commit has no content"));
    }
    Ok(Replayed { lsn: header.lsn, blocks })
}
