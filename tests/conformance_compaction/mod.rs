//! Compaction, by the contract of the storage trait: what it leaves, beside writers and in kept generations.

use std::path::Path;

use moltendb_node::error::Kind;
use moltendb_node::options::{OpenOptions, Retention, StorageMode};
use moltendb_node::storage::{Installed, Opened};

use crate::loading::write_snapshot;
use crate::{every_backend, open_with, options, payloads, queue};

/// A cut, a snapshot of the commits before it, and its installation.
pub fn compact(opened: &Opened, commits: &[Vec<Vec<u8>>]) -> Installed {
    let cut = opened.backend.cut().unwrap();
    assert_eq!(cut.lsn.0, commits.len() as u64);
    let mut sink = opened.backend.begin_snapshot(&cut).unwrap();
    let places = write_snapshot(&mut *sink, commits, 7, || {}).unwrap();
    let installed = opened.backend.install(cut, sink).unwrap();
    for (place, payload) in places {
        assert_eq!(*opened.backend.read(place).unwrap().bytes, *payload);
    }
    installed
}

pub fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !matches!(name.as_str(), "LOCK" | "OWNER"))
        .collect();
    names.sort();
    names
}

#[test]
fn a_compacted_database_comes_back_and_its_old_files_go_when_they_are_forgotten() {
    every_backend(|case| {
        let (opened, _) = case.open();
        if !case.keeps() {
            assert_eq!(opened.backend.cut().unwrap_err().kind(), Kind::NotSupported);
            return;
        }
        let mut commits = Vec::new();
        let mut places = Vec::new();
        for n in 0..120 {
            let (_, blocks, completion) = queue(&*opened.backend, &payloads(n));
            opened.backend.drive();
            completion.wait().unwrap();
            commits.push(payloads(n));
            places.extend(blocks.iter().map(|block| (block.place, block.bytes.clone())));
        }
        let before = opened.backend.stats();
        assert!(before.segments > 1 && before.snapshot_bytes == 0);
        let installed = compact(&opened, &commits);
        let after = opened.backend.stats();
        let (seal, header) = (32, 64);
        assert_eq!(installed.bytes, (before.bytes_on_disk + seal + header, after.bytes_on_disk));
        assert_eq!((after.segments, after.log_bytes), (1, header));
        assert_eq!(installed.retired.len() as u64, before.segments);
        for (place, bytes) in &places {
            assert_eq!(&opened.backend.read(*place).unwrap().bytes, bytes);
        }
        opened.backend.forget(&installed.retired);
        assert_eq!(names(&case.path).len(), 3, "manifest, segment, snapshot");
        assert_eq!(opened.backend.read(places[0].0).unwrap_err().kind(), Kind::Internal);
        for n in 0..3 {
            let (place, _, completion) = queue(&*opened.backend, &payloads(n));
            opened.backend.drive();
            completion.wait().unwrap();
            commits.push(payloads(n));
            assert_eq!(place.lsn.0, commits.len() as u64);
        }
        opened.backend.close().unwrap();
        drop(opened);
        for _ in 0..2 {
            let (opened, loaded) = case.open();
            assert!(opened.report.clean && opened.report.frames_replayed == 3);
            assert!(loaded.into_iter().map(|(_, payloads)| payloads).eq(commits.iter().cloned()));
            opened.backend.close().unwrap();
        }
    });
}

#[test]
fn a_large_snapshot_is_loaded_whole_by_many_threads() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let options = OpenOptions { storage: StorageMode::Async, ..OpenOptions::default() };
    let (opened, _) = open_with(&path, &options).unwrap();
    let mut commits = Vec::new();
    for n in 0..400u64 {
        let payloads = vec![vec![n as u8; if n == 50 { 3 << 20 } else { 20_000 }]];
        let (_, _, completion) = queue(&*opened.backend, &payloads);
        opened.backend.drive();
        completion.wait().unwrap();
        commits.push(payloads);
    }
    let cut = opened.backend.cut().unwrap();
    let mut sink = opened.backend.begin_snapshot(&cut).unwrap();
    write_snapshot(&mut *sink, &commits, 1, || {}).unwrap();
    opened.backend.install(cut, sink).unwrap();
    drop(opened);
    let (_, loaded) = open_with(&path, &options).unwrap();
    assert!(loaded.into_iter().map(|(_, payloads)| payloads).eq(commits));
}

#[test]
fn writers_lose_nothing_while_one_compaction_follows_the_other() {
    every_backend(|case| {
        if !case.keeps() {
            return;
        }
        let (opened, _) = case.open();
        let commits = std::sync::Mutex::new(Vec::new());
        let writing = std::sync::atomic::AtomicUsize::new(3);
        let mut compactions = 0;
        std::thread::scope(|scope| {
            for thread in 0..3u64 {
                let (opened, commits, writing) = (&opened, &commits, &writing);
                scope.spawn(move || {
                    for n in 0..300 {
                        let mut commits = commits.lock().unwrap();
                        let (place, _, completion) = queue(&*opened.backend, &payloads(thread * 300 + n));
                        commits.push(payloads(thread * 300 + n));
                        assert_eq!(place.lsn.0, commits.len() as u64);
                        drop(commits);
                        opened.backend.drive();
                        completion.wait().unwrap();
                    }
                    writing.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
                });
            }
            while writing.load(std::sync::atomic::Ordering::Relaxed) > 0 || compactions < 2 {
                let (cut, before) = {
                    let commits = commits.lock().unwrap();
                    (opened.backend.cut().unwrap(), commits.clone())
                };
                let mut sink = opened.backend.begin_snapshot(&cut).unwrap();
                write_snapshot(&mut *sink, &before, 40, || {}).unwrap();
                let installed = opened.backend.install(cut, sink).unwrap();
                opened.backend.forget(&installed.retired);
                compactions += 1;
            }
        });
        drop(opened);
        let (_, loaded) = case.open();
        let commits = commits.into_inner().unwrap();
        assert_eq!(commits.len(), 900);
        assert!(loaded.into_iter().map(|(_, payloads)| payloads).eq(commits));
    });
}

#[test]
fn one_compaction_at_a_time_and_one_given_up_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let (opened, _) = open_with(&path, &options(StorageMode::Sync)).unwrap();
    let before = names(&path);
    let first = opened.backend.cut().unwrap();
    let sink = opened.backend.begin_snapshot(&first).unwrap();
    assert_eq!(opened.backend.cut().unwrap_err().kind(), Kind::Internal);
    assert_eq!(opened.backend.begin_snapshot(&first).err().unwrap().kind(), Kind::Internal);
    drop(sink);
    let second = opened.backend.cut().unwrap();
    assert_eq!(first, second, "a cut with nothing after it is the same cut");
    drop(opened.backend.begin_snapshot(&second).unwrap());
    assert_eq!(names(&path).len(), before.len());
    opened.backend.close().unwrap();
    assert_eq!(opened.backend.cut().unwrap_err().kind(), Kind::Closed);
}

#[test]
fn a_snapshot_that_outlives_its_database_touches_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let (opened, _) = open_with(&path, &options(StorageMode::Sync)).unwrap();
    let cut = opened.backend.cut().unwrap();
    let sink = opened.backend.begin_snapshot(&cut).unwrap();
    opened.backend.close().unwrap();
    assert_eq!(opened.backend.install(cut, sink).unwrap_err().kind(), Kind::Closed);
    drop(opened);
    let (next, _) = open_with(&path, &options(StorageMode::Sync)).unwrap();
    let cut = next.backend.cut().unwrap();
    let sink = next.backend.begin_snapshot(&cut).unwrap();
    drop(next);
    let listing = names(&path);
    drop(sink);
    assert_eq!(names(&path), listing);
}

#[test]
fn kept_generations_open_by_themselves_and_the_oldest_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let keeping = OpenOptions { retention: Retention { generations: 2 }, ..options(StorageMode::Sync) };
    let (opened, _) = open_with(&path, &keeping).unwrap();
    let mut commits: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut ends = Vec::new();
    for generation in 0..4u64 {
        for n in 0..generation * 2 {
            let (_, _, completion) = queue(&*opened.backend, &payloads(n));
            opened.backend.drive();
            completion.wait().unwrap();
            commits.push(payloads(n));
        }
        let installed = compact(&opened, &commits);
        opened.backend.forget(&installed.retired);
        ends.push(commits.len());
    }
    opened.backend.close().unwrap();
    assert_eq!(names(&path.join("backup")), ["3", "4"]);
    for (generation, end) in [(3, ends[2]), (4, ends[3])] {
        let (opened, loaded) = open_with(&path.join(format!("backup/{generation}")), &keeping).unwrap();
        assert!(opened.report.clean);
        assert!(loaded.into_iter().map(|(_, payloads)| payloads).eq(commits[..end].iter().cloned()));
    }
    drop(opened);
    drop(open_with(&path, &options(StorageMode::Sync)).unwrap());
    assert_eq!(names(&path.join("backup")), ["3", "4"], "another retention removes no backup");
}
