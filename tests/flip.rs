//! Each byte of a small, cleanly closed database is changed, and each file cut at each length: opening reports it,
//! with file and offset, or gives the same content. Never another content, never a panic.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod loading;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use loading::{Heard, write_snapshot};
use moltendb_node::error::{Kind, Result};
use moltendb_node::options::{Access, OpenOptions, StorageMode};
use moltendb_node::storage::{Block, FrameSize, Host, RecoveryReport, open_disk};

type Content = Vec<Vec<Vec<u8>>>;

fn open(path: &Path, access: Access) -> Result<(RecoveryReport, Content)> {
    let options =
        OpenOptions { storage: StorageMode::Sync, segment_size: 4096, access, ..OpenOptions::default() };
    let mut heard = Heard::default();
    let opened = open_disk(&Host::system(), path, &options, None, &mut heard)?;
    Ok((opened.report, heard.commits().unwrap()))
}

fn build(path: &Path, close: bool) -> Content {
    // A database that is not closed has all its commits in the newest segment.
    let segment_size = if close { 4096 } else { 1 << 20 };
    let options = OpenOptions { storage: StorageMode::Sync, segment_size, ..OpenOptions::default() };
    let opened = open_disk(&Host::system(), path, &options, None, &mut Heard::default()).unwrap();
    let mut content = Vec::new();
    for n in 0..24u32 {
        let payloads: Vec<Vec<u8>> =
            (0..1 + n % 3).map(|at| vec![(n + at) as u8 + 1; 40 + n as usize * 9]).collect();
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
        content.push(payloads);
    }
    if close {
        opened.backend.close().unwrap();
    }
    content
}

/// The same, then compacted, with commits after the cut.
fn build_compacted(path: &Path) -> Content {
    let mut content = build(path, true);
    let options = OpenOptions { storage: StorageMode::Sync, ..OpenOptions::default() };
    let opened = open_disk(&Host::system(), path, &options, None, &mut Heard::default()).unwrap();
    let cut = opened.backend.cut().unwrap();
    let mut sink = opened.backend.begin_snapshot(&cut).unwrap();
    write_snapshot(&mut *sink, &content, 5, || {}).unwrap();
    let installed = opened.backend.install(cut, sink).unwrap();
    opened.backend.forget(&installed.retired);
    for n in 0..4u8 {
        let payloads = vec![vec![n + 1; 60]];
        let size = FrameSize { blocks: [60].into_iter().collect(), records: 1 };
        let place = opened.backend.reserve(&size).unwrap();
        let block = Arc::new(Block { place: place.blocks[0], base: 0, bytes: payloads[0].clone().into() });
        let completion = opened.backend.append(place, &[block]);
        opened.backend.drive();
        completion.wait().unwrap();
        content.push(payloads);
    }
    opened.backend.close().unwrap();
    content
}

fn files(path: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("LOCK") && !path.ends_with("OWNER"))
        .collect();
    files.sort();
    files
}

/// `Ok(true)`: reported. `Ok(false)`: the same content.
fn check(path: &Path, file: &Path, content: &Content) -> bool {
    match open(path, Access::ReadOnly) {
        Ok((report, found)) => {
            assert!(&found == content || report.bytes_cut > 0, "{} changed silently", file.display());
            assert!(content.starts_with(&found));
            report.bytes_cut > 0
        }
        Err(error) => {
            assert!(matches!(error.kind(), Kind::Corrupt | Kind::CorruptTail), "{error:?}");
            assert!(error.details().file.is_some() && error.details().offset.is_some(), "{error:?}");
            true
        }
    }
}

#[test]
fn every_changed_byte_of_a_closed_database_is_reported() {
    for builder in [|path: &Path| build(path, true), build_compacted] {
        every_changed_byte(builder);
    }
}

fn every_changed_byte(build: fn(&Path) -> Content) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let content = build(&path);
    for file in files(&path) {
        let good = std::fs::read(&file).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            std::fs::write(&file, &bad).unwrap();
            assert!(check(&path, &file, &content), "byte {at} of {} is not looked at", file.display());
        }
        std::fs::write(&file, &good).unwrap();
    }
}

#[test]
fn every_truncation_of_a_closed_database_is_reported() {
    for builder in [|path: &Path| build(path, true), build_compacted] {
        every_truncation(builder);
    }
}

fn every_truncation(build: fn(&Path) -> Content) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let content = build(&path);
    for file in files(&path) {
        let good = std::fs::read(&file).unwrap();
        for len in 0..good.len() {
            std::fs::write(&file, &good[..len]).unwrap();
            assert!(check(&path, &file, &content), "{} cut at {len} is not reported", file.display());
        }
        std::fs::remove_file(&file).unwrap();
        match open(&path, Access::ReadOnly) {
            Ok(_) => panic!("{} is gone and nobody noticed", file.display()),
            Err(error) => assert_eq!(error.kind(), Kind::Corrupt),
        }
        std::fs::write(&file, &good).unwrap();
    }
}

#[test]
fn a_changed_byte_before_the_last_answered_commits_is_corruption_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    build(&path, false);
    let file = files(&path).pop().unwrap();
    let good = std::fs::read(&file).unwrap();
    let mut bad = good.clone();
    bad[64 + 40] ^= 1;
    std::fs::write(&file, &bad).unwrap();
    assert_eq!(open(&path, Access::ReadWrite).unwrap_err().kind(), Kind::Corrupt);
    assert_eq!(std::fs::read(&file).unwrap(), bad);
}

#[test]
fn a_changed_byte_in_the_last_commit_is_a_suspect_tail() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let content = build(&path, false);
    let file = files(&path).pop().unwrap();
    let mut bad = std::fs::read(&file).unwrap();
    let last = bad.len() - 20;
    bad[last] ^= 1;
    std::fs::write(&file, &bad).unwrap();
    assert_eq!(open(&path, Access::ReadWrite).unwrap_err().kind(), Kind::CorruptTail);
    let options = OpenOptions {
        storage: StorageMode::Sync,
        recovery: moltendb_node::options::RecoveryPolicy::Truncate,
        ..OpenOptions::default()
    };
    let opened = open_disk(&Host::system(), &path, &options, None, &mut Heard::default()).unwrap();
    assert_eq!(opened.report.frames_replayed, content.len() as u64 - 1);
    let kept = std::fs::read(opened.report.quarantine.unwrap()).unwrap();
    assert_eq!(kept, bad[bad.len() - kept.len()..]);
}
