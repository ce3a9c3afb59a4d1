//! Simulated crashes, compared with a naive model. `CRASH_CYCLES=` sets the number of cycles, `MUTANT_CYCLES=` the maximum
//! for each omitted fsync, `DAMAGE_CYCLES=` the number of bits flipped after a crash, `ABSENCE_CYCLES=` the number of newest
//! segments removed; `SEED=` repeats one cycle.
//!
//! A cycle is one database over a few processes. Each process commits, compacts with commits in between, and dies at a
//! random operation, by a kill or a power cut, also during recovery or while an old generation is retired; some processes
//! meet a failing fsync. The next process must find every acknowledged commit, no commit that was never made, and no damage.
//! Kept generations must be complete databases that end exactly at a cut. Whatever of the log is kept, for its history too, is
//! read again as it was committed.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod crash_absence;
mod crash_damage;
mod crash_history;
mod crash_sites;
mod loading;
#[expect(dead_code, reason = "failing operations are the matter of crash_faults")]
mod sim;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crash_history::Past;
use loading::{Loaded, Payloads, write_snapshot};
use moltendb_node::error::Result;
use moltendb_node::options::{Access, EncryptionKey, History, OpenOptions, Retention, StorageMode};
use moltendb_node::storage::manifest::Manifest;
use moltendb_node::storage::snapshot::parse_snapshot_name;
use moltendb_node::storage::{
    Block, BlockPlace, Completion, FrameSize, Host, Opened, RecoveryReport, StorageBackend, open_disk,
    unlocked,
};
use sim::{Dice, Sim};

const PATH: &str = "/db";

/// The commits in LSN order, and how many of them must never be lost.
#[derive(Default)]
struct Model {
    commits: Vec<Payloads>,
    /// Survives a kill.
    published: usize,
    /// Survives a power cut.
    durable: usize,
    /// Where generations end, or may end.
    cuts: BTreeSet<usize>,
}

struct Cycle {
    /// Of an encrypted database: every third cycle.
    key: Option<EncryptionKey>,
    sim: Sim,
    dice: Dice,
    model: Model,
    mode: StorageMode,
    retention: u32,
    past: Past,
    /// The blocks since the process began: from which commit on they are readable, their place, and their content.
    places: Vec<(usize, BlockPlace, Vec<u8>)>,
    /// The newest segment with frames when the last process began, and whether a power cut ended that process.
    before: u64,
    was_cut: bool,
    seen: Seen,
}

/// How often cycles covered each event, by name.
#[derive(Default)]
struct Seen(BTreeMap<&'static str, u64>);

/// Events that a run of any length must cover; each is a part of the protocol.
const PARTS: [&str; 15] = [
    "an encrypted database",
    "a kill",
    "a power cut",
    "a failed fsync",
    "an opening that died",
    "a clean opening",
    "an unclean opening",
    "a torn tail cut and kept in quarantine",
    "a file longer than its frames",
    "a chain of segments",
    "a snapshot loaded",
    "a frame of several blocks",
    "a compaction installed",
    "a compaction given up",
    "a history",
];

impl Seen {
    fn note(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    fn merge(&mut self, other: &Seen) {
        for (what, count) in &other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }
}

impl Cycle {
    fn new(seed: u64) -> Cycle {
        let mut dice = Dice::new(seed ^ 0xd1ce);
        let mode = if dice.below(3) == 0 { StorageMode::Async } else { StorageMode::Sync };
        let retention = [0, 0, 2, 1][dice.below(4)];
        // Not drawn, so that existing seeds replay the same run.
        let key = (seed % 3 == 1).then(|| EncryptionKey::raw(&[seed as u8; 32]).unwrap());
        Cycle {
            key,
            sim: Sim::new(seed),
            dice,
            model: Model::default(),
            mode,
            retention,
            past: Past::new(seed),
            places: Vec::new(),
            before: 0,
            was_cut: false,
            seen: Seen::default(),
        }
    }

    fn open_in(&self, host: &Host) -> (Result<Opened>, Loaded) {
        let options = OpenOptions {
            encryption: self.key.clone(),
            storage: self.mode,
            segment_size: 4096,
            retention: Retention { generations: self.retention },
            history: History { changes: self.past.option, past: self.past.states },
            ..OpenOptions::default()
        };
        let mut loaded = Loaded::default();
        let opened = open_disk(host, Path::new(PATH), &options, None, &mut loaded);
        (opened, loaded)
    }

    /// Whether the rest of a segment ends with unused space.
    fn is_longer_than_its_frames(&self) -> bool {
        let segments = self.sim.bytes(|name| name.starts_with("/db/seg-"));
        segments.values().any(|bytes| bytes.len() > 64 && bytes.iter().rev().take(32).all(|byte| *byte == 0))
    }

    fn run(&mut self) -> std::result::Result<(), String> {
        self.live()?;
        let host = self.sim.process();
        self.past.draw();
        self.check_mark(&host)?;
        let (opened, loaded) = self.open_in(&host);
        let opened = opened.map_err(|error| format!("refused to open at last: {error:?}"))?;
        self.adopt(&opened.report, loaded)?;
        self.meet_history(&*opened.backend)?;
        drop(opened);
        self.check_files(&host)
    }

    /// A few processes, one after the other; each dies.
    fn live(&mut self) -> std::result::Result<(), String> {
        for _ in 0..1 + self.dice.below(4) {
            let host = self.sim.process();
            self.past.draw();
            self.check_mark(&host)?;
            let longest = [40, 150, 150, 500][self.dice.below(4)];
            let lifetime = 1 + self.dice.below(longest) as u64;
            self.sim.die_after(lifetime);
            if self.dice.below(4) == 0 {
                self.sim.fail_sync(self.dice.below(30) as u64);
            }
            if self.is_longer_than_its_frames() {
                self.seen.note("a file longer than its frames");
            }
            self.before = self.newest_segment();
            let (opened, loaded) = self.open_in(&host);
            match opened {
                Ok(opened) => {
                    self.adopt(&opened.report, loaded)?;
                    self.meet_history(&*opened.backend)?;
                    self.work(&opened)?;
                }
                Err(error) if !self.sim.is_dead() && !self.sim.sync_failed() => {
                    return Err(format!("refused to open: {error:?}"));
                }
                Err(_) => self.seen.note("an opening that died"),
            }
            if self.sim.sync_failed() {
                self.seen.note("a failed fsync");
            }
            // A power cut may lose what was only published; an earlier kill does not change that.
            self.was_cut = self.dice.below(3) > 0;
            if self.was_cut {
                self.sim.process();
                self.sim.cut();
                self.model.published = self.model.durable;
                self.seen.note("a power cut");
            } else {
                self.seen.note("a kill");
            }
        }
        Ok(())
    }

    /// Only files of the database remain, and every kept generation opens and ends at a cut.
    fn check_files(&self, host: &Host) -> std::result::Result<(), String> {
        let list = |path: &Path| -> Vec<String> {
            host.vfs.read_dir(path).unwrap_or_default().into_iter().map(|entry| entry.name).collect()
        };
        let dir = Path::new(PATH);
        let manifest = unlocked(host, dir, self.key.as_ref())
            .and_then(|host| Manifest::read(&host, dir, false))
            .map_err(|error| format!("{error:?}"))?;
        for name in list(dir) {
            let segment = name.strip_prefix("seg-").and_then(|rest| rest.strip_suffix(".log"));
            let segment = segment.and_then(|id| u64::from_str_radix(id, 16).ok());
            let old = segment.is_some_and(|id| id < manifest.oldest_segment())
                || parse_snapshot_name(&name).is_some_and(|id| {
                    manifest.snapshot.is_none_or(|named| named.id != id) && !manifest.keeps_snapshot(id)
                })
                || name.ends_with(".tmp");
            if old {
                return Err(format!("{name} was left behind"));
            }
        }
        let backups = dir.join("backup");
        // Without a manifest it is the rest of an abandoned backup; one that was being removed is gone.
        let (mut kept, rest): (Vec<String>, Vec<String>) = list(&backups)
            .into_iter()
            .partition(|name| list(&backups.join(name)).contains(&"MANIFEST".to_owned()));
        kept.sort();
        if let Some(left) = rest.iter().find(|name| name.parse::<u64>().unwrap() < manifest.generation) {
            return Err(format!("backup/{left} was left behind without its manifest"));
        }
        let oldest = manifest.generation.saturating_sub(u64::from(self.retention)).max(1);
        if let Some(gone) = (oldest..manifest.generation).find(|due| !kept.contains(&due.to_string())) {
            return Err(format!("generation {gone} of {} is gone, kept {kept:?}", manifest.generation));
        }
        for name in kept {
            let encryption = self.key.clone();
            let options = OpenOptions { encryption, access: Access::ReadOnly, ..OpenOptions::default() };
            let mut loaded = Loaded::default();
            open_disk(host, &backups.join(&name), &options, None, &mut loaded)
                .map_err(|error| format!("the kept generation {name} is refused: {error:?}"))?;
            let commits = loaded.commits()?;
            if !self.model.cuts.contains(&commits.len())
                || self.model.commits.get(..commits.len()) != Some(&commits[..])
            {
                return Err(format!("the kept generation {name} holds {} commits", commits.len()));
            }
        }
        Ok(())
    }

    fn adopt(&mut self, report: &RecoveryReport, loaded: Loaded) -> std::result::Result<(), String> {
        self.places.clear();
        self.check_report(report)?;
        if loaded.database.is_some() {
            self.seen.note("a snapshot loaded");
        }
        let loaded = loaded.commits()?;
        if loaded.iter().any(|payloads| payloads.len() > 1) {
            self.seen.note("a frame of several blocks");
        }
        let model = &mut self.model;
        if loaded.len() < model.published {
            return Err(format!("{} commits came back, {} were answered", loaded.len(), model.published));
        }
        if model.commits.get(..loaded.len()) != Some(&loaded[..]) {
            return Err("commits came back that were never made".to_owned());
        }
        model.published = loaded.len();
        model.durable = loaded.len();
        model.commits = loaded;
        Ok(())
    }

    /// All bytes that were cut off are in quarantine.
    fn check_report(&mut self, report: &RecoveryReport) -> std::result::Result<(), String> {
        if self.key.is_some() {
            self.seen.note("an encrypted database");
        }
        self.seen.note(if report.clean { "a clean opening" } else { "an unclean opening" });
        if report.segments > 1 {
            self.seen.note("a chain of segments");
        }
        if report.suspect_tail {
            return Err(format!("what a crash left looks damaged: {report:?}"));
        }
        if report.bytes_cut == 0 {
            return Ok(());
        }
        self.seen.note("a torn tail cut and kept in quarantine");
        let kept = report.quarantine.as_deref().and_then(|path| self.sim.len(path));
        if kept != Some(report.bytes_cut as usize) {
            return Err(format!("{kept:?} bytes are in quarantine: {report:?}"));
        }
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
            // Writes in both ways: by a thread that may block, and by one that must not, as far as it can. Draws no random
            // number, so that existing seeds replay the same run.
            if self.model.commits.len().is_multiple_of(2) || !backend.drive_nonblocking() {
                backend.drive();
            }
            self.settle(waiting);
            if self.dice.below(4) == 0 {
                self.compact(backend)?;
            }
            if self.dice.below(4) == 0 && backend.flush().wait().is_ok() {
                self.model.durable = self.model.published;
            }
            self.change_history(backend)?;
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

    /// A compaction with commits in between, some of them not yet written when it ends. Sometimes abandoned.
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
            let mut pages = backend.begin_checkpoint(&cut).ok();
            let paged = pages
                .as_mut()
                .is_some_and(|pages| pages.page(&[7; 100], 1).is_ok() && pages.so_far().is_ok());
            if self.dice.below(8) == 0 {
                drop(sink);
                self.seen.note("a compaction given up");
            } else if let Ok(places) = written
                && let Ok(done) = backend.install(cut, sink)
            {
                self.model.published = self.model.published.max(end);
                self.model.durable = self.model.durable.max(end);
                self.places.extend(places.into_iter().map(|(place, payload)| (0, place, payload)));
                installed = Some(done);
                // A checkpoint that cannot be written is none, and changes nothing else.
                let pages = pages.filter(|_| paged && self.dice.below(8) > 0);
                let _ = pages.map(|pages| backend.end_checkpoint(pages, b"catalogue"));
                self.seen.note("a compaction installed");
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

    /// Blocks stay readable at their places.
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
                let fill = dice.next().to_le_bytes();
                fill[..7].iter().copied().cycle().take(len).collect()
            })
            .collect();
        let size =
            FrameSize { blocks: payloads.iter().map(|payload| payload.len() as u32).collect(), records: 1 };
        let place = backend.reserve(&size).ok()?;
        let blocks: Vec<_> = payloads
            .iter()
            .zip(&place.blocks)
            .map(|(payload, place)| {
                Arc::new(Block { place: *place, base: 0, bytes: payload.clone().into(), transient: false })
            })
            .collect();
        let lsn = self.model.commits.len() + 1;
        let stand = place.blocks.iter().zip(&payloads);
        self.places.extend(stand.map(|(place, payload)| (lsn, *place, payload.clone())));
        self.model.commits.push(payloads);
        assert_eq!(place.lsn.0, self.model.commits.len() as u64);
        Some((self.model.commits.len(), backend.append(place, &blocks)))
    }
}

/// Runs cycles on every core until one fails; returns that one, and what all of them covered.
fn run_cycles(cycles: u64, run: impl Fn(&mut Cycle) -> std::result::Result<(), String> + Sync) -> Ran {
    let next = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let ran = Mutex::new(Ran::default());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                let mut seen = Seen::default();
                while !failed.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= cycles {
                        break;
                    }
                    let mut cycle = Cycle::new(seed);
                    if let Err(what) = run(&mut cycle) {
                        failed.store(true, Ordering::Relaxed);
                        ran.lock().unwrap().failure = Some((seed, what));
                    }
                    seen.merge(&cycle.seen);
                }
                ran.lock().unwrap().seen.merge(&seen);
            });
        }
    });
    ran.into_inner().unwrap()
}

#[derive(Default)]
struct Ran {
    failure: Option<(u64, String)>,
    seen: Seen,
}

/// Runs cycles in a world with a defect; returns the first that detects it.
fn run_mutant(cycles: u64, prepare: impl Fn(&Sim) + Sync) -> Option<(u64, String)> {
    run_cycles(cycles, |cycle| {
        prepare(&cycle.sim);
        cycle.run()
    })
    .failure
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
    let cycles = number("CRASH_CYCLES").unwrap_or(100_000);
    let ran = run_cycles(cycles, Cycle::run);
    println!("{cycles} cycles: {:?}", ran.seen.0);
    if let Some((seed, what)) = ran.failure {
        panic!("SEED={seed}: {what}");
    }
    let never: Vec<_> = PARTS.iter().filter(|part| !ran.seen.0.contains_key(*part)).collect();
    assert!(cycles < 10_000 || never.is_empty(), "no cycle came across {never:?}");
}
