//! A file system that forgets.
//!
//! What is written is volatile until synced. At a power cut each 512-byte sector written since then holds what was
//! durable or any version written later, each length likewise, and each change of a directory happened or did
//! not, all independent of each other. A kill loses nothing but ends the process at any operation, in the midst of
//! a write too. A failed fsync leaves the pages clean in memory and absent from the disk.

mod disk;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use disk::Disk;

use moltendb_node::storage::Host;
use moltendb_node::storage::host::{Clock, Rng};
use moltendb_node::storage::vfs::{Entry, EntryKind, Identity, LockKind, OpenMode, Vfs, VfsFile};

/// A small generator, so that a seed tells everything.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Node {
    Dir,
    File(usize),
}

#[derive(Clone)]
enum Change {
    Link(String, Node),
    Unlink(String),
    Rename(String, String, Node),
}

/// An fsync, and what happened before it.
pub struct Fsync<'a> {
    pub verb: &'a str,
    pub path: &'a str,
    /// Of a directory: the newest name in it that changed and is not durable; else empty.
    pub change: &'a str,
    /// Of a file: the length of the newest write.
    pub wrote: usize,
    /// Nothing has been changed by this process yet: it still trusts nothing.
    pub opening: bool,
}

/// What the k-th operation does instead of its work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    Error(io::ErrorKind),
    ShortWrite,
    /// The disk is full from then on, until the process ends or there is room again.
    Full,
    /// A lock is held by somebody else. Other operations do their work.
    Locked,
}

struct World {
    files: Vec<Disk>,
    names: BTreeMap<String, Node>,
    durable_names: BTreeMap<String, Node>,
    changes: Vec<Change>,
    locks: BTreeSet<usize>,
    dice: Dice,
    epoch: u64,
    operations: u64,
    die_at: Option<u64>,
    dead: bool,
    fault: Option<(u64, Fault)>,
    faulted: Option<&'static str>,
    /// So many fsyncs from now, one fails.
    fail_sync: Option<u64>,
    /// An fsync of this process has failed.
    sync_failed: bool,
    /// This process has changed something.
    touched: bool,
    /// The fsync that does nothing, to show that it matters.
    ignored: Option<fn(&Fsync<'_>) -> bool>,
    /// Writing bytes that stand there already does nothing, to show that it matters.
    skip_rewrites: bool,
}

/// The world, shared by the file system of each process that lives in it.
#[derive(Clone)]
pub struct Sim(Arc<Mutex<World>>);

impl Sim {
    pub fn new(seed: u64) -> Sim {
        let root = BTreeMap::from([("/".to_owned(), Node::Dir)]);
        Sim(Arc::new(Mutex::new(World {
            files: Vec::new(),
            names: root.clone(),
            durable_names: root,
            changes: Vec::new(),
            locks: BTreeSet::new(),
            dice: Dice::new(seed),
            epoch: 0,
            operations: 0,
            die_at: None,
            dead: false,
            fault: None,
            faulted: None,
            fail_sync: None,
            sync_failed: false,
            touched: false,
            ignored: None,
            skip_rewrites: false,
        })))
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    /// A host for one process. Handles of earlier processes are dead from now on.
    pub fn process(&self) -> Host {
        let mut world = self.world();
        world.epoch += 1;
        world.locks.clear();
        world.dead = false;
        world.die_at = None;
        world.fail_sync = None;
        world.sync_failed = false;
        world.touched = false;
        if world.fault.is_some_and(|(at, fault)| fault == Fault::Full && world.operations >= at) {
            world.fault = None;
        }
        let dice = Mutex::new(Dice::new(world.dice.next()));
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let process = Process { sim: self.clone(), epoch: world.epoch, number };
        Host { vfs: Arc::new(process), clock: Arc::new(NoClock), rng: Arc::new(SimRng(dice)) }
    }

    pub fn die_after(&self, operations: u64) {
        let mut world = self.world();
        world.die_at = Some(world.operations + operations);
    }

    /// Nothing more happens to the process unless it has already.
    pub fn spare(&self) {
        let mut world = self.world();
        world.die_at = None;
        world.fail_sync = None;
    }

    pub fn fail(&self, operation: u64, fault: Fault) {
        let mut world = self.world();
        world.fault = Some((world.operations + operation, fault));
        world.faulted = None;
    }

    /// The operation that met the fault, if one has.
    pub fn faulted(&self) -> Option<&'static str> {
        self.world().faulted
    }

    /// There is room again, and no fault to come.
    pub fn heal(&self) {
        self.world().fault = None;
    }

    /// Changes bytes behind everybody's back, on the disk too: the n-th of the bytes of such files, counted round.
    pub fn damage(&self, n: usize, bit: u8, counts: impl Fn(&str) -> bool) -> Option<(String, usize)> {
        let mut guard = self.world();
        let world = &mut *guard;
        let files: Vec<(&String, usize)> = world
            .names
            .iter()
            .filter(|(name, _)| counts(name))
            .filter_map(|(name, node)| match node {
                Node::File(file) => Some((name, *file)),
                Node::Dir => None,
            })
            .collect();
        let total: usize = files.iter().map(|(_, file)| world.files[*file].cached.len()).sum();
        let mut at = n.checked_rem(total)?;
        for (name, file) in files {
            let disk = &mut world.files[file];
            if let Some(byte) = disk.cached.get_mut(at) {
                *byte ^= 1 << bit;
                return Some((name.clone(), at));
            }
            at -= disk.cached.len();
        }
        None
    }

    /// The bytes of such files, as their readers see them.
    pub fn bytes(&self, counts: impl Fn(&str) -> bool) -> BTreeMap<String, Vec<u8>> {
        let world = self.world();
        let files = world.names.iter().filter(|(name, _)| counts(name));
        let bytes = files.filter_map(|(name, node)| match node {
            Node::File(file) => Some((name.clone(), world.files[*file].cached.clone())),
            Node::Dir => None,
        });
        bytes.collect()
    }

    /// The length of a file, as its readers see it.
    pub fn len(&self, path: &Path) -> Option<usize> {
        let world = self.world();
        match world.names.get(text(path))? {
            Node::File(file) => Some(world.files[*file].cached.len()),
            Node::Dir => None,
        }
    }

    /// Such an fsync does nothing.
    pub fn ignore(&self, which: fn(&Fsync<'_>) -> bool) {
        self.world().ignored = Some(which);
    }

    /// Writing bytes that stand there already does nothing.
    pub fn skip_rewrites(&self) {
        self.world().skip_rewrites = true;
    }

    /// So many fsyncs from now, one fails; until the process ends.
    pub fn fail_sync(&self, after: u64) {
        self.world().fail_sync = Some(after);
    }

    /// Whether an fsync of this process has failed.
    pub fn sync_failed(&self) -> bool {
        self.world().sync_failed
    }

    pub fn is_dead(&self) -> bool {
        self.world().dead
    }

    /// The power goes: what is durable stays, of the rest any part.
    pub fn cut(&self) {
        let mut guard = self.world();
        let world = &mut *guard;
        for file in &mut world.files {
            file.cut(&mut world.dice);
        }
        let mut names = std::mem::take(&mut world.durable_names);
        for change in std::mem::take(&mut world.changes) {
            if world.dice.below(2) == 0 {
                apply(&mut names, &change);
            }
        }
        let orphans: Vec<String> = names.keys().filter(|path| !is_rooted(&names, path)).cloned().collect();
        for orphan in orphans {
            names.remove(&orphan);
        }
        world.durable_names = names.clone();
        world.names = names;
    }
}

impl Change {
    /// The name that it gives or takes.
    fn name(&self) -> &str {
        let (Change::Link(name, _) | Change::Unlink(name) | Change::Rename(_, name, _)) = self;
        name
    }
}

/// The directory that a path is in; the root is in none.
fn parent(path: &str) -> Option<&str> {
    match path.rfind('/') {
        Some(0) => (path.len() > 1).then_some("/"),
        at => at.map(|at| &path[..at]),
    }
}

fn is_rooted(names: &BTreeMap<String, Node>, path: &str) -> bool {
    parent(path).is_none_or(|parent| names.contains_key(parent) && is_rooted(names, parent))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn apply(names: &mut BTreeMap<String, Node>, change: &Change) {
    match change {
        Change::Link(path, node) => {
            names.insert(path.clone(), *node);
        }
        Change::Unlink(path) => {
            names.remove(path);
        }
        // The name before may never have been durable, or may have named an older file; the entry that moves
        // is this one.
        Change::Rename(from, to, node) => {
            names.remove(from);
            names.insert(to.clone(), *node);
        }
    }
}

struct NoClock;

impl Clock for NoClock {
    fn now_millis(&self) -> u64 {
        0
    }
}

struct SimRng(Mutex<Dice>);

impl Rng for SimRng {
    fn fill(&self, buffer: &mut [u8]) {
        let mut dice = self.0.lock().unwrap();
        buffer.iter_mut().for_each(|byte| *byte = dice.next() as u8);
    }
}

struct Process {
    sim: Sim,
    epoch: u64,
    /// No other process of any simulation has it, so that each is a machine of its own to the registry.
    number: u64,
}

struct Handle {
    sim: Sim,
    epoch: u64,
    file: usize,
    name: String,
}

enum Step {
    Work,
    Short,
    Refused,
}

fn dead() -> io::Error {
    io::Error::other("the process is dead")
}

impl World {
    /// Counts an operation; tells whether it is to be done.
    fn step(&mut self, epoch: u64, verb: &'static str) -> io::Result<Step> {
        if self.dead || epoch != self.epoch {
            return Err(dead());
        }
        self.operations += 1;
        if self.die_at.is_some_and(|at| self.operations >= at) {
            self.dead = true;
            return if verb == "write" && self.dice.below(2) == 0 { Ok(Step::Short) } else { Err(dead()) };
        }
        match self.fault {
            Some((at, Fault::Full)) if self.operations >= at => {
                self.faulted.get_or_insert(verb);
                if matches!(verb, "allocate" | "write" | "mkdir") {
                    return Err(io::ErrorKind::StorageFull.into());
                }
                Ok(Step::Work)
            }
            Some((at, fault)) if self.operations == at => {
                self.faulted = Some(verb);
                match fault {
                    Fault::Error(kind) => Err(kind.into()),
                    Fault::ShortWrite => Ok(Step::Short),
                    Fault::Locked if verb == "lock" => Ok(Step::Refused),
                    Fault::Locked | Fault::Full => Ok(Step::Work),
                }
            }
            _ => Ok(Step::Work),
        }
    }

    fn ignores(&self, verb: &str, path: &str, wrote: usize) -> bool {
        let Some(ignored) = self.ignored else { return false };
        let names = self.changes.iter().map(Change::name);
        let change = names.rev().find(|name| verb == "sync_dir" && parent(name) == Some(path));
        ignored(&Fsync { verb, path, change: change.unwrap_or(""), wrote, opening: !self.touched })
    }

    /// Whether this fsync is the one that fails.
    fn sync_fails(&mut self) -> bool {
        let due = self.fail_sync == Some(0);
        self.fail_sync = self.fail_sync.and_then(|left| left.checked_sub(1));
        self.sync_failed |= due;
        due
    }
}

impl Vfs for Process {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn VfsFile>> {
        let mut world = self.sim.world();
        world.step(self.epoch, "open")?;
        let file = match world.names.get(text(path)) {
            Some(Node::File(file)) => *file,
            Some(Node::Dir) => return Err(io::ErrorKind::IsADirectory.into()),
            None if mode == OpenMode::Create => {
                world.files.push(Disk::default());
                let file = world.files.len() - 1;
                world.names.insert(text(path).to_owned(), Node::File(file));
                world.changes.push(Change::Link(text(path).to_owned(), Node::File(file)));
                file
            }
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Arc::new(Handle { sim: self.sim.clone(), epoch: self.epoch, file, name: text(path).to_owned() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.sim.world();
        world.step(self.epoch, "rename")?;
        let node = world.names.remove(text(from)).ok_or(io::ErrorKind::NotFound)?;
        world.touched = true;
        world.names.insert(text(to).to_owned(), node);
        world.changes.push(Change::Rename(text(from).to_owned(), text(to).to_owned(), node));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.sim.world();
        world.step(self.epoch, "remove")?;
        world.names.remove(text(path)).ok_or(io::ErrorKind::NotFound)?;
        world.changes.push(Change::Unlink(text(path).to_owned()));
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut world = self.sim.world();
        world.step(self.epoch, "rmdir")?;
        if world.names.keys().any(|name| parent(name) == Some(text(path))) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        world.names.remove(text(path)).ok_or(io::ErrorKind::NotFound)?;
        world.changes.push(Change::Unlink(text(path).to_owned()));
        Ok(())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let mut world = self.sim.world();
        world.step(self.epoch, "list")?;
        let entries = world.names.iter().filter(|(name, _)| parent(name) == Some(text(path)));
        Ok(entries
            .map(|(name, node)| Entry {
                name: name.rsplit('/').next().unwrap().to_owned(),
                kind: if *node == Node::Dir { EntryKind::Directory } else { EntryKind::File },
            })
            .collect())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut world = self.sim.world();
        world.step(self.epoch, "mkdir")?;
        if world.names.contains_key(text(path)) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        world.touched = true;
        world.names.insert(text(path).to_owned(), Node::Dir);
        world.changes.push(Change::Link(text(path).to_owned(), Node::Dir));
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut guard = self.sim.world();
        let world = &mut *guard;
        world.step(self.epoch, "sync_dir")?;
        if world.sync_fails() {
            return Err(io::Error::other("the fsync fails"));
        }
        if world.ignores("sync_dir", text(path), 0) {
            return Ok(());
        }
        let (here, elsewhere) = std::mem::take(&mut world.changes)
            .into_iter()
            .partition(|change| parent(change.name()) == Some(text(path)));
        world.changes = elsewhere;
        let here: Vec<Change> = here;
        for change in &here {
            apply(&mut world.durable_names, change);
        }
        Ok(())
    }

    fn kind(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        let mut world = self.sim.world();
        world.step(self.epoch, "stat")?;
        Ok(world.names.get(text(path)).map(|node| match node {
            Node::Dir => EntryKind::Directory,
            Node::File(_) => EntryKind::File,
        }))
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        let there = self.sim.world().names.contains_key(text(path));
        if there { Ok((u64::MAX, self.number)) } else { Err(io::ErrorKind::NotFound.into()) }
    }
}

impl Handle {
    fn sync(&self, verb: &'static str) -> io::Result<()> {
        let mut guard = self.sim.world();
        let world = &mut *guard;
        if let Err(error) = world.step(self.epoch, verb) {
            if !world.dead {
                world.files[self.file].settle(&mut world.dice);
            }
            return Err(error);
        }
        if world.sync_fails() {
            world.files[self.file].settle(&mut world.dice);
            return Err(io::Error::other("the fsync fails"));
        }
        if !world.ignores(verb, &self.name, world.files[self.file].wrote) {
            world.files[self.file].sync();
        }
        Ok(())
    }
}

impl VfsFile for Handle {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut world = self.sim.world();
        world.step(self.epoch, "read")?;
        let bytes = &world.files[self.file].cached;
        let from = (offset as usize).min(bytes.len());
        let len = buffer.len().min(bytes.len() - from);
        buffer[..len].copy_from_slice(&bytes[from..from + len]);
        Ok(len)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let mut guard = self.sim.world();
        let world = &mut *guard;
        let step = world.step(self.epoch, "write")?;
        let len = match step {
            Step::Work | Step::Refused => bytes.len(),
            Step::Short => 1 + world.dice.below(bytes.len()),
        };
        let file = &mut world.files[self.file];
        let (from, to) = (offset as usize, offset as usize + len);
        if file.cached.len() < to {
            file.cached.resize(to, 0);
        }
        let same = file.cached[from..to] == bytes[..len];
        file.cached[from..to].copy_from_slice(&bytes[..len]);
        file.wrote = len;
        if !(same && world.skip_rewrites) {
            file.touch(from, to);
        }
        world.touched |= !self.name.ends_with("OWNER");
        if world.dead { Err(dead()) } else { Ok(len) }
    }

    fn len(&self) -> io::Result<u64> {
        let mut world = self.sim.world();
        world.step(self.epoch, "stat")?;
        Ok(world.files[self.file].cached.len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut world = self.sim.world();
        world.step(self.epoch, "set_len")?;
        world.touched |= !self.name.ends_with("OWNER");
        let file = &mut world.files[self.file];
        let (old, len) = (file.cached.len(), len as usize);
        if old != len {
            file.cached.resize(len, 0);
            file.touch(old.min(len), old.max(len));
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync("sync_data")
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync("sync_all")
    }

    fn allocate(&self, _offset: u64, _len: u64) -> io::Result<()> {
        self.sim.world().step(self.epoch, "allocate").map(|_| ())
    }

    fn try_lock(&self, _kind: LockKind) -> io::Result<bool> {
        let mut world = self.sim.world();
        let refused = matches!(world.step(self.epoch, "lock")?, Step::Refused);
        Ok(!refused && world.locks.insert(self.file))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let mut world = self.sim.world();
        if world.epoch == self.epoch && self.name.ends_with("LOCK") {
            world.locks.remove(&self.file);
        }
    }
}
