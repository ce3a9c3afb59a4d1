//! The fuzz entry points on a stable compiler: the stored corpus, and seeded mutations of it.
//!
//! ```text
//! MOLTENDB_FUZZ_SECONDS=60 MOLTENDB_SEED=7 cargo test --release --no-default-features --test corpus
//! MOLTENDB_MUTATIONS=100000 MOLTENDB_SEED=7 cargo test --release --no-default-features --test corpus
//! cargo test --no-default-features --test corpus -- --ignored      rewrites the generated part of the corpus
//! ```

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../fuzz/entries/mod.rs"]
mod entries;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Instant;

use entries::Entry;

const LONGEST: usize = 4096;

/// A random generator with a seed.
struct Dice(fastrand::Rng);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0.u64(..)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0.usize(..bound.max(1))
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name)
}

fn stored(name: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// One to four changes: a flipped bit, a byte, a boundary value, or a piece removed, doubled, or taken from another input.
fn mutate(inputs: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = inputs[dice.below(inputs.len())].clone();
    for _ in 0..1 + dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        let end = at + dice.below((bytes.len() - at).min(64) + 1);
        match dice.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            1 if at < bytes.len() => bytes[at] = dice.next() as u8,
            2 if at < bytes.len() => {
                bytes[at] = [0x00, 0xff, 0x7f, 0x80, 0x01, 0xc7, 0xd9, 0xdf][dice.below(8)];
            }
            3 => drop(bytes.drain(at..end)),
            4 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let other = &inputs[dice.below(inputs.len())];
                let from = dice.below(other.len() + 1);
                let piece = other[from..(from + dice.below(64)).min(other.len())].to_vec();
                bytes.splice(at..end, piece);
            }
        }
    }
    bytes.truncate(LONGEST);
    bytes
}

/// Runs an input; a panic is reported with what reproduces it.
fn run(entry: Entry, input: &[u8], told: impl FnOnce() -> String) {
    if catch_unwind(AssertUnwindSafe(|| entry(input))).is_err() {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        panic!("{}: input {hex}", told());
    }
}

fn run_all(name: &str, mutations: u64) {
    let entry = entries::ALL.iter().find(|(known, _)| *known == name).unwrap().1;
    let inputs = stored(name);
    assert!(!inputs.is_empty(), "the corpus of {name} is stored");
    for (n, input) in inputs.iter().enumerate() {
        run(entry, input, || format!("stored input {n} of {name}"));
    }
    let seed = setting("MOLTENDB_SEED", 1);
    let mut dice = Dice(fastrand::Rng::with_seed(seed));
    let seconds = setting("MOLTENDB_FUZZ_SECONDS", 0);
    let (began, least) = (Instant::now(), setting("MOLTENDB_MUTATIONS", mutations));
    let mut n = 0;
    while n < least || began.elapsed().as_secs() < seconds {
        let input = mutate(&inputs, &mut dice);
        run(entry, &input, || {
            format!("mutation {n} of {name}, MOLTENDB_SEED={seed} MOLTENDB_MUTATIONS={}", n + 1)
        });
        n += 1;
    }
    println!("{name}: {} stored inputs, {n} mutations, MOLTENDB_SEED={seed}", inputs.len());
    if let Some(peak) = peak_memory() {
        assert!(peak < 1 << 30, "inputs of at most {LONGEST} bytes took {peak} bytes of memory");
    }
}

/// The peak memory of this process, where the system reports it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

#[test]
fn no_frame_panics() {
    run_all("frame", 20_000);
}

#[test]
fn no_segment_panics_and_a_mended_one_is_whole() {
    run_all("segment", 10_000);
}

#[test]
fn no_manifest_panics() {
    run_all("manifest", 10_000);
}

#[test]
fn no_document_panics_and_a_stored_one_is_what_was_given() {
    run_all("document", 20_000);
}

#[test]
fn no_query_panics() {
    run_all("filter", 10_000);
}

#[test]
fn no_record_panics_and_what_opens_opens_again() {
    run_all("records", 2_000);
}

#[test]
fn no_snapshot_panics_and_one_with_a_fault_is_refused() {
    run_all("snapshot", 2_000);
}

#[test]
fn crafted_segments_open_exactly_if_they_verify() {
    run_all("crafted_segment", 1_000);
}

#[test]
fn crafted_snapshots_open_exactly_if_they_verify() {
    run_all("crafted_snapshot", 1_000);
}

#[test]
fn a_crafted_checkpoint_answers_as_if_it_were_not_there_or_is_told() {
    run_all("crafted_checkpoint", 500);
}

#[test]
fn crafted_manifests_open_exactly_if_they_verify() {
    run_all("crafted_manifest", 1_000);
}

#[test]
#[ignore = "writes the corpus"]
fn write_the_seeds() {
    for (name, inputs) in entries::seeds() {
        std::fs::create_dir_all(folder(name)).unwrap();
        for (n, input) in inputs.iter().enumerate() {
            std::fs::write(folder(name).join(format!("seed-{n:02}")), input).unwrap();
        }
    }
}
