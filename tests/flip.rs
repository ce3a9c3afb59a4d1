//! Each bit of a cleanly closed database is flipped, and each file is truncated to each length and removed: opening reports
//! the damage, with file and offset. It never returns other content and never panics. `FLIP_BYTES=` sets the size of the
//! database.
//!
//! LOCK and OWNER hold no data and are left out.

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
use loading::{Loaded, write_snapshot};
use moltendb_node::error::{Kind, Result};
use moltendb_node::options::{Access, OpenOptions, RecoveryPolicy, StorageMode};
use moltendb_node::storage::{Block, FrameSize, Opened, RecoveryReport, inspect, open_disk};

type Content = Vec<Vec<Vec<u8>>>;
type Files = BTreeMap<String, Vec<u8>>;

const SEAL: usize = 32;

fn options() -> OpenOptions {
    OpenOptions { storage: StorageMode::Sync, segment_size: 4096, ..OpenOptions::default() }
}

fn open(disk: &Disk, options: &OpenOptions) -> Result<(RecoveryReport, Content)> {
    let mut loaded = Loaded::default();
    let opened = open_disk(&disk.host(), Path::new(DIR), options, None, &mut loaded)?;
    Ok((opened.report, loaded.commits().unwrap()))
}

fn session(disk: &Disk, options: &OpenOptions) -> Opened {
    open_disk(&disk.host(), Path::new(DIR), options, None, &mut Loaded::default()).unwrap()
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
            .map(|(payload, place)| {
                Arc::new(Block { place: *place, base: 0, bytes: payload.clone().into(), transient: false })
            })
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
    let opened = session(&disk, &OpenOptions { segment_size: 16 << 10, ..options() });
    fill(&opened, &mut content, 8_000);
    (files(&disk), content)
}

/// The ends of the frames of a segment; after them are zeros, which are unused space.
fn used(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| (last + 1).next_multiple_of(8))
}

/// Opening a database with this content of one file reports the damage.
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
    let used = used(bytes);
    bytes[used - 20] ^= 1;
    let bad = bytes[..used].to_vec();
    let disk = Disk::with(files);
    assert_eq!(open(&disk, &options()).unwrap_err().kind(), Kind::CorruptTail);
    let truncate = OpenOptions { recovery: RecoveryPolicy::Truncate, ..options() };
    let (report, found) = open(&disk, &truncate).unwrap();
    assert_eq!(found, content[..content.len() - 1]);
    let kept = &disk.content()[&report.quarantine.unwrap()];
    assert_eq!(kept, &bad[bad.len() - kept.len()..]);
    assert_eq!(kept.len() as u64, report.bytes_cut);
}

#[test]
fn what_a_killed_process_left_behind_its_last_commit_is_cut_and_no_torn_write() {
    let (files, content) = killed();
    let segment = files.keys().next_back().unwrap().clone();
    let used = used(&files[&segment]);
    assert!(files[&segment].len() > used, "the file is no longer than its frames");
    let disk = Disk::with(files.clone());
    let read_only = OpenOptions { access: Access::ReadOnly, ..options() };
    let (report, found) = open(&disk, &read_only).unwrap();
    assert_eq!((found, report.bytes_cut, report.clean), (content.clone(), 0, false));
    assert_eq!(self::files(&disk), files);
    let inspected = inspect(&disk.host(), Path::new(DIR), &mut |_| None).unwrap();
    assert!(inspected.files.iter().all(|file| file.torn_bytes == 0 && file.first_damage.is_none()));
    let (report, found) = open(&disk, &options()).unwrap();
    assert_eq!((found, report.bytes_cut, report.quarantine), (content, 0, None));
    assert_eq!(self::files(&disk)[&segment].len(), used + SEAL);
}

#[test]
fn a_flipped_bit_behind_the_last_commit_of_a_killed_process_is_of_no_account() {
    let (files, content) = killed();
    let segment = files.keys().next_back().unwrap().clone();
    let (used, len) = (used(&files[&segment]), files[&segment].len());
    let places: Vec<usize> =
        (used..used + 1_100).chain([(used + len) / 2, len - 9, len - 8, len - 1]).collect();
    each(places.len(), |n| {
        for bit in 0..8 {
            let mut bad = files.clone();
            bad.get_mut(&segment).unwrap()[places[n]] ^= 1 << bit;
            let disk = Disk::with(bad);
            let (report, found) = open(&disk, &options()).unwrap();
            assert_eq!(found, content, "bit {bit} of byte {}", places[n]);
            let cut = (places[n] + 1).next_multiple_of(8) - used;
            assert_eq!(report.bytes_cut, cut as u64);
            assert_eq!(disk.content()[&report.quarantine.unwrap()].len(), cut);
            assert_eq!(open(&disk, &options()).unwrap().1, content);
        }
    });
}

#[test]
fn zeros_behind_a_seal_are_what_a_power_cut_leaves_of_the_newest_segment_and_damage_of_any_other() {
    let (files, content) = killed();
    let disk = Disk::with(files);
    open(&disk, &options()).unwrap();
    // Sealed, and not closed.
    let sealed = files_of_log(&disk);
    let newest = sealed.keys().next_back().unwrap().clone();
    let with = |files: &Files, name: &str, bytes: &[u8]| {
        let mut files = files.clone();
        files.get_mut(name).unwrap().extend_from_slice(bytes);
        Disk::with(files)
    };
    let disk = with(&sealed, &newest, &[0; 3_000]);
    let inspected = inspect(&disk.host(), Path::new(DIR), &mut |_| None).unwrap();
    assert!(inspected.files.iter().all(|file| file.torn_bytes == 0 && file.first_damage.is_none()));
    let (report, found) = open(&disk, &options()).unwrap();
    assert_eq!((found, report.bytes_cut, report.quarantine), (content, 0, None));
    assert_eq!(files_of_log(&disk)[&newest], sealed[&newest]);
    let mut behind = [0; 3_000];
    behind[2_000] = 1;
    let bad = with(&sealed, &newest, &behind);
    assert_eq!(open(&bad, &options()).unwrap_err().kind(), Kind::Corrupt);
    for (name, good) in database().iter().filter(|(name, _)| name.ends_with(".log")) {
        let longer = [&good[..], &[0; 8]].concat();
        is_told(&database(), name, Some(longer), &|| format!("zeros behind {name}"));
    }
}

/// Like `files`, without the bytes that recovery kept.
fn files_of_log(disk: &Disk) -> Files {
    files(disk).into_iter().filter(|(name, _)| !name.contains('/')).collect()
}
