//! Each bit of a cleanly closed database is flipped, each file cut at each length and removed: opening says what is damaged,
//! with file and offset. Never another content, never a panic. `FLIP_BYTES=` sets how large the database is.
//!
//! LOCK and OWNER hold nothing of the database and are left out.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../fuzz/entries/disk.rs"]
mod disk;
mod loading;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use disk::{DIR, Disk};
use loading::{Heard, write_snapshot};
use moltendb_node::error::{Kind, Result};
use moltendb_node::options::{Access, OpenOptions, RecoveryPolicy, StorageMode};
use moltendb_node::storage::{Block, FrameSize, Opened, RecoveryReport, open_disk};

type Content = Vec<Vec<Vec<u8>>>;
type Files = BTreeMap<String, Vec<u8>>;

fn options() -> OpenOptions {
    OpenOptions { storage: StorageMode::Sync, segment_size: 4096, ..OpenOptions::default() }
}

fn open(disk: &Disk, options: &OpenOptions) -> Result<(RecoveryReport, Content)> {
    let mut heard = Heard::default();
    let opened = open_disk(&disk.host(), Path::new(DIR), options, None, &mut heard)?;
    Ok((opened.report, heard.commits().unwrap()))
}

fn session(disk: &Disk, options: &OpenOptions) -> Opened {
    open_disk(&disk.host(), Path::new(DIR), options, None, &mut Heard::default()).unwrap()
}

/// Commits of one to three blocks, until the database has so many bytes.
fn fill(opened: &Opened, content: &mut Content, bytes: usize) {
    let mut written = 0;
    while written < bytes {
        let n = content.len();
        let payloads: Vec<Vec<u8>> =
            (0..1 + n % 3).map(|at| vec![(n + at) as u8 | 1; 40 + n * 37 % 700]).collect();
        let size =
            FrameSize { blocks: payloads.iter().map(|payload| payload.len() as u32).collect(), records: 1 };
        let place = opened.backend.reserve(&size).unwrap();
        let blocks: Vec<_> = payloads
            .iter()
            .zip(&place.blocks)
            .map(|(payload, place)| Arc::new(Block { place: *place, base: 0, bytes: payload.clone().into() }))
            .collect();
        let completion = opened.backend.append(place, &blocks);
        opened.backend.drive();
        completion.wait().unwrap();
        written += payloads.iter().map(Vec::len).sum::<usize>() + 40;
        content.push(payloads);
    }
}

fn files(disk: &Disk) -> Files {
    let name = |path: PathBuf| path.strip_prefix(DIR).unwrap().to_str().unwrap().to_owned();
    let files = disk.content().into_iter().map(|(path, bytes)| (name(path), bytes));
    files.filter(|(name, _)| name != "LOCK" && name != "OWNER").collect()
}

/// Half of it in a snapshot, half in the segments of two sessions after it; closed.
fn closed(bytes: usize) -> (Files, Content) {
    let disk = Disk::default();
    let mut content = Content::new();
    let opened = session(&disk, &options());
    fill(&opened, &mut content, bytes / 2);
    let cut = opened.backend.cut().unwrap();
    let mut sink = opened.backend.begin_snapshot(&cut).unwrap();
    write_snapshot(&mut *sink, &content, 5, || {}).unwrap();
    let installed = opened.backend.install(cut, sink).unwrap();
    opened.backend.forget(&installed.retired);
    fill(&opened, &mut content, bytes / 4);
    opened.backend.close().unwrap();
    let opened = session(&disk, &options());
    fill(&opened, &mut content, bytes / 4);
    opened.backend.close().unwrap();
    (files(&disk), content)
}

/// All commits in one segment; the process was killed.
fn killed() -> (Files, Content) {
    let disk = Disk::default();
    let mut content = Content::new();
    let opened = session(&disk, &OpenOptions { segment_size: 1 << 20, ..options() });
    fill(&opened, &mut content, 8_000);
    (files(&disk), content)
}

/// Opening a database with this file in place of its own says what is wrong with it.
fn is_told(files: &Files, name: &str, bytes: Option<Vec<u8>>, what: &dyn Fn() -> String) {
    let mut files = files.clone();
    match bytes {
        Some(bytes) => files.insert(name.to_owned(), bytes),
        None => files.remove(name),
    };
    let disk = Disk::with(files);
    let read_only = OpenOptions { access: Access::ReadOnly, ..options() };
    let opened = catch_unwind(AssertUnwindSafe(|| open(&disk, &read_only)));
    let error = match opened.unwrap_or_else(|_| panic!("{}: a panic", what())) {
        Ok((report, _)) => panic!("{} is not told: {report:?}", what()),
        Err(error) => error,
    };
    assert_eq!(error.kind(), Kind::Corrupt, "{}: {error:?}", what());
    let (file, offset) = (error.details().file.clone(), error.details().offset);
    assert!(file.is_some() && offset.is_some(), "{}: {error:?}", what());
}

/// Calls with 0 to `count`, on every core.
fn each(count: usize, call: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count {
                        return;
                    }
                    call(n);
                }
            });
        }
    });
}

fn database() -> Files {
    let bytes = std::env::var("FLIP_BYTES").map_or(64 << 10, |text| text.parse().unwrap());
    let (files, content) = closed(bytes);
    let (report, found) = open(&Disk::with(files.clone()), &options()).unwrap();
    assert!(report.clean && found == content);
    assert!(files.len() > 4 && files.keys().any(|name| name.ends_with(".snp")), "{:?}", files.keys());
    files
}

#[test]
fn every_flipped_bit_of_a_closed_database_is_told() {
    let files = database();
    let flips = AtomicU64::new(0);
    for (name, good) in &files {
        each(good.len(), |at| {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                is_told(&files, name, Some(bad), &|| format!("bit {bit} of byte {at} of {name}"));
            }
            flips.fetch_add(8, Ordering::Relaxed);
        });
    }
    println!("{} flips", flips.into_inner());
}

#[test]
fn every_truncation_of_a_closed_database_is_told() {
    let files = database();
    for (name, good) in &files {
        each(good.len(), |len| {
            is_told(&files, name, Some(good[..len].to_vec()), &|| format!("{name} cut at {len}"));
        });
    }
    println!("{} truncations", files.values().map(Vec::len).sum::<usize>());
}

#[test]
fn every_missing_file_of_a_closed_database_is_told() {
    let files = database();
    for name in files.keys().filter(|name| *name != "MANIFEST") {
        is_told(&files, name, None, &|| format!("the removal of {name}"));
    }
    let without = Disk::with(files.into_iter().filter(|(name, _)| name != "MANIFEST"));
    assert_eq!(open(&without, &options()).unwrap_err().kind(), Kind::Corrupt);
}

#[test]
fn a_changed_byte_before_the_last_answered_commits_is_corruption_and_changes_nothing() {
    let (mut files, _) = killed();
    let segment = files.keys().next_back().unwrap().clone();
    files.get_mut(&segment).unwrap()[64 + 40] ^= 1;
    let disk = Disk::with(files.clone());
    assert_eq!(open(&disk, &options()).unwrap_err().kind(), Kind::Corrupt);
    assert_eq!(self::files(&disk), files);
}

#[test]
fn a_changed_byte_in_the_last_commit_is_a_suspect_tail() {
    let (mut files, content) = killed();
    let segment = files.keys().next_back().unwrap().clone();
    let bytes = files.get_mut(&segment).unwrap();
    let last = bytes.len() - 20;
    bytes[last] ^= 1;
    let bad = bytes.clone();
    let disk = Disk::with(files);
    assert_eq!(open(&disk, &options()).unwrap_err().kind(), Kind::CorruptTail);
    let truncate = OpenOptions { recovery: RecoveryPolicy::Truncate, ..options() };
    let (report, found) = open(&disk, &truncate).unwrap();
    assert_eq!(found, content[..content.len() - 1]);
    let kept = &disk.content()[&report.quarantine.unwrap()];
    assert_eq!(kept, &bad[bad.len() - kept.len()..]);
    assert_eq!(kept.len() as u64, report.bytes_cut);
}
