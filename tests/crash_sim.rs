//! Simulated crashes against a naive model. `CYCLES=` sets how many, `SEED=` repeats one.
//!
//! A cycle is one database over a few processes. Each dies at a random operation, by a kill or a power cut, also
//! while it recovers; the next must find every acknowledged commit, no commit that was never made, and no damage.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[expect(dead_code, reason = "failing operations are the matter of crash_faults")]
mod sim;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moltendb_node::error::Result;
use moltendb_node::options::{OpenOptions, StorageMode};
use moltendb_node::storage::{Block, Completion, FrameSize, Opened, Replayed, StorageBackend, open_disk};
use sim::{Dice, Sim};

type Payloads = Vec<Vec<u8>>;

const PATH: &str = "/db";

/// What was asked for, in lsn order, and how much of it must never be lost.
#[derive(Default)]
struct Model {
    commits: Vec<Payloads>,
    /// Survives a kill.
    published: usize,
    /// Survives a power cut.
    durable: usize,
}

struct Cycle {
    sim: Sim,
    dice: Dice,
    model: Model,
    mode: StorageMode,
}

impl Cycle {
    fn new(seed: u64) -> Cycle {
        let mut dice = Dice::new(seed ^ 0xd1ce);
        let mode = if dice.below(3) == 0 { StorageMode::Async } else { StorageMode::Sync };
        Cycle { sim: Sim::new(seed), dice, model: Model::default(), mode }
    }

    fn open(&self) -> (Result<Opened>, Vec<Payloads>) {
        let host = self.sim.process();
        self.open_in(&host)
    }

    fn open_in(&self, host: &moltendb_node::storage::Host) -> (Result<Opened>, Vec<Payloads>) {
        let options = OpenOptions { storage: self.mode, segment_size: 4096, ..OpenOptions::default() };
        let mut heard = Vec::new();
        let opened = open_disk(host, Path::new(PATH), &options, None, &mut |frame: Replayed| {
            heard.push(frame.blocks.iter().map(|block| block.bytes.to_vec()).collect());
            Ok(())
        });
        (opened, heard)
    }

    fn run(&mut self) -> std::result::Result<(), String> {
        for _ in 0..1 + self.dice.below(4) {
            let host = self.sim.process();
            let longest = if self.dice.below(2) == 0 { 40 } else { 150 };
            let lifetime = 1 + self.dice.below(longest) as u64;
            self.sim.die_after(lifetime);
            let (opened, heard) = self.open_in(&host);
            match opened {
                Ok(opened) => {
                    self.adopt(heard)?;
                    self.work(&opened);
                }
                Err(error) if !self.sim.is_dead() => return Err(format!("refused to open: {error:?}")),
                Err(_) => {}
            }
            // Only a power cut loses what was merely published; a kill before it changes nothing about that.
            if self.dice.below(3) > 0 {
                self.sim.process();
                self.sim.cut();
                self.model.published = self.model.durable;
            }
        }
        let (opened, heard) = self.open();
        opened.map_err(|error| format!("refused to open at last: {error:?}"))?;
        self.adopt(heard)
    }

    fn adopt(&mut self, heard: Vec<Payloads>) -> std::result::Result<(), String> {
        let model = &mut self.model;
        if heard.len() < model.published {
            return Err(format!("{} commits came back, {} were answered", heard.len(), model.published));
        }
        if model.commits.get(..heard.len()) != Some(&heard[..]) {
            return Err("commits came back that were never made".to_owned());
        }
        *model = Model { published: heard.len(), durable: heard.len(), commits: heard };
        Ok(())
    }

    fn work(&mut self, opened: &Opened) {
        let backend = &*opened.backend;
        for _ in 0..self.dice.below(12) {
            let mut waiting = Vec::new();
            for _ in 0..1 + self.dice.below(3) {
                match self.commit(backend) {
                    Some(completion) => waiting.push((self.model.commits.len(), completion)),
                    None => return,
                }
            }
            backend.drive();
            for (lsn, completion) in waiting {
                if completion.wait().is_ok() {
                    self.model.published = lsn;
                    if self.mode == StorageMode::Sync {
                        self.model.durable = lsn;
                    }
                }
            }
            if self.dice.below(4) == 0 && backend.flush().wait().is_ok() {
                self.model.durable = self.model.published;
            }
        }
        if self.dice.below(3) == 0 && backend.close().is_ok() {
            self.model.durable = self.model.published;
        }
    }

    fn commit(&mut self, backend: &dyn StorageBackend) -> Option<Completion> {
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
        self.model.commits.push(payloads);
        assert_eq!(place.lsn.0, self.model.commits.len() as u64);
        Some(backend.append(place, &blocks))
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
    let cycles = number("CYCLES").unwrap_or(200_000);
    if let Some((seed, what)) = run_cycles(cycles, |_| {}) {
        panic!("SEED={seed}: {what}");
    }
}

#[test]
fn every_kind_of_fsync_is_needed() {
    let sites = [
        ("sync_data", ".log"),
        ("sync_all", ".log"),
        ("sync_all", "MANIFEST.tmp"),
        ("sync_dir", "/db"),
        ("sync_dir", "/"),
    ];
    for site in sites {
        let Some((seed, what)) = run_cycles(20_000, |sim| sim.ignore_sync(site.0, site.1)) else {
            panic!("no crash shows that {site:?} is needed");
        };
        println!("{site:?}: SEED={seed}: {what}");
    }
}
