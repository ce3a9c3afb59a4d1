//! The log: frames, segments, manifests, and what the engine makes of their records. Snapshots stand in `snapshots`.

use std::path::Path;

use moltendb_node::Database;
use moltendb_node::error::{Error, Kind};
use moltendb_node::options::{Access, OpenOptions, RecoveryPolicy, StorageMode};
use moltendb_node::storage::frame::{self, FrameHeader, FrameKind, HEADER_LEN, HeadSeed};
use moltendb_node::storage::manifest::{LEN, Manifest};
use moltendb_node::storage::segment::{SegmentHeader, segment_name};
use moltendb_node::storage::{FrameSize, Loader, Lsn, RecoveryReport, Replayed, SnapshotBlock, open_disk};

use super::Input;
use super::disk::{DIR, Disk};
use super::values::read_whole;

pub(super) const SALT: [u8; 16] = [0x5a; 16];
pub(super) const SEGMENT: u64 = 1;
/// Bytes of input that an entry looks at, so that memory is bounded by it.
pub(super) const LONGEST: usize = 64 << 10;

/// The checksum of a head as the format defines it, computed independently of the package.
fn head_crc(salt: &[u8; 16], segment: u64, offset: u64, head: &[u8]) -> u32 {
    let seed = crc32c::crc32c_append(crc32c::crc32c(salt), &segment.to_le_bytes());
    let seed = crc32c::crc32c_append(seed, &offset.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(seed, &head[0..4]), &head[8..32])
}

fn set(head: &mut [u8], at: usize, field: &[u8]) {
    head[at..at + field.len()].copy_from_slice(field);
}

/// Bytes as a frame: as they are, and with valid checksums.
pub fn frame(data: &[u8]) {
    let data = &data[..data.len().min(LONGEST)];
    let seed = HeadSeed::new(&SALT, SEGMENT);
    let _ = FrameHeader::decode(data, seed, 64);
    let mut input = Input(data);
    let offset = u64::from(input.short()) * 8;
    let Some((head, body)) = input.0.split_first_chunk::<HEADER_LEN>() else { return };
    let mut head = *head;
    let exact = head[28] == 1 && head[0] & 1 == 0;
    if exact {
        set(&mut head, 0, &(body.len() as u32).to_le_bytes());
        set(&mut head, 20, &crc32c::crc32c(body).to_le_bytes());
    }
    let crc = head_crc(&SALT, SEGMENT, offset, &head);
    set(&mut head, 4, &crc.to_le_bytes());
    let Some(header) = FrameHeader::decode(&head, seed, offset) else { return };
    assert_eq!((header.head_crc, header.lsn.0), (crc, frame::u64_at(&head, 8)));
    assert!(header.frame_len() >= HEADER_LEN as u64 && header.frame_len().is_multiple_of(8));
    assert!(header.durable() <= header.lsn);
    assert_eq!(FrameHeader::decode(&head, seed, offset + 8), None, "a frame belongs to one offset");
    if header.kind != FrameKind::Commit {
        assert_eq!(header.body_len, 0);
        return;
    }
    assert!(!exact || frame::body_holds(&header, body, &[]));
    let Some(payloads) = frame::payloads(&header, body) else { return };
    let lengths: Vec<u32> = payloads.iter().map(|(_, payload)| payload.len() as u32).collect();
    for (at, payload) in &payloads {
        let from = *at as usize - HEADER_LEN;
        assert_eq!(body.get(from..from + payload.len()), Some(*payload));
    }
    if header.one_block == (lengths.len() == 1) {
        let places: Vec<u64> = payloads.iter().map(|(at, _)| *at).collect();
        assert_eq!(frame::payload_offsets(&lengths, 0).as_slice(), places);
        let size = FrameSize { blocks: lengths.into_iter().collect(), records: 0 };
        assert_eq!(frame::body_len(&size, 0), body.len() as u64);
    }
}

/// What is wrong with a frame that [`Log`] writes; each a bit.
const NO_BODY_CRC: u8 = 1;
const NO_HEAD_CRC: u8 = 2;
const DIRTY_PADDING: u8 = 4;
const ONE: u8 = 8;
const LONGER: u8 = 16;

/// A segment in the making.
pub(super) struct Log {
    pub(super) bytes: Vec<u8>,
    lsn: u64,
    seal: u32,
}

impl Log {
    fn new(sync: bool) -> Log {
        Log::after(sync, Lsn(0), 0)
    }

    /// A segment that continues after this commit and SEAL.
    pub(super) fn after(sync: bool, base_lsn: Lsn, prev_seal_crc: u32) -> Log {
        let header =
            SegmentHeader { sync, encrypted: false, id: SEGMENT, base_lsn, salt: SALT, prev_seal_crc };
        Log { bytes: header.encode().to_vec(), lsn: base_lsn.0, seal: 0 }
    }

    fn push(&mut self, kind: u8, lag: u32, faults: u8, body: &[u8]) {
        let offset = self.bytes.len() as u64;
        let longer = if faults & LONGER != 0 { 1 << 24 } else { 0 };
        let mut head = [0; HEADER_LEN];
        set(&mut head, 0, &(body.len() as u32 + longer).to_le_bytes());
        set(&mut head, 8, &self.lsn.to_le_bytes());
        set(&mut head, 16, &lag.to_le_bytes());
        let crc = crc32c::crc32c(body) ^ u32::from(faults & NO_BODY_CRC);
        set(&mut head, 20, &crc.to_le_bytes());
        set(&mut head, 24, &1u32.to_le_bytes());
        head[28] = kind;
        head[29] = u8::from(faults & ONE != 0);
        let crc = head_crc(&SALT, SEGMENT, offset, &head) ^ u32::from(faults & NO_HEAD_CRC);
        set(&mut head, 4, &crc.to_le_bytes());
        self.bytes.extend_from_slice(&head);
        self.bytes.extend_from_slice(body);
        while !self.bytes.len().is_multiple_of(8) {
            self.bytes.push(u8::from(faults & DIRTY_PADDING != 0));
        }
        self.seal = crc;
    }

    pub(super) fn commit(&mut self, payload: &[u8]) {
        self.lsn = self.lsn.wrapping_add(1);
        self.push(1, 0, ONE, payload);
    }

    /// The last commit.
    pub(super) fn lsn(&self) -> u64 {
        self.lsn
    }

    /// A SEAL (2) or a MARK (3).
    pub(super) fn mark(&mut self, kind: u8) {
        self.push(kind, 0, 0, &[]);
    }

    /// A commit of several blocks; the last says that it is `longer`.
    pub(super) fn blocks(&mut self, payloads: &[&[u8]], longer: u32) {
        let mut body = Vec::new();
        for (n, payload) in payloads.iter().enumerate() {
            let more = if n + 1 == payloads.len() { longer } else { 0 };
            body.extend_from_slice(&(payload.len() as u32 + more).to_le_bytes());
            body.extend_from_slice(&crc32c::crc32c(payload).to_le_bytes());
            body.extend_from_slice(payload);
        }
        self.lsn = self.lsn.wrapping_add(1);
        self.push(1, 0, 0, &body);
    }

    /// The header of a commit with a body of this length, and no body.
    pub(super) fn head(&mut self, len: u32) {
        let mut head = [0; HEADER_LEN];
        set(&mut head, 0, &len.to_le_bytes());
        set(&mut head, 8, &self.lsn.wrapping_add(1).to_le_bytes());
        head[28] = 1;
        let crc = head_crc(&SALT, SEGMENT, self.bytes.len() as u64, &head);
        set(&mut head, 4, &crc.to_le_bytes());
        self.bytes.extend_from_slice(&head);
    }

    fn into_disk(self) -> Disk {
        let manifest = Manifest::new([1; 16]).encode().to_vec();
        Disk::with([("MANIFEST".to_owned(), manifest), (segment_name(SEGMENT), self.bytes)])
    }
}

type Content = Vec<(u64, Vec<Vec<u8>>)>;

#[derive(Default)]
struct Loaded(Content);

impl Loader for Loaded {
    fn database_block(&mut self, _: SnapshotBlock) -> Result<(), Error> {
        Ok(())
    }

    fn documents(&self, _: SnapshotBlock) -> Result<(), Error> {
        Ok(())
    }

    fn frame(&mut self, frame: Replayed) -> Result<(), Error> {
        self.0.push((frame.lsn.0, frame.blocks.iter().map(|block| block.bytes.to_vec()).collect()));
        Ok(())
    }
}

fn options(access: Access, recovery: RecoveryPolicy) -> OpenOptions {
    OpenOptions { storage: StorageMode::Sync, access, recovery, ..OpenOptions::default() }
}

fn open(disk: &Disk, access: Access, recovery: RecoveryPolicy) -> Result<(RecoveryReport, Content), Error> {
    let mut content = Loaded::default();
    let opened = open_disk(&disk.host(), Path::new(DIR), &options(access, recovery), None, &mut content)?;
    Ok((opened.report, content.0))
}

pub(super) fn check_refusal(error: &Error) {
    let known = matches!(error.kind(), Kind::Corrupt | Kind::CorruptTail | Kind::Version | Kind::KeyRequired);
    assert!(known, "damage is answered with {error:?}");
    assert!(error.details().file.is_some(), "damage names its file: {error:?}");
}

/// A sequence of frames, some with faults, and bytes after them: opened, repaired, opened again.
pub fn segment(data: &[u8]) {
    let mut input = Input(&data[..data.len().min(LONGEST)]);
    let mode = input.byte();
    let mut log = Log::new(mode & 1 != 0);
    while mode & 2 == 0 && !input.is_empty() {
        let (kind, step, lag, faults) = (input.byte() % 5, input.byte(), input.byte(), input.byte());
        if kind == 4 {
            break;
        }
        let commits = u64::from(kind == 1 || kind == 0);
        log.lsn = if step < 240 { log.lsn + commits } else { log.lsn.wrapping_add(u64::from(step)) };
        let len = usize::from(input.short() % 2048);
        let body = if kind > 1 { &[] } else { input.take(len) };
        log.push(kind.max(1), u32::from(lag), faults, body);
    }
    log.bytes.extend_from_slice(input.0);
    let disk = log.into_disk();
    let before = disk.content();
    let strict = open(&disk, Access::ReadOnly, RecoveryPolicy::Strict);
    assert!(disk.content() == before, "reading changed the disk");
    let policy = if mode & 4 != 0 { RecoveryPolicy::Truncate } else { RecoveryPolicy::Strict };
    match open(&disk, Access::ReadWrite, policy) {
        Err(error) => {
            check_refusal(&error);
            for (path, bytes) in &before {
                assert_eq!(disk.content().get(path), Some(bytes), "a refused database was changed");
            }
        }
        Ok((report, content)) => {
            assert_eq!(report.frames_replayed, content.len() as u64);
            if let Ok((_, read)) = strict {
                assert_eq!(read, content);
            }
            let (again, same) =
                open(&disk, Access::ReadWrite, RecoveryPolicy::Strict).expect("a mended log opens");
            assert_eq!((again.bytes_cut, same), (0, content), "a mended log is whole");
        }
    }
}

/// Bytes as a manifest: as they are, and with a valid checksum; then a database with it.
pub fn manifest(data: &[u8]) {
    let mut bytes = [0; LEN];
    let len = data.len().min(LEN);
    bytes[..len].copy_from_slice(&data[..len]);
    let path = Path::new("/db/MANIFEST");
    let _ = Manifest::decode(&bytes, path).map_err(|error| check_refusal(&error));
    let crc = crc32c::crc32c(&bytes[..LEN - 4]);
    set(&mut bytes, LEN - 4, &crc.to_le_bytes());
    match Manifest::decode(&bytes, path) {
        Err(error) => check_refusal(&error),
        Ok(manifest) => {
            assert_eq!(Manifest::decode(&manifest.encode(), path).ok(), Some(manifest.clone()));
            let mut log = Log::new(true);
            log.commit(b"a payload");
            let files = [("MANIFEST".to_owned(), bytes.to_vec()), (segment_name(SEGMENT), log.bytes)];
            let disk = Disk::with(files);
            let _ =
                open(&disk, Access::ReadOnly, RecoveryPolicy::Strict).map_err(|error| check_refusal(&error));
            let _ =
                open(&disk, Access::ReadWrite, RecoveryPolicy::Strict).map_err(|error| check_refusal(&error));
        }
    }
}

/// Payloads of which only the checksums were checked: the engine replays them, reads them and writes more.
pub fn records(data: &[u8]) {
    let mut input = Input(&data[..data.len().min(LONGEST)]);
    let mut log = Log::new(false);
    let mode = input.byte();
    if mode & 1 != 0 {
        log.commit(&super::values::first_payload());
    }
    while !input.is_empty() {
        let len = usize::from(input.short());
        log.commit(input.take(if mode & 2 != 0 { usize::MAX } else { len }));
    }
    let disk = log.into_disk();
    let _ = super::crafted::agree(&disk);
    let options = OpenOptions { storage: StorageMode::Async, ..OpenOptions::default() };
    let open = || Database::open_on(&disk.host(), DIR, options.clone(), super::values::runtime());
    let database = match open() {
        Ok(database) => database,
        Err(error) => return check_refusal(&error),
    };
    let written = read_whole(&database, true);
    database.close().expect("a database without faults closes");
    let database = open().expect("what was opened and closed opens again");
    assert!(read_whole(&database, false) == written, "documents changed while the database was closed");
    database.close().expect("a database without faults closes");
}
