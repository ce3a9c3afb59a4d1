//! MANIFEST: 512 bytes that name the files of the database. It is only ever replaced atomically. The records of
//! [`super::witnessed`] follow it during a session that has written and is not closed.
//!
//! ```text
//! offset   0  magic "MOLTNMAN"      8  u32 version        12  u32 flags: bit 0 encrypted
//!         16  id of the database    32  u64 generation     40  u64 first segment
//!         48  u64 snapshot id (0: none)   56  u64 its length   64  its hash, 32 bytes
//!         96  u64 clean: segment (0: none)   104  u64 its length   112  u64 its last lsn
//!        120  key derivation, 64 bytes       184  wrapped data key, 72 bytes
//!        256  u64 first segment kept for its history (0: none is kept)
//!        264  u64 the first segment of the history, where the log from it on begins with an empty database; otherwise 0
//!        272  u64 first snapshot kept, with the log behind it (0: none is kept)
//!        280  u64 segments from this one on are being written with other keys, and are no part of the database (0: none are)
//!        288  zero                  492  mac, 16 bytes    508  u32 crc32c over what stands before
//! ```
//!
//! Encrypted: the mac is over the bytes before it. Without encryption it is zero, as are key derivation and wrapped key.

use std::io;
use std::path::Path;

use super::frame::{array_at, u32_at, u64_at};
use super::version::{FORMAT_VERSION, LARGEST_NUMBER, check_version};
use super::witnessed::{self, Witnessed};
use crate::error::{Details, Error, Kind, Result};
use crate::storage::cipher::cipher::Cipher;
use crate::storage::cipher::key_block::KeyBlock;
use crate::storage::cipher::unit::{FileCipher, is_same};
use crate::storage::host::system::Host;
use crate::storage::host::vfs::{OpenMode, read_exact_at, write_all_at};

/// Name of the file.
pub const NAME: &str = "MANIFEST";
/// Name of the file while it is written.
pub const TMP_NAME: &str = "MANIFEST.tmp";
/// Its length.
pub const LEN: usize = 512;

const MAGIC: &[u8; 8] = b"MOLTNMAN";
const CRC_AT: usize = LEN - 4;
const MAC_AT: usize = 492;
const ENCRYPTED: u32 = 1;

/// What a clean close recorded about the newest segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clean {
    /// The segment; the record is valid while it is the newest.
    pub segment: u64,
    /// Its exact length, SEAL included.
    pub len: u64,
    /// Its last lsn.
    pub lsn: u64,
}

/// The snapshot that the segments continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotRef {
    /// Its id.
    pub id: u64,
    /// Its length.
    pub len: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl SnapshotRef {
    /// The checksums of its header and of its footer, which depend on its salt and cover all others.
    pub(crate) fn sums(&self) -> u64 {
        u64_at(&self.hash, 16)
    }
}

/// The manifest, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Whether blocks are encrypted.
    pub encrypted: bool,
    /// Made at creation, never changed.
    pub database: [u8; 16],
    /// Counts compactions.
    pub generation: u64,
    /// Segments with a lower number belong to older generations.
    pub first_segment: u64,
    /// The snapshot, if there is one.
    pub snapshot: Option<SnapshotRef>,
    /// The newest clean close.
    pub clean: Option<Clean>,
    /// Parameters and salt of the key derivation.
    pub key_derivation: [u8; 64],
    /// The data key, encrypted with the derived key.
    pub wrapped_key: [u8; 72],
    /// Segments from this one on, below the first, are kept so that their commits can be read again; 0: none is kept.
    pub history: u64,
    /// The segment from which on the log begins with an empty database, not with a snapshot that is gone, while the history begins
    /// with it; 0: none.
    pub from_nothing: u64,
    /// Snapshots from this one on, before the current, are kept so that the states behind them can be read again; 0: none is kept.
    pub past: u64,
    /// Segments from this one on, and snapshots of later generations, are being written with other keys: they are no part of the
    /// database; 0: there are none.
    pub fence: u64,
    /// A MAC with the data key, when encrypted.
    pub mac: [u8; 16],
    /// The newest segment that a session began since the newest clean close; stored after the 512 bytes.
    pub witnessed: Option<Witnessed>,
}

impl Manifest {
    /// The manifest of a new, empty, plain database.
    pub fn new(database: [u8; 16]) -> Manifest {
        Manifest {
            encrypted: false,
            database,
            generation: 1,
            first_segment: 1,
            snapshot: None,
            clean: None,
            key_derivation: [0; 64],
            wrapped_key: [0; 72],
            history: 0,
            from_nothing: 0,
            past: 0,
            fence: 0,
            mac: [0; 16],
            witnessed: None,
        }
    }

    /// The manifest of a new, empty database with these keys, or none.
    pub(crate) fn of_new(database: [u8; 16], cipher: &Cipher) -> Manifest {
        Manifest::new(database).wrapped_by(cipher)
    }

    /// The same with the key block of these keys.
    #[must_use]
    pub(crate) fn wrapped_by(self, cipher: &Cipher) -> Manifest {
        let Some(KeyBlock { derivation, wrapped }) = cipher.block().copied() else { return self };
        Manifest { encrypted: true, key_derivation: derivation, wrapped_key: wrapped, ..self }
    }

    /// The wrapped data key; `None` without encryption.
    pub(crate) fn key_block(&self) -> Option<KeyBlock> {
        let (derivation, wrapped) = (self.key_derivation, self.wrapped_key);
        self.encrypted.then_some(KeyBlock { derivation, wrapped })
    }

    /// The first segment that the database keeps, for itself or for its history.
    pub fn oldest_segment(&self) -> u64 {
        if self.history == 0 { self.first_segment } else { self.history }
    }

    /// Whether a segment belongs to the log that the database continues.
    pub fn has_segment(&self, id: u64) -> bool {
        id >= self.first_segment && (self.fence == 0 || id < self.fence)
    }

    /// Whether a segment before the first is kept for the history.
    pub fn keeps_segment(&self, id: u64) -> bool {
        self.history > 0 && id >= self.history
    }

    /// Whether a snapshot before the current is kept for the states behind it.
    pub fn keeps_snapshot(&self, id: u64) -> bool {
        self.past > 0 && id >= self.past && self.snapshot.is_some_and(|named| id < named.id)
    }

    /// Whether a session has begun since the newest clean close, whose record is then invalid.
    pub fn is_in_use(&self) -> bool {
        let closed = self.clean.map_or(0, |clean| clean.segment);
        self.witnessed.is_some_and(|witnessed| witnessed.segment > closed)
    }

    /// Whether the last session that wrote has closed the database.
    pub(crate) fn is_closed(&self) -> bool {
        self.clean.is_some() && self.witnessed.is_none()
    }

    /// Encodes the manifest.
    pub fn encode(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, MAGIC);
        put(8, &FORMAT_VERSION.to_le_bytes());
        put(12, &(if self.encrypted { ENCRYPTED } else { 0 }).to_le_bytes());
        put(16, &self.database);
        put(32, &self.generation.to_le_bytes());
        put(40, &self.first_segment.to_le_bytes());
        if let Some(snapshot) = &self.snapshot {
            put(48, &snapshot.id.to_le_bytes());
            put(56, &snapshot.len.to_le_bytes());
            put(64, &snapshot.hash);
        }
        if let Some(clean) = &self.clean {
            put(96, &clean.segment.to_le_bytes());
            put(104, &clean.len.to_le_bytes());
            put(112, &clean.lsn.to_le_bytes());
        }
        put(120, &self.key_derivation);
        put(184, &self.wrapped_key);
        put(256, &self.history.to_le_bytes());
        // Once the history begins later, what it begins with is gone.
        put(264, &(if self.from_nothing == self.history { self.history } else { 0 }).to_le_bytes());
        put(272, &self.past.to_le_bytes());
        put(280, &self.fence.to_le_bytes());
        put(MAC_AT, &self.mac);
        let crc = crc32c::crc32c(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Encodes it with the mac of these keys, and its record.
    fn encode_sealed(&self, cipher: &Cipher) -> Vec<u8> {
        let macs = macs(cipher);
        let mac = macs.mac(&[&self.encode()[..MAC_AT]]);
        let mut bytes = Manifest { mac, ..self.clone() }.encode().to_vec();
        bytes.extend(self.witnessed.iter().flat_map(|witnessed| witnessed.encode_sealed(&macs)));
        bytes
    }

    /// Refuses one that these keys have not written, or whose database has none.
    fn check_keys(&self, bytes: &[u8; LEN], path: &Path, cipher: &Cipher) -> Result<()> {
        match (self.encrypted, cipher.is_sealing()) {
            (false, false) => Ok(()),
            (true, false) => Err(key_required(path)),
            (false, true) => {
                Err(Error::tampered(path, 12, "it says that the database is not encrypted, and it is"))
            }
            (true, true) if is_same(&macs(cipher).mac(&[&bytes[..MAC_AT]]), &self.mac) => Ok(()),
            (true, true) => Err(Error::tampered(path, 0, "its mac is not that of its content")),
        }
    }

    /// Decodes the bytes of the file at `path`; errors name that path.
    pub fn decode(bytes: &[u8; LEN], path: &Path) -> Result<Manifest> {
        if bytes[..8] != *MAGIC {
            return Err(Error::corrupt(path, 0, "it is not a manifest of this database format"));
        }
        if u32_at(bytes, CRC_AT) != crc32c::crc32c(&bytes[..CRC_AT]) {
            return Err(Error::corrupt(path, 0, "the manifest's checksum does not match"));
        }
        check_version(path, u32_at(bytes, 8))?;
        let flags = u32_at(bytes, 12);
        let is_old = flags & ENCRYPTED != 0 && u32_at(bytes, 8) != FORMAT_VERSION;
        if flags & !ENCRYPTED != 0 || is_old || bytes[288..MAC_AT].iter().any(|byte| *byte != 0) {
            return Err(Error::corrupt(path, 12, "the manifest holds fields of no known format"));
        }
        // Generation, segments, lengths and LSN; the snapshot's hash is between them.
        if [32, 40, 48, 56, 96, 104, 112, 256, 272, 280].iter().any(|at| u64_at(bytes, *at) > LARGEST_NUMBER)
        {
            return Err(Error::corrupt(path, 32, "the manifest holds a number that no database reaches"));
        }
        if u64_at(bytes, 40) == 0 {
            return Err(Error::corrupt(
                path,
                40,
                "the manifest names segment 0; the first segment of all is 1",
            ));
        }
        if ![0, u64_at(bytes, 256)].contains(&u64_at(bytes, 264)) {
            return Err(Error::corrupt(path, 264, "the manifest holds fields of no known format"));
        }
        if u64_at(bytes, 256) > u64_at(bytes, 40) {
            return Err(Error::corrupt(
                path,
                256,
                "the manifest keeps the history from a segment on that does not belong to the past",
            ));
        }
        let past = u64_at(bytes, 272);
        if past > u64_at(bytes, 32) || past > 0 && u64_at(bytes, 256) == 0 {
            return Err(Error::corrupt(path, 272, "the manifest keeps states without the log behind them"));
        }
        let fence = u64_at(bytes, 280);
        if fence > 0 && fence <= u64_at(bytes, 40) {
            return Err(Error::corrupt(path, 280, "the manifest leaves out the segments that it names"));
        }
        let snapshot =
            SnapshotRef { id: u64_at(bytes, 48), len: u64_at(bytes, 56), hash: array_at(bytes, 64) };
        let clean = Clean { segment: u64_at(bytes, 96), len: u64_at(bytes, 104), lsn: u64_at(bytes, 112) };
        Ok(Manifest {
            encrypted: flags & ENCRYPTED != 0,
            database: array_at(bytes, 16),
            generation: u64_at(bytes, 32),
            first_segment: u64_at(bytes, 40),
            snapshot: (snapshot.id != 0).then_some(snapshot),
            clean: (clean.segment != 0).then_some(clean),
            key_derivation: array_at(bytes, 120),
            wrapped_key: array_at(bytes, 184),
            history: u64_at(bytes, 256),
            from_nothing: u64_at(bytes, 264),
            past,
            fence,
            mac: array_at(bytes, 492),
            witnessed: None,
        })
    }

    /// Reads it from the directory. If requested, fsyncs it first, so that what is read is durable.
    pub fn read(host: &Host, dir: &Path, sync: bool) -> Result<Manifest> {
        Manifest::read_named(host, &dir.join(NAME), sync)
    }

    /// Reads it from this file; its mac must be that of the host's keys.
    pub fn read_named(host: &Host, path: &Path, sync: bool) -> Result<Manifest> {
        let (manifest, bytes, records) = Manifest::read_unproven(host, path, sync)?;
        manifest.check_keys(&bytes, path, &host.cipher)?;
        let witnessed = Witnessed::decode_sealed(&records, &macs(&host.cipher), (path, LEN))?;
        Ok(Manifest { witnessed, ..manifest })
    }

    /// What it says without a proof of it: only its key block may be used.
    pub(crate) fn peek(host: &Host, path: &Path) -> Result<Manifest> {
        Ok(Manifest::read_unproven(host, path, false)?.0)
    }

    fn read_unproven(host: &Host, path: &Path, sync: bool) -> Result<(Manifest, [u8; LEN], Vec<u8>)> {
        let mode = if sync { OpenMode::ReadWrite } else { OpenMode::Read };
        let file = host.vfs.open(path, mode).map_err(|error| Error::io("open", path, error))?;
        if sync {
            file.sync_all().map_err(|error| Error::io("fsync", path, error))?;
        }
        let len = file.len().map_err(|error| Error::io("measure", path, error))?;
        let behind = len
            .checked_sub(LEN as u64)
            .filter(|behind| *behind <= (witnessed::PLACES * witnessed::LEN) as u64);
        let Some(behind) = behind else {
            let what = format!("a manifest has {LEN} bytes, this file has {len}");
            return Err(Error::corrupt(path, len.min(LEN as u64), what));
        };
        let mut bytes = [0; LEN];
        read_exact_at(&*file, 0, &mut bytes).map_err(|error| Error::io("read", path, error))?;
        let manifest = Manifest::decode(&bytes, path)?;
        let mut records = vec![0; behind as usize];
        read_exact_at(&*file, LEN as u64, &mut records).map_err(|error| Error::io("read", path, error))?;
        Ok((manifest, bytes, records))
    }

    /// Replaces it: MANIFEST.tmp, fsync, rename, fsync of the directory. After an error either the old or the new one is
    /// there. Returns the number of fsyncs.
    pub fn replace(&self, host: &Host, dir: &Path) -> Result<u64> {
        self.write_aside(host, dir)?;
        Manifest::put_in_place(host, dir)?;
        Ok(2)
    }

    /// Writes MANIFEST.tmp and fsyncs it. On an error MANIFEST is what it was.
    pub fn write_aside(&self, host: &Host, dir: &Path) -> Result<()> {
        let tmp = dir.join(TMP_NAME);
        let write = || -> io::Result<()> {
            let file = host.vfs.open(&tmp, OpenMode::Create)?;
            file.set_len(0)?;
            write_all_at(&*file, 0, &self.encode_sealed(&host.cipher))?;
            file.sync_all()
        };
        write().map_err(|error| Error::io("write", &tmp, error))
    }

    /// Renames MANIFEST.tmp to MANIFEST and fsyncs the directory. After an error it is unknown which of the two a power cut
    /// would leave.
    pub fn put_in_place(host: &Host, dir: &Path) -> Result<()> {
        Manifest::rename_into_place(host, dir)?;
        host.vfs.sync_dir(dir).map_err(|error| Error::io("fsync", dir, error))
    }

    /// Renames MANIFEST.tmp to MANIFEST, not yet durably.
    pub(crate) fn rename_into_place(host: &Host, dir: &Path) -> Result<()> {
        let (tmp, target) = (dir.join(TMP_NAME), dir.join(NAME));
        host.vfs.rename(&tmp, &target).map_err(|error| Error::io("replace", &target, error))
    }
}

/// What proves the manifest and its records.
pub(super) fn macs(cipher: &Cipher) -> FileCipher {
    cipher.file("moltendb manifest", &[])
}

/// The error of an encrypted database that is opened without a key.
pub(crate) fn key_required(path: &Path) -> Error {
    let dir = path.parent().unwrap_or(path);
    let message = format!("{} is encrypted; open it with its encryptionKey", dir.display());
    let details = Details { file: Some(path.to_path_buf()), ..Details::default() };
    Error::new(Kind::KeyRequired, message).with_details(details)
}
