//! Encrypted files against somebody who can write them but has no key: changed bytes with right checksums, older files in the place of newer
//! ones, and another key at each moment of a power cut. `ENCRYPTED_BYTES=` sets the size of the database.
//!
//! Whatever is done, opening says so, or reads exactly what was written.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod committing;
#[path = "../fuzz/entries/disk.rs"]
mod disk;
mod loading;
#[expect(dead_code, reason = "only some of its faults are needed here")]
mod sim;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use committing::{append, payloads_of};
use disk::{DIR, Disk};
use loading::{Loaded, Payloads, write_snapshot};
use moltendb_node::error::{Kind, Result};
use moltendb_node::options::{Access, EncryptionKey, OpenOptions, Retention, StorageMode};
use moltendb_node::storage::host::Rng;
use moltendb_node::storage::{BlockPlace, Depth, Host, Opened, Part, open_disk, rekey};
use sim::Sim;

type Files = BTreeMap<String, Vec<u8>>;

/// Different bytes with each call, also after the process began anew.
struct Counting(AtomicU64);

static BEGUN: AtomicU64 = AtomicU64::new(0);

impl Rng for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for byte in buffer {
            let n = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            *byte = ((n ^ (n >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 56) as u8;
        }
    }
}

fn host(disk: &Disk) -> Host {
    let begun = BEGUN.fetch_add(1 << 40, Ordering::Relaxed);
    Host { rng: Arc::new(Counting(AtomicU64::new(begun))), ..disk.host() }
}

fn key() -> EncryptionKey {
    EncryptionKey::raw(&[7; 32]).unwrap()
}

fn options() -> OpenOptions {
    let encryption = Some(key());
    OpenOptions { encryption, storage: StorageMode::Sync, segment_size: 4096, ..OpenOptions::default() }
}

fn open(disk: &Disk) -> Result<Vec<Payloads>> {
    let options = OpenOptions { access: Access::ReadOnly, ..options() };
    let mut loaded = Loaded::default();
    open_disk(&host(disk), Path::new(DIR), &options, None, &mut loaded)?;
    Ok(loaded.commits().unwrap())
}

fn session(disk: &Disk) -> Opened {
    open_disk(&host(disk), Path::new(DIR), &options(), None, &mut Loaded::default()).unwrap()
}

fn commit(opened: &Opened, content: &mut Vec<Payloads>) {
    let payloads = payloads_of(content.len());
    let blocks = append(opened, &payloads);
    for block in &blocks {
        assert_eq!(opened.backend.read(block.place).unwrap().bytes, block.bytes);
        check_parts(opened, block.place, &block.bytes);
    }
    content.push(payloads);
}

/// Parts of a payload are those of the whole. Instead of one that it does not have there is the whole.
fn check_parts(opened: &Opened, place: BlockPlace, payload: &[u8]) {
    let len = payload.len();
    let few = len.min(8);
    let parts = [
        (0, 0..len),
        (few, few..len),
        (few, len.div_ceil(2).max(few)..len),
        (0, len / 3..len / 2),
        (0, len..len),
    ];
    for (head, range) in parts {
        let part = Part::new(head, range.clone()).unwrap();
        let block = opened.backend.read_part(place, &part, Depth::Device).unwrap().unwrap();
        assert_eq!(*block.bytes, [&payload[..head], &payload[range.clone()]].concat(), "{range:?} of {len}");
        assert!(part.is_all_of(&block) && block.base as usize == range.start - head);
    }
    let beyond = Part::new(0, 0..len + 1).unwrap();
    assert_eq!(*opened.backend.read_part(place, &beyond, Depth::Device).unwrap().unwrap().bytes, *payload);
    assert_eq!(Part::new(2, 1..2), None);
}

fn compact(opened: &Opened, content: &[Payloads]) {
    compact_by(opened, content, 5);
}

/// Compacts into blocks of so many commits.
fn compact_by(opened: &Opened, content: &[Payloads], each: usize) {
    let cut = opened.backend.cut().unwrap();
    let mut sink = opened.backend.begin_snapshot(&cut).unwrap();
    let places = write_snapshot(&mut *sink, content, each, || {}).unwrap();
    let installed = opened.backend.install(cut, sink).unwrap();
    for (place, payload) in places {
        assert_eq!(*opened.backend.read(place).unwrap().bytes, *payload);
        check_parts(opened, place, &payload);
    }
    opened.backend.forget(&installed.retired);
}

fn files(disk: &Disk) -> Files {
    let files = disk.content().into_iter();
    let name = |path: &Path| path.strip_prefix(DIR).unwrap().to_str().unwrap().to_owned();
    let files = files.map(|(path, bytes)| (name(&path), bytes));
    files.filter(|(name, _)| name != "LOCK" && name != "OWNER").collect()
}

/// A database in the making, and its files after each step.
fn history() -> (Vec<Files>, Vec<Vec<Payloads>>) {
    let (disk, mut content) = (Disk::default(), Vec::new());
    let (mut all, mut contents) = (Vec::new(), Vec::new());
    let mut note = |disk: &Disk, content: &[Payloads]| {
        all.push(files(disk));
        contents.push(content.to_vec());
    };
    for step in 0..4 {
        let opened = session(&disk);
        (0..9).for_each(|_| commit(&opened, &mut content));
        note(&disk, &content);
        if step % 2 == 1 {
            compact(&opened, &content);
            note(&disk, &content);
            (0..5).for_each(|_| commit(&opened, &mut content));
        }
        opened.backend.close().unwrap();
        note(&disk, &content);
    }
    (all, contents)
}

fn closed() -> (Files, Vec<Payloads>) {
    let (mut all, mut contents) = history();
    (all.pop().unwrap(), contents.pop().unwrap())
}

/// Opening says that something is wrong, or reads the same. Returns what it said.
fn told(files: Files, content: &[Payloads], what: &dyn Fn() -> String) -> Option<Kind> {
    match open(&Disk::with(files)) {
        Ok(found) => {
            assert!(found == content, "{}: other content", what());
            None
        }
        Err(error) => {
            let kinds = [Kind::Corrupt, Kind::CorruptTail, Kind::Tampered, Kind::WrongKey, Kind::KeyRequired];
            let is_known =
                kinds.contains(&error.kind()) || matches!(error.kind(), Kind::NotEncrypted | Kind::Version);
            assert!(is_known, "{}: {error:?}", what());
            Some(error.kind())
        }
    }
}

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn put(bytes: &mut [u8], at: usize, crc: u32) {
    bytes[at..at + 4].copy_from_slice(&crc.to_le_bytes());
}

/// Makes all checksums of a file right again, which needs no key.
fn forge(name: &str, bytes: &mut [u8]) {
    use crc32c::{crc32c, crc32c_append};
    if name == "MANIFEST" {
        let crc = crc32c(&bytes[..508]);
        put(bytes, 508, crc);
    } else if name.ends_with(".log") {
        let crc = crc32c(&bytes[..60]);
        put(bytes, 60, crc);
        let seed = crc32c_append(crc32c(&bytes[32..48]), &bytes[16..24]);
        let mut at = 64;
        while at + 32 <= bytes.len() {
            let end = at + 32 + number(bytes, at);
            if end > bytes.len() || bytes[at + 28] == 0 {
                return;
            }
            if bytes[at + 28] == 1 && bytes[at + 29] == 0 {
                let mut block = at + 32;
                while block + 8 <= end {
                    let to = block + 8 + number(bytes, block);
                    if to > end {
                        break;
                    }
                    let crc = crc32c(&bytes[block + 8..to]);
                    put(bytes, block + 4, crc);
                    block = to;
                }
            }
            let crc = if end > at + 32 { crc32c(&bytes[at + 32..end]) } else { 0 };
            put(bytes, at + 20, crc);
            let head = crc32c_append(crc32c_append(seed, &(at as u64).to_le_bytes()), &bytes[at..at + 4]);
            let head = crc32c_append(head, &bytes[at + 8..at + 32]);
            put(bytes, at + 4, head);
            at = end.next_multiple_of(8);
        }
    } else if name.ends_with(".snp") {
        let crc = crc32c(&bytes[..92]);
        put(bytes, 92, crc);
        let footer = bytes.len() - 48;
        let table = number(bytes, footer + 8);
        let seed = crc32c_append(crc32c(&bytes[32..48]), &bytes[16..24]);
        let is_there = table <= footer && (footer - table).is_multiple_of(40);
        let table = if is_there { table } else { footer };
        for at in (table..footer).step_by(40) {
            let (block, len) = (number(bytes, at), number(bytes, at + 8));
            if block + 8 + len <= table {
                let crc = crc32c_append(
                    crc32c_append(seed, &(block as u64).to_le_bytes()),
                    &bytes[block + 8..][..len],
                );
                put(bytes, block + 4, crc);
                put(bytes, at + 12, crc);
            }
        }
        if is_there {
            let crc = crc32c_append(seed, &bytes[table..footer]);
            put(bytes, footer + 20, crc);
        }
        let crc = number(bytes, 92) as u32;
        put(bytes, footer + 24, crc);
        let crc = crc32c(&bytes[footer..footer + 44]);
        put(bytes, footer + 44, crc);
    }
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

/// Long enough for a second thread to seal and to open parts of it.
#[test]
fn a_long_snapshot_is_what_was_written_and_a_changed_byte_anywhere_in_it_is_told() {
    let (disk, mut content) = (Disk::default(), Vec::<Payloads>::new());
    let opened = session(&disk);
    for n in 0..40_usize {
        content.push(vec![(0..50_000).map(|at| ((at * (n + 7)) >> 3) as u8).collect()]);
        append(&opened, &content[n]);
    }
    compact_by(&opened, &content, 1);
    opened.backend.close().unwrap();
    let all = files(&disk);
    assert_eq!(told(all.clone(), &content, &|| "unchanged".to_owned()), None);
    let name = all.keys().find(|name| name.ends_with(".snp")).unwrap();
    for at in (200..all[name].len() - 3_000).step_by(90_001) {
        let mut changed = all.clone();
        let bytes = changed.get_mut(name).unwrap();
        bytes[at] ^= 1;
        forge(name, bytes);
        assert!(told(changed, &content, &|| format!("offset {at}")).is_some(), "offset {at}");
    }
}

#[test]
fn checksums_that_are_made_right_are_those_of_the_writer() {
    let (files, _) = closed();
    for (name, bytes) in &files {
        let mut forged = bytes.clone();
        forge(name, &mut forged);
        assert!(forged == *bytes, "{name}");
    }
}

#[test]
fn every_flipped_bit_is_told() {
    let (files, content) = closed();
    for (name, good) in &files {
        each(good.len(), |at| {
            for bit in 0..8 {
                let mut bad = files.clone();
                bad.get_mut(name).unwrap()[at] ^= 1 << bit;
                let what = || format!("bit {bit} of byte {at} of {name}");
                assert!(told(bad, &content, &what).is_some(), "{} is not told", what());
            }
        });
    }
}

#[test]
fn a_flipped_bit_whose_checksums_are_made_right_is_told_or_changes_nothing_that_is_read() {
    let (files, content) = closed();
    let counts: [AtomicU64; 2] = Default::default();
    for (name, good) in &files {
        each(good.len(), |at| {
            for bit in 0..8 {
                let mut bad = files.clone();
                let bytes = bad.get_mut(name).unwrap();
                bytes[at] ^= 1 << bit;
                forge(name, bytes);
                if bytes == good {
                    continue;
                }
                let what = || format!("bit {bit} of byte {at} of {name}, with right checksums");
                let kind = told(bad, &content, &what);
                assert!(kind.is_some(), "{} is not told", what());
                counts[usize::from(kind == Some(Kind::Tampered))].fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let [other, tampered] = counts.map(AtomicU64::into_inner);
    println!("{tampered} told as TAMPERED, {other} otherwise");
    assert!(tampered > 10_000);
}

#[test]
fn every_changed_byte_of_a_payload_whose_checksums_are_made_right_is_tampered() {
    let (files, content) = closed();
    let name = files.keys().rfind(|name| name.ends_with(".log")).unwrap();
    let good = &files[name];
    let mut payloads = Vec::new();
    let mut at = 64;
    while at + 32 <= good.len() {
        let len = number(good, at);
        if good[at + 29] == 1 || good[at + 28] == 2 {
            payloads.extend(at + 32..at + 32 + len);
        }
        at = (at + 32 + len).next_multiple_of(8);
    }
    assert!(payloads.len() > 300);
    each(payloads.len(), |n| {
        let mut bad = files.clone();
        let bytes = bad.get_mut(name).unwrap();
        bytes[payloads[n]] ^= 0x10;
        forge(name, bytes);
        // The last SEAL is named by nothing but its own segment.
        assert_eq!(told(bad, &content, &|| format!("byte {}", payloads[n])), Some(Kind::Tampered));
    });
}

#[test]
fn older_files_of_the_same_database_in_the_place_of_newer_ones_are_told() {
    let (all, contents) = history();
    let mut tried = 0;
    for (now, (files, content)) in all.iter().zip(&contents).enumerate() {
        for (before, old) in all[..now].iter().enumerate() {
            for (name, bytes) in
                old.iter().filter(|(name, bytes)| files.get(*name).is_some_and(|new| new != *bytes))
            {
                let mut mixed = files.clone();
                mixed.insert(name.clone(), bytes.clone());
                let what = || format!("{name} of step {before} in step {now}");
                let kind = told(mixed, content, &what);
                // An older manifest of the same generation names the same log, whose segments say what follows what.
                assert!(kind.is_some() || name == "MANIFEST" || !is_closed(now), "{} is not told", what());
                tried += 1;
            }
            // Two files that have changed places.
            for (name, other) in old.keys().zip(old.keys().skip(1)) {
                let mut mixed = files.clone();
                let (Some(one), Some(two)) = (files.get(name), files.get(other)) else { continue };
                mixed.insert(name.clone(), two.clone());
                mixed.insert(other.clone(), one.clone());
                assert!(told(mixed, content, &|| format!("{name} and {other}")).is_some());
            }
        }
    }
    assert!(tried > 20, "{tried}");
}

/// Whether the database was closed at this step of its history.
fn is_closed(step: usize) -> bool {
    [1, 4, 6, 9].contains(&step)
}

#[test]
fn a_log_that_is_cut_between_two_frames_after_a_close_is_told() {
    let (files, content) = closed();
    let name = files.keys().rfind(|name| name.ends_with(".log")).unwrap();
    let good = &files[name];
    let mut at = 64;
    while at < good.len() {
        let mut bad = files.clone();
        bad.insert(name.clone(), good[..at].to_vec());
        assert!(told(bad, &content, &|| format!("cut at {at}")).is_some());
        at = (at + 32 + number(good, at)).next_multiple_of(8);
    }
    assert_eq!(at, good.len());
}

#[test]
fn frames_snapshots_and_manifests_that_are_not_encrypted_are_refused_in_an_encrypted_database() {
    let (files, content) = closed();
    let plain = {
        let (disk, mut content) = (Disk::default(), Vec::new());
        let options = OpenOptions { encryption: None, ..options() };
        let opened = open_disk(&host(&disk), Path::new(DIR), &options, None, &mut Loaded::default()).unwrap();
        (0..9).for_each(|_| commit(&opened, &mut content));
        opened.backend.close().unwrap();
        self::files(&disk)
    };
    for (name, at) in files.keys().map(|name| (name.clone(), 12)) {
        let mut bad = files.clone();
        let bytes = bad.get_mut(&name).unwrap();
        bytes[at] &= !if name == "MANIFEST" { 1 } else { 2 };
        forge(&name, bytes);
        let due = if name == "MANIFEST" { Kind::NotEncrypted } else { Kind::Tampered };
        let found = told(bad, &content, &|| format!("{name} as plain"));
        assert!(
            found == Some(due) || name.ends_with(".snp") && found == Some(Kind::Corrupt),
            "{name}: {found:?}"
        );
    }
    let mut mixed = files.clone();
    mixed.insert("MANIFEST".to_owned(), plain["MANIFEST"].clone());
    assert_eq!(told(mixed, &content, &|| "a plain manifest".to_owned()), Some(Kind::NotEncrypted));
}

#[test]
fn a_copy_that_is_written_on_has_no_unit_of_the_other_one() {
    let (mut all, _) = history();
    let torn = all.remove(0);
    let mut nonces = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let disk = Disk::with(torn.clone());
        let opened = session(&disk);
        let mut content = vec![Vec::new(); 9];
        (0..20).for_each(|_| commit(&opened, &mut content));
        opened.backend.close().unwrap();
        for (name, bytes) in files(&disk).iter().filter(|(name, bytes)| torn.get(*name) != Some(*bytes)) {
            let mut at = 64;
            while name.ends_with(".log") && !torn.contains_key(name) && at + 32 < bytes.len() {
                if bytes[at + 29] == 1 {
                    assert!(nonces.insert(bytes[at + 32..at + 56].to_vec()), "{name}");
                }
                at = (at + 32 + number(bytes, at)).next_multiple_of(8);
            }
        }
    }
    assert!(nonces.len() > 10, "{}", nonces.len());
}

#[test]
fn a_power_cut_at_each_operation_of_a_change_of_keys_leaves_a_database_that_one_of_them_opens() {
    let (old, new) = (key(), EncryptionKey::raw(&[8; 32]).unwrap());
    let path = Path::new("/db");
    let kept = OpenOptions { retention: Retention { generations: 1 }, ..options() };
    let mut ended = (0, 0);
    for is_cut in [false, true] {
        for seed in 0..120 {
            let sim = Sim::new(seed);
            let mut content = Vec::new();
            let opened = open_disk(&sim.process(), path, &kept, None, &mut Loaded::default()).unwrap();
            (0..7).for_each(|_| commit(&opened, &mut content));
            compact(&opened, &content);
            let generation = content.len();
            (0..3).for_each(|_| commit(&opened, &mut content));
            opened.backend.close().unwrap();
            let host = sim.process();
            sim.die_after(1 + seed);
            let changed = rekey(&host, path, &old, &new);
            if is_cut {
                sim.process();
                sim.cut();
            }
            let opens = |key: &EncryptionKey, at: &Path| {
                let encryption = Some(key.clone());
                let options = OpenOptions { encryption, access: Access::ReadOnly, ..options() };
                let mut loaded = Loaded::default();
                match open_disk(&sim.process(), at, &options, None, &mut loaded) {
                    Ok(_) => Some(loaded.commits().unwrap()),
                    Err(error) => {
                        assert_eq!(error.kind(), Kind::WrongKey, "seed {seed}: {error:?}");
                        None
                    }
                }
            };
            let (with_old, with_new) = (opens(&old, path), opens(&new, path));
            assert!(with_old.is_some() != with_new.is_some(), "seed {seed}");
            assert!(changed.is_err() || with_new.is_some(), "seed {seed}: an answered change is lost");
            *(if with_new.is_some() { &mut ended.1 } else { &mut ended.0 }) += 1;
            assert_eq!(with_old.clone().or(with_new.clone()).unwrap(), content, "seed {seed}");
            // It can be done again, and leads to the end.
            if with_old.is_some() {
                rekey(&sim.process(), path, &old, &new).unwrap();
            }
            assert_eq!(opens(&new, path).unwrap(), content);
            assert_eq!(opens(&old, path), None);
            let backup = path.join("backup/1");
            assert_eq!(opens(&new, &backup).unwrap(), content[..generation], "seed {seed}");
            assert_eq!(opens(&old, &backup), None);
            // And goes on.
            let options = OpenOptions { encryption: Some(new.clone()), ..kept.clone() };
            let opened = open_disk(&sim.process(), path, &options, None, &mut Loaded::default()).unwrap();
            commit(&opened, &mut content);
            opened.backend.close().unwrap();
            assert_eq!(opens(&new, path).unwrap(), content);
        }
    }
    println!("{ended:?}");
    assert!(ended.0 > 10 && ended.1 > 10);
}

#[test]
fn a_change_of_keys_with_a_wrong_key_or_of_an_open_or_a_plain_database_changes_nothing() {
    let (files, _) = closed();
    let other = EncryptionKey::raw(&[8; 32]).unwrap();
    let disk = Disk::with(files.clone());
    let error = rekey(&host(&disk), Path::new(DIR), &other, &key()).unwrap_err();
    assert_eq!((error.kind(), self::files(&disk) == files), (Kind::WrongKey, true));
    let sim = Sim::new(1);
    let process = sim.process();
    let opened = open_disk(&process, Path::new("/db"), &options(), None, &mut Loaded::default()).unwrap();
    let error = rekey(&process, Path::new("/db"), &key(), &other).unwrap_err();
    assert_eq!(error.kind(), Kind::Locked);
    opened.backend.close().unwrap();
    drop(opened);
    rekey(&process, Path::new("/db"), &key(), &other).unwrap();
    let plain = OpenOptions { encryption: None, ..options() };
    open_disk(&process, Path::new("/plain"), &plain, None, &mut Loaded::default())
        .unwrap()
        .backend
        .close()
        .unwrap();
    let error = rekey(&process, Path::new("/plain"), &key(), &other).unwrap_err();
    assert_eq!(error.kind(), Kind::NotEncrypted);
}
