//! The files of a database of MoltenDB, entry by entry.

use std::ffi::OsString;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::GzDecoder;

use crate::engine::exec::interrupt::Interrupt;
use crate::error::{Error, Kind, Result};
use crate::storage::Host;
use crate::storage::vfs::{EntryKind, OpenMode, VfsFile, read_exact_at, zeros};

/// The longest entry: a document of 16 MiB whose characters are all escaped takes less.
pub(super) const MAX_ENTRY: u64 = 128 << 20;
/// Bytes read at once.
const CHUNK: u64 = 1 << 20;

/// What the entries of a file are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// JSON: MoltenDB 0.6.
    Json,
    /// MessagePack: MoltenDB 1.0.
    MessagePack,
}

/// The role of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Log,
    Cold,
    Snapshot,
}

struct Part {
    path: PathBuf,
    role: Role,
    file: Arc<dyn VfsFile>,
    length: u64,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The number of its file.
    pub(super) file: usize,
    /// Its line, or its number in the file, from 1.
    pub(super) line: u64,
    /// Its first byte; `None` where the file is compressed.
    pub(super) offset: Option<u64>,
    /// Its bytes.
    pub(super) length: u64,
}

/// An entry as it stands in its file.
pub(super) enum Piece<'a> {
    /// Its bytes.
    Bytes(&'a [u8], Written),
    /// What is wrong with it, where its bytes cannot be looked at.
    Fault(String),
}

/// The files, the oldest first.
pub(super) struct Source {
    parts: Vec<Part>,
    written: Written,
    /// Lines of the log that are in the snapshot.
    covered: u64,
}

impl Source {
    /// Opens the files of the database with this log.
    pub(super) fn open(host: &Host, log: &Path) -> Result<Source> {
        let mut source = Source { parts: Vec::new(), written: Written::Json, covered: 0 };
        let cold = cold_path(log);
        for (path, role) in
            [(cold, Role::Cold), (snapshot_path(log), Role::Snapshot), (log.into(), Role::Log)]
        {
            if let Some(part) = open_part(host, path, role)? {
                source.parts.push(part);
            }
        }
        if !source.parts.iter().any(|part| part.role != Role::Cold) {
            let message = format!(
                "there is no {}, nor a snapshot of it beside it; name the log of a database of MoltenDB",
                log.display()
            );
            return Err(Error::new(Kind::Io, message));
        }
        source.written = source.format()?;
        Ok(source)
    }

    /// The path of a file.
    pub(super) fn path(&self, file: usize) -> &Path {
        self.parts.get(file).map_or(Path::new(""), |part| &part.path)
    }

    /// How many entries of the log are left out, as the snapshot says that it has them.
    pub(super) fn covered(&self) -> u64 {
        self.covered
    }

    /// What the database is written in.
    pub(super) fn written(&self) -> Written {
        self.written
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.length).sum()
    }

    /// Whether an entry ends where its file does.
    pub(super) fn is_at_end(&self, place: &Place) -> bool {
        let length = self.parts.get(place.file).map(|part| part.length);
        place.offset.map(|offset| offset + place.length) == length
    }

    /// The bytes of an entry again.
    pub(super) fn reread(&self, place: &Place) -> Option<Vec<u8>> {
        let part = self.parts.get(place.file)?;
        let mut bytes = zeros(Some(place.length).filter(|length| *length <= MAX_ENTRY)?).ok()?;
        read_exact_at(&*part.file, place.offset?, &mut bytes).ok()?;
        Some(bytes)
    }

    /// By the snapshot, if there is one, or else by the first bytes of the log: frames begin with their length.
    fn format(&self) -> Result<Written> {
        for part in self.parts.iter().rev() {
            let mut start = [0; 8];
            let read = read_up_to(&*part.file, 0, &mut start);
            let read = read.map_err(|error| Error::io("read", &part.path, error))?;
            match (part.role, &start) {
                (Role::Snapshot, b"MOLTSNG4") => return Ok(Written::MessagePack),
                (Role::Snapshot, b"MOLTSNG3") => {
                    let message = format!(
                        "{} was written by a release between 0.6 and 1.0, which cannot be read; open and compact the database with another",
                        part.path.display()
                    );
                    return Err(Error::new(Kind::Version, message));
                }
                (Role::Log, [_, _, _, 0..=7, 0x80..=0x8f, ..]) if read > 4 => {
                    return Ok(Written::MessagePack);
                }
                _ => {}
            }
        }
        Ok(Written::Json)
    }

    /// Gives each entry of each file to `visit`, in order. `visit` may stop by an error.
    pub(super) fn each(
        &mut self,
        interrupt: &Interrupt,
        mut visit: impl FnMut(&Source, &Place, Piece<'_>) -> Result<()>,
    ) -> Result<()> {
        self.covered = 0;
        for file in 0..self.parts.len() {
            let Some(part) = self.parts.get(file) else { break };
            let reader = BufReader::with_capacity(
                CHUNK as usize,
                FileReader { file: part.file.clone(), at: 0, interrupt: interrupt.clone() },
            );
            let (role, path, length) = (part.role, part.path.clone(), part.length);
            let walk = Walk { source: self, file, length, visit: &mut visit };
            let outcome = match role {
                Role::Cold => walk.lines(reader, 0),
                Role::Log if self.written == Written::MessagePack => walk.frames(reader, self.covered),
                Role::Log => walk.lines(reader, self.covered),
                Role::Snapshot => walk.snapshot(reader).map(|covered| self.covered = covered),
            };
            outcome.map_err(|stop| match stop {
                Stop::Refused(error) => error,
                Stop::Unread(error) => Error::io("read", &path, error),
            })?;
        }
        Ok(())
    }
}

/// Why a file is not read on.
enum Stop {
    Refused(Error),
    Unread(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Unread(error)
    }
}

/// The way through one file.
struct Walk<'s, V> {
    source: &'s Source,
    file: usize,
    length: u64,
    visit: &'s mut V,
}

impl<V: FnMut(&Source, &Place, Piece<'_>) -> Result<()>> Walk<'_, V> {
    fn tell(
        &mut self,
        (line, offset, length): (u64, Option<u64>, u64),
        piece: Piece<'_>,
    ) -> Result<(), Stop> {
        let place = Place { file: self.file, line, offset, length };
        (self.visit)(self.source, &place, piece).map_err(Stop::Refused)
    }

    /// Lines behind the first ones.
    fn lines(mut self, mut from: impl io::BufRead, skip: u64) -> Result<(), Stop> {
        let mut line = Vec::new();
        let (mut number, mut start, mut length) = (1_u64, 0_u64, 0_u64);
        loop {
            let chunk = from.fill_buf()?;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let taken = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            let at_end = chunk.is_empty();
            length += taken.len() as u64;
            if number > skip && length <= MAX_ENTRY {
                line.extend_from_slice(taken);
            }
            let used = taken.len() + usize::from(end.is_some());
            from.consume(used);
            if end.is_none() && !at_end {
                continue;
            }
            let place = (number, Some(start), length);
            if number > skip && length > MAX_ENTRY {
                let message = format!("it has {length} bytes; an entry has at most {}", MAX_ENTRY);
                self.tell(place, Piece::Fault(message))?;
            } else if number > skip && !line.trim_ascii().is_empty() {
                self.tell(place, Piece::Bytes(&line, Written::Json))?;
            }
            if at_end {
                return Ok(());
            }
            line.clear();
            line.shrink_to(CHUNK as usize);
            (number, start, length) = (number + 1, start + length + 1, 0);
        }
    }

    /// Frames of a length and as many bytes, behind the first ones. After a length that cannot be, nothing more can be found.
    fn frames(mut self, mut from: impl Read, skip: u64) -> Result<(), Stop> {
        let (mut number, mut at) = (1, 0);
        while at < self.length {
            let left = self.length - at;
            let mut head = [0; 4];
            let length = match left {
                ..4 => u64::MAX,
                _ => {
                    from.read_exact(&mut head)?;
                    u64::from(u32::from_le_bytes(head))
                }
            };
            let place = (number, Some(at + 4), length);
            if length > left.saturating_sub(4) || length == 0 {
                let message = match length {
                    0 => "it is empty, so nothing behind it can be read",
                    _ => "it is cut off: the file ends before it does, and nothing behind it can be read",
                };
                return self.tell((number, Some(at), left), Piece::Fault(message.to_owned()));
            }
            if number <= skip {
                io::copy(&mut from.by_ref().take(length), &mut io::sink())?;
            } else {
                self.entry(&mut from, (place, length), Written::MessagePack)?;
            }
            (number, at) = (number + 1, at + 4 + length);
        }
        Ok(())
    }

    /// Reads an entry of this length and tells it.
    fn entry(
        &mut self,
        from: &mut impl Read,
        (place, length): ((u64, Option<u64>, u64), u64),
        written: Written,
    ) -> Result<(), Stop> {
        if length > MAX_ENTRY {
            io::copy(&mut from.take(length), &mut io::sink())?;
            let message = format!("it has {length} bytes; an entry has at most {MAX_ENTRY}");
            return self.tell(place, Piece::Fault(message));
        }
        // Grows with what is there: in a compressed file the length may be a lie.
        let mut bytes = Vec::new();
        from.take(length).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        self.tell(place, Piece::Bytes(&bytes, written))
    }

    /// A snapshot; returns how many lines of the log it covers.
    fn snapshot(mut self, mut from: impl Read) -> Result<u64, Stop> {
        let mut head = [0; 24];
        if self.length < 24 {
            let message = "the snapshot is shorter than its head; nothing in it can be read";
            self.tell((0, Some(0), self.length), Piece::Fault(message.to_owned()))?;
            return Ok(0);
        }
        from.read_exact(&mut head)?;
        let [magic, covered, count] = [0, 8, 16].map(|at| {
            let bytes = head.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).unwrap_or_default();
            u64::from_le_bytes(bytes)
        });
        match &magic.to_le_bytes() {
            b"MOLTSNAP" => self.entries(from, count, 8, Written::Json)?,
            b"MOLTSNG4" => self.entries(GzDecoder::new(from), count, 4, Written::MessagePack)?,
            _ => {
                let message = "it is no snapshot of MoltenDB: its first bytes are others";
                self.tell((0, Some(0), self.length), Piece::Fault(message.to_owned()))?;
                return Ok(0);
            }
        }
        Ok(covered)
    }

    /// Its entries, whose lengths take so many bytes; those before damage count.
    fn entries(
        &mut self,
        mut from: impl Read,
        count: u64,
        width: usize,
        written: Written,
    ) -> Result<(), Stop> {
        let mut at = Some(24).filter(|_| written == Written::Json);
        for number in 1..=count {
            let mut length = [0; 8];
            let head = length.get_mut(..width).unwrap_or_default();
            let read = from.read_exact(head).map_err(Stop::Unread).and_then(|()| {
                let length = u64::from_le_bytes(length);
                let offset = at.map(|at| at + width as u64);
                at = offset.map(|offset| offset.saturating_add(length));
                if length == 0 || at.is_some_and(|at| at > self.length) {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                }
                self.entry(&mut from, ((number, offset, length), length), written)
            });
            match read {
                Ok(()) => {}
                Err(Stop::Unread(error)) if is_damage(&error) => {
                    let rest = count - number;
                    let message = format!(
                        "the snapshot is damaged here, and {rest} entries behind it cannot be read: {error}"
                    );
                    return self.tell((number, None, 0), Piece::Fault(message));
                }
                Err(stop) => return Err(stop),
            }
        }
        // Reading on to the end compares the checksum, if there is one.
        let fault = match from.read(&mut [0]) {
            Ok(0) => return Ok(()),
            Ok(_) => "it has more than the entries that it says it has".to_owned(),
            Err(error) if is_damage(&error) => format!("an entry of it is damaged: {error}"),
            Err(error) => return Err(error.into()),
        };
        self.tell((0, None, 0), Piece::Fault(fault))
    }
}

/// Errors of gzip, and the end of the file.
fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | UnexpectedEof)
}

struct FileReader {
    file: Arc<dyn VfsFile>,
    at: u64,
    interrupt: Interrupt,
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(self.at, buffer)?;
        self.at += read as u64;
        self.interrupt.advance(read as u64);
        Ok(read)
    }
}

fn read_up_to(file: &dyn VfsFile, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(offset + done as u64, rest) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

fn open_part(host: &Host, path: PathBuf, role: Role) -> Result<Option<Part>> {
    let unread = |error| Error::io("open", &path, error);
    match host.vfs.kind(&path).map_err(unread)? {
        None => return Ok(None),
        Some(EntryKind::Directory) if role == Role::Log => {
            let message = format!(
                "{} is a directory; name the log of a database of MoltenDB, the file that it was opened with",
                path.display()
            );
            return Err(Error::new(Kind::Io, message));
        }
        Some(_) => {}
    }
    // A link is followed: the file is only read.
    let real = host.vfs.real(&path).map_err(unread)?;
    let file = host.vfs.open(&real, OpenMode::Read).map_err(unread)?;
    let length = file.len().map_err(unread)?;
    Ok(Some(Part { path, role, file, length }))
}

fn snapshot_path(log: &Path) -> PathBuf {
    let mut name = OsString::from(log);
    name.push(".snapshot.bin");
    name.into()
}

fn cold_path(log: &Path) -> PathBuf {
    let text = log.as_os_str().to_string_lossy();
    match text.strip_suffix(".log") {
        Some(stem) if log.to_str().is_some() => format!("{stem}.cold.log").into(),
        _ => {
            let mut name = OsString::from(log);
            name.push(".cold.log");
            name.into()
        }
    }
}
