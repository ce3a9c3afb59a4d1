//! Simulated crashes against a naive model. `CYCLES=` sets how many, `MUTANT_CYCLES=` how many at most for each fsync that
//! is left out, `SEED=` repeats one.
//!
//! A cycle is one database over a few processes. Each commits, compacts with commits in between, and dies at a random
//! operation, by a kill or a power cut, also while it recovers or retires an old generation; some meet an fsync that
//! fails. The next must find every acknowledged commit, no commit that was never made, and no damage; generations
//! that are kept must open by themselves and end exactly at a cut.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod loading;
#[expect(dead_code, reason = "failing operations are the matter of crash_faults")]
mod sim;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use loading::{Heard, Payloads, write_snapshot};
use moltendb_node::error::Result;
use moltendb_node::options::{Access, OpenOptions, Retention, StorageMode};
use moltendb_node::storage::manifest::Manifest;
use moltendb_node::storage::snapshot::parse_snapshot_name;
use moltendb_node::storage::{
    Block, BlockPlace, Completion, FrameSize, Host, Opened, StorageBackend, open_disk,
};
use sim::{Dice, Fsync, Sim};

const PATH: &str = "/db";

/// What was asked for, in lsn order, and how much of it must never be lost.
#[derive(Default)]
struct Model {
    commits: Vec<Payloads>,
    /// Survives a kill.
    published: usize,
    /// Survives a power cut.
    durable: usize,
    /// Where generations end, or may.
    cuts: BTreeSet<usize>,
}

struct Cycle {
    sim: Sim,
    dice: Dice,
    model: Model,
    mode: StorageMode,
    retention: u32,
    /// The blocks since the process began: readable from which commit on, where, and what.
    places: Vec<(usize, BlockPlace, Vec<u8>)>,
}

impl Cycle {
    fn new(seed: u64) -> Cycle {
        let mut dice = Dice::new(seed ^ 0xd1ce);
        let mode = if dice.below(3) == 0 { StorageMode::Async } else { StorageMode::Sync };
        let retention = [0, 0, 2, 1][dice.below(4)];
        Cycle { sim: Sim::new(seed), dice, model: Model::default(), mode, retention, places: Vec::new() }
    }

    fn open_in(&self, host: &Host) -> (Result<Opened>, Heard) {
        let options = OpenOptions {
            storage: self.mode,
            segment_size: 4096,
            retention: Retention { generations: self.retention },
            ..OpenOptions::default()
        };
        let mut heard = Heard::default();
        let opened = open_disk(host, Path::new(PATH), &options, None, &mut heard);
        (opened, heard)
    }

    fn run(&mut self) -> std::result::Result<(), String> {
        for _ in 0..1 + self.dice.below(4) {
            let host = self.sim.process();
            let longest = [40, 150, 150, 500][self.dice.below(4)];
            let lifetime = 1 + self.dice.below(longest) as u64;
            self.sim.die_after(lifetime);
            if self.dice.below(4) == 0 {
                self.sim.fail_sync(self.dice.below(30) as u64);
            }
            let (opened, heard) = self.open_in(&host);
            match opened {
                Ok(opened) => {
                    self.adopt(heard)?;
                    self.work(&opened)?;
                }
                Err(error) if !self.sim.is_dead() && !self.sim.sync_failed() => {
                    return Err(format!("refused to open: {error:?}"));
                }
                Err(_) => {}
            }
            // Only a power cut loses what was merely published; a kill before it changes nothing about that.
            if self.dice.below(3) > 0 {
                self.sim.process();
                self.sim.cut();
                self.model.published = self.model.durable;
            }
        }
        let host = self.sim.process();
        let (opened, heard) = self.open_in(&host);
        let opened = opened.map_err(|error| format!("refused to open at last: {error:?}"))?;
        self.adopt(heard)?;
        drop(opened);
        self.check_files(&host)
    }

    /// No file stays but those of the database, and every kept generation opens and ends at a cut.
    fn check_files(&self, host: &Host) -> std::result::Result<(), String> {
        let list = |path: &Path| -> Vec<String> {
            host.vfs.read_dir(path).unwrap_or_default().into_iter().map(|entry| entry.name).collect()
        };
        let dir = Path::new(PATH);
        let manifest = Manifest::read(host, dir, false).map_err(|error| format!("{error:?}"))?;
        for name in list(dir) {
            let segment = name.strip_prefix("seg-").and_then(|rest| rest.strip_suffix(".log"));
            let segment = segment.and_then(|id| u64::from_str_radix(id, 16).ok());
            let old = segment.is_some_and(|id| id < manifest.first_segment)
                || parse_snapshot_name(&name).is_some_and(|id| id < manifest.generation)
                || name.ends_with(".tmp");
            if old {
                return Err(format!("{name} was left behind"));
            }
        }
        let backups = dir.join("backup");
        // Without a manifest it is the rest of one that was given up or removed.
        let mut kept = list(&backups);
        kept.retain(|name| list(&backups.join(name)).contains(&"MANIFEST".to_owned()));
        let oldest = manifest.generation.saturating_sub(u64::from(self.retention)).max(1);
        if let Some(gone) = (oldest..manifest.generation).find(|due| !kept.contains(&due.to_string())) {
            return Err(format!("generation {gone} of {} is gone, kept {kept:?}", manifest.generation));
        }
        for name in kept {
            let options = OpenOptions { access: Access::ReadOnly, ..OpenOptions::default() };
            let mut heard = Heard::default();
            open_disk(host, &backups.join(&name), &options, None, &mut heard)
                .map_err(|error| format!("the kept generation {name} is refused: {error:?}"))?;
            let commits = heard.commits()?;
            if !self.model.cuts.contains(&commits.len())
                || self.model.commits.get(..commits.len()) != Some(&commits[..])
            {
                return Err(format!("the kept generation {name} holds {} commits", commits.len()));
            }
        }
        Ok(())
    }

    fn adopt(&mut self, heard: Heard) -> std::result::Result<(), String> {
        self.places.clear();
        let heard = heard.commits()?;
        let model = &mut self.model;
        if heard.len() < model.published {
            return Err(format!("{} commits came back, {} were answered", heard.len(), model.published));
        }
        if model.commits.get(..heard.len()) != Some(&heard[..]) {
            return Err("commits came back that were never made".to_owned());
        }
        model.published = heard.len();
        model.durable = heard.len();
        model.commits = heard;
        Ok(())
    }

    fn work(&mut self, opened: &Opened) -> std::result::Result<(), String> {
        let backend = &*opened.backend;
        for _ in 0..self.dice.below(12) {
            let mut waiting = Vec::new();
            for _ in 0..1 + self.dice.below(3) {
                match self.commit(backend) {
                    Some(commit) => waiting.push(commit),
                    None => return Ok(()),
                }
            }
            // Both ways to write: by a thread that may wait, and by one that must not as far as it can.
            // No dice: what they show stays what it was.
            if self.model.commits.len().is_multiple_of(2) || !backend.drive_promptly() {
                backend.drive();
            }
            self.settle(waiting);
            if self.dice.below(4) == 0 {
                self.compact(backend)?;
            }
            if self.dice.below(4) == 0 && backend.flush().wait().is_ok() {
                self.model.durable = self.model.published;
            }
        }
        if self.dice.below(3) == 0 && backend.close().is_ok() {
            self.model.durable = self.model.published;
        }
        Ok(())
    }

    fn settle(&mut self, waiting: Vec<(usize, Completion)>) {
        for (lsn, completion) in waiting {
            if completion.wait().is_ok() {
                self.model.published = self.model.published.max(lsn);
                if self.mode == StorageMode::Sync {
                    self.model.durable = self.model.durable.max(lsn);
                }
            }
        }
    }

    /// A compaction with commits in between, some of them not yet written when it ends. Given up now and then.
    fn compact(&mut self, backend: &dyn StorageBackend) -> std::result::Result<(), String> {
        let mut waiting = Vec::new();
        for _ in 0..self.dice.below(2) {
            waiting.extend(self.commit(backend));
        }
        let Ok(cut) = backend.cut() else { return Ok(()) };
        let end = self.model.commits.len();
        assert_eq!(cut.lsn.0, end as u64);
        self.model.cuts.insert(end);
        let mut installed = None;
        if let Ok(mut sink) = backend.begin_snapshot(&cut) {
            let commits = self.model.commits.clone();
            let each = 1 + self.dice.below(4);
            let written = write_snapshot(&mut *sink, &commits, each, || {
                if self.dice.below(3) == 0 {
                    waiting.extend(self.commit(backend));
                }
                if self.dice.below(3) == 0 {
                    backend.drive();
                }
            });
            if self.dice.below(8) == 0 {
                drop(sink);
            } else if let Ok(places) = written
                && let Ok(done) = backend.install(cut, sink)
            {
                self.model.published = self.model.published.max(end);
                self.model.durable = self.model.durable.max(end);
                self.places.extend(places.into_iter().map(|(place, payload)| (0, place, payload)));
                installed = Some(done);
            }
        }
        backend.drive();
        self.settle(waiting);
        self.read_back(backend)?;
        if let Some(installed) = installed {
            backend.forget(&installed.retired);
            self.places.retain(|(_, place, _)| !installed.retired.contains(&place.file));
        }
        self.read_back(backend)
    }

    /// Blocks stay readable where they were said to stand.
    fn read_back(&mut self, backend: &dyn StorageBackend) -> std::result::Result<(), String> {
        for _ in 0..2.min(self.places.len()) {
            let (lsn, place, payload) = &self.places[self.dice.below(self.places.len())];
            if *lsn > self.model.published {
                continue;
            }
            match backend.read(*place) {
                Ok(block) if *block.bytes == **payload => {}
                _ if self.sim.is_dead() => return Ok(()),
                result => return Err(format!("{place:?} reads {result:?}")),
            }
        }
        Ok(())
    }

    fn commit(&mut self, backend: &dyn StorageBackend) -> Option<(usize, Completion)> {
        let dice = &mut self.dice;
        let payloads: Payloads = (0..if dice.below(4) == 0 { dice.below(4) } else { 1 })
            .map(|_| {
                let len = if dice.below(8) == 0 { dice.below(3000) } else { dice.below(200) };
                let fill = dice.next();
                (0..len).map(|at| (fill >> (at % 7 * 8)) as u8).collect()
            })
            .collect();
        let size =
            FrameSize { blocks: payloads.iter().map(|payload| payload.len() as u32).collect(), records: 1 };
        let place = backend.reserve(&size).ok()?;
        let blocks: Vec<_> = payloads
            .iter()
            .zip(&place.blocks)
            .map(|(payload, place)| Arc::new(Block { place: *place, base: 0, bytes: payload.clone().into() }))
            .collect();
        let lsn = self.model.commits.len() + 1;
        let stand = place.blocks.iter().zip(&payloads);
        self.places.extend(stand.map(|(place, payload)| (lsn, *place, payload.clone())));
        self.model.commits.push(payloads);
        assert_eq!(place.lsn.0, self.model.commits.len() as u64);
        Some((self.model.commits.len(), backend.append(place, &blocks)))
    }
}

fn run_cycles(cycles: u64, prepare: impl Fn(&Sim) + Sync) -> Option<(u64, String)> {
    let next = AtomicU64::new(0);
    let failure = std::sync::Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while failure.lock().unwrap().is_none() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= cycles {
                        return;
                    }
                    let mut cycle = Cycle::new(seed);
                    prepare(&cycle.sim);
                    if let Err(what) = cycle.run() {
                        *failure.lock().unwrap() = Some((seed, what));
                    }
                }
            });
        }
    });
    failure.into_inner().unwrap()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn no_crash_loses_an_answered_commit_or_refuses_a_healthy_database() {
    if let Some(seed) = number("SEED") {
        Cycle::new(seed).run().unwrap();
        return;
    }
    let cycles = number("CYCLES").unwrap_or(100_000);
    if let Some((seed, what)) = run_cycles(cycles, |_| {}) {
        panic!("SEED={seed}: {what}");
    }
}

/// Which fsync an entry stands for, and how the simulation tells it.
///
/// Not among them, because other fsyncs make up for each: those of segments and snapshot before they are trusted (what
/// may be missing of the newest segment is written again and fsynced, all else was durable before it was named), and
/// those of the torn bytes in `quarantine/`, which no promise rests on.
type Site = (&'static str, fn(&Fsync<'_>) -> bool);

const SITES: &[Site] = &[
    ("parent of a new database", |sync| sync.verb == "sync_dir" && sync.path == "/"),
    ("manifest", |sync| sync.verb == "sync_all" && sync.path == "/db/MANIFEST.tmp"),
    ("directory after the manifest", |sync| changed(sync, "/MANIFEST")),
    ("frames", |sync| sync.verb == "sync_data" && sync.wrote != 32),
    ("seal", |sync| sync.verb == "sync_data" && sync.wrote == 32),
    ("header of a segment", |sync| sync.verb == "sync_all" && sync.wrote == 64 && !sync.opening),
    ("directory after a new segment", |sync| changed(sync, ".log")),
    ("snapshot", |sync| sync.verb == "sync_all" && sync.path.contains("/snap-") && !sync.opening),
    ("directory after the snapshot", |sync| changed(sync, ".snp")),
    ("directory after backup/", |sync| changed(sync, "/backup")),
    ("backup/ after a generation", |sync| sync.verb == "sync_dir" && sync.path == "/db/backup"),
    ("manifest of a kept generation", |sync| sync.verb == "sync_all" && sync.path.starts_with("/db/backup")),
    ("a kept generation after its manifest", |sync| in_backup(sync) && sync.change.ends_with(".tmp")),
    ("a kept generation after its files", |sync| {
        in_backup(sync) && (sync.change.ends_with(".log") || sync.change.ends_with(".snp"))
    }),
    ("a kept generation that goes, after its manifest", |sync| {
        in_backup(sync) && sync.change.ends_with("/MANIFEST")
    }),
    ("bytes written again", |sync| mends(sync) && sync.wrote != 32),
    ("seal of a mended segment", |sync| mends(sync) && sync.wrote == 32),
    ("directory before it is trusted", |sync| sync.verb == "sync_dir" && sync.path == "/db" && sync.opening),
];

fn changed(sync: &Fsync<'_>, suffix: &str) -> bool {
    sync.verb == "sync_dir" && sync.path == "/db" && sync.change.ends_with(suffix) && !sync.opening
}

fn mends(sync: &Fsync<'_>) -> bool {
    sync.verb == "sync_all" && sync.path.starts_with("/db/seg-") && sync.wrote != 64 && !sync.opening
}

fn in_backup(sync: &Fsync<'_>) -> bool {
    sync.verb == "sync_dir" && sync.path.starts_with("/db/backup/")
}

#[test]
fn every_fsync_is_needed() {
    let cycles = number("MUTANT_CYCLES").unwrap_or(40_000);
    let mut useless = Vec::new();
    for (name, site) in SITES {
        match run_cycles(cycles, |sim| sim.ignore(*site)) {
            Some((seed, what)) => println!("{name}: SEED={seed}: {what}"),
            None => useless.push(name),
        }
    }
    assert!(useless.is_empty(), "no crash shows that these are needed: {useless:?}");
}

#[test]
fn pages_that_a_failed_fsync_left_clean_are_written_again() {
    let Some((seed, what)) = run_cycles(40_000, Sim::skip_rewrites) else {
        panic!("no crash shows that the rewrite is needed");
    };
    println!("SEED={seed}: {what}");
}
