//! Units of encrypted files, through kills, torn tails, compactions and copies that are written on: no two different units have one nonce.
//! `NONCES=` sets how many units; `SEED=` the first seed.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "its payloads are too large here")]
mod committing;
#[path = "../fuzz/entries/disk.rs"]
mod disk;
mod loading;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use committing::append;
use disk::{DIR, Disk};
use loading::{Loaded, Payloads, write_snapshot};
use moltendb_node::options::{EncryptionKey, OpenOptions, RecoveryPolicy, StorageMode};
use moltendb_node::storage::{Host, Opened, open_disk};

type Files = BTreeMap<String, Vec<u8>>;

/// Bytes of a nonce, and of the tag at the end of a unit.
const NONCE: usize = 24;
const TAG: usize = 16;

fn session(disk: &Disk) -> (Opened, Vec<Payloads>) {
    let options = OpenOptions {
        encryption: Some(EncryptionKey::raw(&[7; 32]).unwrap()),
        storage: StorageMode::Async,
        recovery: RecoveryPolicy::Truncate,
        segment_size: 64 << 10,
        ..OpenOptions::default()
    };
    // Nonces are those of the system, as in a program.
    let host = Host { rng: Host::system().rng, ..disk.host() };
    let mut loaded = Loaded::default();
    let opened = open_disk(&host, Path::new(DIR), &options, None, &mut loaded).unwrap();
    (opened, loaded.commits().unwrap())
}

fn commit(opened: &Opened, dice: &mut fastrand::Rng, content: &mut Vec<Payloads>) {
    let count = [1, 1, 2, 100][dice.usize(0..4)];
    let payloads: Payloads = (0..count).map(|_| vec![dice.u8(1..); dice.usize(1..24)]).collect();
    append(opened, &payloads);
    content.push(payloads);
}

fn files(disk: &Disk) -> Files {
    let name = |path: &Path| path.strip_prefix(DIR).unwrap().to_str().unwrap().to_owned();
    let files = disk.content().into_iter().map(|(path, bytes)| (name(&path), bytes));
    files.filter(|(name, _)| name != "LOCK" && name != "OWNER").collect()
}

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// The units of a segment or of a snapshot.
fn units<'f>(name: &str, bytes: &'f [u8]) -> Vec<&'f [u8]> {
    let mut units = Vec::new();
    if name.ends_with(".snp") {
        let table = u64::from_le_bytes(bytes[bytes.len() - 40..][..8].try_into().unwrap()) as usize;
        let mut at = 96;
        while at < table {
            let len = number(bytes, at);
            units.push(&bytes[at + 8..at + 8 + len]);
            at += 8 + len;
        }
    }
    let mut at = 64;
    while name.ends_with(".log") && at + 32 < bytes.len() && number(bytes, at + 4) != 0 {
        let Some(body) = bytes.get(at + 32..at + 32 + number(bytes, at)) else { break };
        match (bytes[at + 28], bytes[at + 29]) {
            (1, 1) => units.push(body),
            (1, _) => {
                let mut rest = body;
                while rest.len() >= 8 {
                    let (unit, after) = rest[8..].split_at(number(rest, 0));
                    units.push(unit);
                    rest = after;
                }
            }
            _ => {}
        }
        at = (at + 32 + body.len()).next_multiple_of(8);
    }
    units
}

/// Cuts the newest segment somewhere behind its beginning, if the session wrote it.
fn tear(files: &mut Files, before: &Files, dice: &mut fastrand::Rng) {
    let newest = files.iter_mut().rev().find(|(name, _)| name.ends_with(".log"));
    let own = newest.filter(|(name, bytes)| bytes.len() > 200 && !before.contains_key(*name));
    if let Some((_, bytes)) = own {
        bytes.truncate(bytes.len() - dice.usize(1..100));
    }
}

#[test]
fn no_two_units_of_killed_torn_compacted_and_copied_databases_have_one_nonce() {
    let wanted = std::env::var("NONCES").ok().and_then(|count| count.parse().ok()).unwrap_or(60_000);
    let seed =
        std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut seen: HashMap<[u8; NONCE], [u8; 8]> = HashMap::with_capacity(wanted);
    let (mut sessions, mut copies, mut torn) = (0, 0, 0);
    while seen.len() < wanted {
        let mut before = vec![Files::new()];
        for _ in 0..dice.usize(4..16) {
            // The newest files, or a copy from before, which was written on in another way already.
            let is_copy = dice.usize(0..3) == 0;
            copies += usize::from(is_copy);
            let from = if is_copy { dice.usize(0..before.len()) } else { before.len() - 1 };
            let disk = Disk::with(before[from].clone());
            let (opened, mut content) = session(&disk);
            for _ in 0..dice.usize(0..40) {
                commit(&opened, &mut dice, &mut content);
            }
            if dice.usize(0..4) == 0 {
                let cut = opened.backend.cut().unwrap();
                let mut sink = opened.backend.begin_snapshot(&cut).unwrap();
                write_snapshot(&mut *sink, &content, 5, || {}).unwrap();
                let installed = opened.backend.install(cut, sink).unwrap();
                opened.backend.forget(&installed.retired);
                commit(&opened, &mut dice, &mut content);
            }
            let is_closed = dice.bool();
            if is_closed {
                opened.backend.close().unwrap();
            }
            let mut files = files(&disk);
            for (name, bytes) in &files {
                // Most files are those that the session began with.
                if before[from].get(name) == Some(bytes) {
                    continue;
                }
                for unit in units(name, bytes) {
                    let nonce = *unit.first_chunk().unwrap();
                    let tag = *unit[unit.len() - TAG..].first_chunk().unwrap();
                    let known = *seen.entry(nonce).or_insert(tag);
                    assert_eq!(known, tag, "two units have one nonce: {name}, SEED={seed}");
                }
            }
            if !is_closed && dice.bool() {
                torn += 1;
                tear(&mut files, &before[from], &mut dice);
            }
            before.push(files);
            sessions += 1;
        }
    }
    println!("{} nonces, {sessions} sessions, {copies} of copies, {torn} torn", seen.len());
    assert!(wanted < 10_000 || copies > 10 && torn > 10);
}
