//! Scripts of database sessions, drawn from a seed: sessions of commits, bursts, flushes and compactions that end by a close
//! or a kill. Some keep the history of the log, each session within other limits.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use moltendb_node::error::{Error, Kind, Result};
use moltendb_node::options::{
    Access, ChangeHistory, History, HistoryLimits, OpenOptions, PastHistory, PastLimits, Retention,
    StorageMode,
};
use moltendb_node::storage::{Block, Completion, FrameSize, Lsn, Moment, Opened, open_disk};

use crate::loading::{Loaded, Payloads, write_snapshot};
use crate::sim::{Dice, Sim};

/// What a session does.
#[derive(Clone, Debug)]
enum Step {
    /// Commits of blocks of these lengths, queued together.
    Commit(Vec<Vec<usize>>),
    Flush,
    /// A snapshot with so many commits per block, and a commit during it; installed or abandoned.
    Compact {
        each: usize,
        between: usize,
        installed: bool,
    },
    /// Keeps the history from now on.
    Keep,
    /// Gives up what the limits do not keep.
    Trim,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Close,
    Kill,
}

/// A script, and the options of its database.
#[derive(Debug)]
pub struct Script {
    seed: u64,
    mode: StorageMode,
    segment_size: u64,
    retention: u32,
    sessions: Vec<(Access, History, Vec<Step>, End)>,
}

impl Script {
    /// The script of a seed.
    pub fn new(seed: u64) -> Script {
        let mut dice = Dice::new(seed ^ 0x5c21);
        let mode = if seed.is_multiple_of(2) { StorageMode::Sync } else { StorageMode::Async };
        let segment_size = [4096, 4096, 16 << 10][dice.below(3)];
        let retention = [0, 0, 1, 2][dice.below(4)];
        let sessions = (0..2 + dice.below(3))
            .map(|n| {
                // When nothing was created, nothing can be read.
                let access = if n > 0 && dice.below(6) == 0 { Access::ReadOnly } else { Access::ReadWrite };
                let steps = (0..2 + dice.below(5)).map(|_| step(&mut dice)).collect();
                (access, history(&mut dice), steps, if dice.below(2) == 0 { End::Close } else { End::Kill })
            })
            .collect();
        Script { seed, mode, segment_size, retention, sessions }
    }

    /// Whether every failure of it reaches the caller: the removal of an old generation, and of the history, is tried again.
    pub fn tells_all(&self) -> bool {
        let is_quiet = |step: &Step| matches!(step, Step::Compact { .. });
        self.sessions.iter().all(|(_, history, steps, _)| {
            history.changes != ChangeHistory::Off
                && history.past != PastHistory::Off
                && !steps.iter().any(is_quiet)
        })
    }

    fn open(&self, sim: &Sim, access: Access, history: History) -> (Result<Opened>, Loaded) {
        let options = OpenOptions {
            storage: self.mode,
            segment_size: self.segment_size,
            retention: Retention { generations: self.retention },
            history,
            access,
            ..OpenOptions::default()
        };
        let mut loaded = Loaded::default();
        let opened = open_disk(&sim.process(), Path::new("/db"), &options, None, &mut loaded);
        (opened, loaded)
    }
}

fn history(dice: &mut Dice) -> History {
    let max_bytes = [0, 3_000, u64::MAX][dice.below(3)];
    let changes = match dice.below(6) {
        0 => ChangeHistory::Off,
        1 | 2 => ChangeHistory::WhenWatched,
        _ => ChangeHistory::Keep(HistoryLimits { max_age: Duration::MAX, max_bytes }),
    };
    let past = match dice.below(6) {
        0 => PastHistory::Off,
        1 | 2 => PastHistory::AsBefore,
        _ => PastHistory::Keep(PastLimits { max_age: Duration::MAX, max_bytes: Some(max_bytes) }),
    };
    History { changes, past }
}

fn step(dice: &mut Dice) -> Step {
    let len = |dice: &mut Dice| [0, 40, 300, 1500][dice.below(4)] + dice.below(100);
    match dice.below(9) {
        0..=3 => {
            let commits = 1 + dice.below(3);
            Step::Commit((0..commits).map(|_| (0..1 + dice.below(3)).map(|_| len(dice)).collect()).collect())
        }
        4 => Step::Flush,
        7 => Step::Keep,
        8 => Step::Trim,
        _ => Step::Compact { each: 1 + dice.below(3), between: len(dice), installed: dice.below(5) > 0 },
    }
}

/// A running script: the commits in LSN order, and the acknowledged ones.
pub struct Life<'a> {
    script: &'a Script,
    sim: &'a Sim,
    requested: Vec<Payloads>,
    answered: usize,
    /// The errors that callers got.
    pub errors: Vec<Kind>,
    poisoned: bool,
}

impl<'a> Life<'a> {
    /// Runs the script. `Err` says which promise was broken.
    pub fn through(script: &'a Script, sim: &'a Sim) -> std::result::Result<Life<'a>, String> {
        let mut life =
            Life { script, sim, requested: Vec::new(), answered: 0, errors: Vec::new(), poisoned: false };
        for (access, history, steps, end) in &script.sessions {
            let (opened, loaded) = script.open(sim, *access, *history);
            let opened = match opened {
                Ok(opened) => opened,
                Err(error) => {
                    life.note(&error);
                    continue;
                }
            };
            life.adopt(loaded)?;
            life.poisoned = false;
            if *access == Access::ReadWrite {
                for step in steps {
                    life.take(&opened, step)?;
                }
            }
            if *end == End::Close {
                match opened.backend.close() {
                    Err(error) => life.note(&error),
                    Ok(()) if life.poisoned => return Err("a poisoned log closed well".to_owned()),
                    Ok(()) => {}
                }
            }
        }
        Ok(life)
    }

    /// Opens once more, without faults, and writes on.
    pub fn ends_well(mut self) -> std::result::Result<(), String> {
        self.sim.heal();
        let (opened, loaded) = self.script.open(self.sim, Access::ReadWrite, History::default());
        let opened = opened.map_err(|error| format!("does not open again: {error:?}"))?;
        self.adopt(loaded)?;
        self.poisoned = false;
        let before = self.errors.len();
        self.take(&opened, &Step::Commit(vec![vec![100]]))?;
        self.read_again(&opened)?;
        opened.backend.close().map_err(|error| format!("does not close: {error:?}"))?;
        let (opened, loaded) = self.script.open(self.sim, Access::ReadOnly, History::default());
        let opened = opened.map_err(|error| format!("does not open at last: {error:?}"))?;
        self.adopt(loaded)?;
        self.read_again(&opened)?;
        if self.errors.len() > before { Err("does not write again".to_owned()) } else { Ok(()) }
    }

    fn note(&mut self, error: &Error) {
        self.poisoned |= error.kind() == Kind::StoragePoisoned;
        self.errors.push(error.kind());
    }

    fn adopt(&mut self, loaded: Loaded) -> std::result::Result<(), String> {
        let loaded = loaded.commits()?;
        if loaded.len() < self.answered {
            return Err(format!("{} commits came back, {} were answered", loaded.len(), self.answered));
        }
        if self.requested.get(..loaded.len()) != Some(&loaded[..]) {
            return Err("commits came back that were never made".to_owned());
        }
        self.answered = loaded.len();
        self.requested = loaded;
        Ok(())
    }

    fn take(&mut self, opened: &Opened, step: &Step) -> std::result::Result<(), String> {
        let poisoned = self.poisoned;
        match step {
            Step::Commit(commits) => {
                let waiting: Vec<_> =
                    commits.iter().filter_map(|blocks| self.commit(opened, blocks)).collect();
                opened.backend.drive();
                self.settle(waiting, poisoned)
            }
            Step::Flush => {
                if let Err(error) = opened.backend.flush().wait() {
                    self.note(&error);
                }
                Ok(())
            }
            Step::Keep => {
                if let Err(error) = opened.backend.keep_history() {
                    self.note(&error);
                }
                Ok(())
            }
            Step::Trim => {
                opened.backend.trim_history(0);
                Ok(())
            }
            Step::Compact { each, between, installed } => {
                let mut waiting = None;
                if let Err(error) = self.compact(opened, *each, *between, *installed, &mut waiting) {
                    self.note(&error);
                }
                opened.backend.drive();
                self.settle(waiting.into_iter().collect(), poisoned)
            }
        }
    }

    fn compact(
        &mut self,
        opened: &Opened,
        each: usize,
        between: usize,
        installed: bool,
        waiting: &mut Option<(usize, Completion)>,
    ) -> Result<()> {
        let cut = opened.backend.cut()?;
        let commits = self.requested.clone();
        let mut sink = opened.backend.begin_snapshot(&cut)?;
        *waiting = self.commit(opened, &[between]);
        write_snapshot(&mut *sink, &commits, each, || {})?;
        if installed {
            let done = opened.backend.install(cut, sink)?;
            self.answered = self.answered.max(commits.len());
            opened.backend.forget(&done.retired);
        }
        Ok(())
    }

    /// Whatever is kept of the log is what was requested.
    fn read_again(&self, opened: &Opened) -> std::result::Result<(), String> {
        let last = self.answered as u64;
        let mut next = opened.backend.history().unwrap().first.0;
        let mut reader = opened.backend.log_reader().unwrap();
        while next <= last {
            let read = reader.read(Lsn(next), Lsn(last), 2_000);
            let read = read.map_err(|error| format!("commit {next} of {last} reads {error:?}"))?;
            for commit in read {
                let found: Payloads = commit.blocks.iter().map(|block| block.bytes.to_vec()).collect();
                if commit.lsn.0 != next || self.requested.get(next as usize - 1) != Some(&found) {
                    return Err(format!("commit {next} reads as another"));
                }
                next += 1;
            }
        }
        let from = opened.backend.past_reach().unwrap().from.0;
        for wanted in [from, (from + last) / 2].into_iter().filter(|wanted| *wanted <= last) {
            let mut loaded = Loaded::default();
            let files = opened.backend.past(Moment::Lsn(Lsn(wanted)), Lsn(last));
            let read = files.and_then(|files| files.load(&mut loaded));
            read.map_err(|error| format!("state {wanted} of {from} to {last} reads {error:?}"))?;
            if loaded.commits()?[..] != self.requested[..wanted as usize] {
                return Err(format!("state {wanted} reads as another"));
            }
        }
        Ok(())
    }

    /// The results since a moment at which the log was poisoned, or was not.
    fn settle(
        &mut self,
        waiting: Vec<(usize, Completion)>,
        poisoned: bool,
    ) -> std::result::Result<(), String> {
        for (lsn, completion) in waiting {
            match completion.wait() {
                Ok(()) if poisoned => return Err("a poisoned log took a write".to_owned()),
                Ok(()) => self.answered = self.answered.max(lsn),
                Err(error) => self.note(&error),
            }
        }
        Ok(())
    }

    /// A refusal leaves no trace: the next commit takes the LSN and the place.
    fn commit(&mut self, opened: &Opened, blocks: &[usize]) -> Option<(usize, Completion)> {
        let fill = (self.requested.len() as u8).wrapping_mul(31).wrapping_add(self.script.seed as u8) | 1;
        let payloads: Payloads = blocks.iter().map(|len| vec![fill; *len]).collect();
        let size = FrameSize { blocks: blocks.iter().map(|len| *len as u32).collect(), records: 1 };
        let place = match opened.backend.reserve(&size) {
            Ok(place) => place,
            Err(error) => {
                self.note(&error);
                return None;
            }
        };
        let blocks: Vec<_> = payloads
            .iter()
            .zip(&place.blocks)
            .map(|(payload, place)| {
                Arc::new(Block { place: *place, base: 0, bytes: payload.clone().into(), transient: false })
            })
            .collect();
        self.requested.push(payloads);
        assert_eq!(place.lsn.0, self.requested.len() as u64, "a refused commit left a trace");
        Some((self.requested.len(), opened.backend.append(place, &blocks)))
    }
}
