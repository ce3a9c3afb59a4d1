//! A file system that forgets.
//!
//! What is written is volatile until synced. At a power cut each 512-byte sector written since then holds what was
//! durable or any version written later, each length likewise, and each change of a directory happened or did
//! not, all independent of each other. A kill loses nothing but ends the process at any operation, in the midst of
//! a write too. A failed fsync leaves the pages clean in memory and absent from the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use moltendb_node::storage::Host;
use moltendb_node::storage::host::{Clock, Rng};
use moltendb_node::storage::vfs::{Entry, EntryKind, Identity, LockKind, OpenMode, Vfs, VfsFile};

const SECTOR: usize = 512;

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

#[derive(Clone, Default)]
struct Disk {
    cached: Vec<u8>,
    durable: Vec<u8>,
    sectors: BTreeMap<usize, Vec<[u8; SECTOR]>>,
    lengths: Vec<usize>,
    wrote: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Node {
    Dir,
    File(usize),
}

#[derive(Clone)]
enum Change {
    Link(PathBuf, Node),
    Unlink(PathBuf),
    Rename(PathBuf, PathBuf, Node),
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
}

struct World {
    files: Vec<Disk>,
    names: BTreeMap<PathBuf, Node>,
    durable_names: BTreeMap<PathBuf, Node>,
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
        let root = BTreeMap::from([(PathBuf::from("/"), Node::Dir)]);
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
        let dice = Mutex::new(Dice::new(world.dice.next()));
        let process = Process { sim: self.clone(), epoch: world.epoch };
        Host { vfs: Arc::new(process), clock: Arc::new(NoClock), rng: Arc::new(SimRng(dice)) }
    }

    pub fn die_after(&self, operations: u64) {
        let mut world = self.world();
        world.die_at = Some(world.operations + operations);
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
        let present: BTreeSet<_> = names.keys().cloned().collect();
        names.retain(|path, _| path.ancestors().all(|ancestor| present.contains(ancestor)));
        world.durable_names = names.clone();
        world.names = names;
    }
}

impl Change {
    /// The name that it gives or takes.
    fn name(&self) -> &Path {
        let (Change::Link(name, _) | Change::Unlink(name) | Change::Rename(_, name, _)) = self;
        name
    }
}

fn apply(names: &mut BTreeMap<PathBuf, Node>, change: &Change) {
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

impl Disk {
    fn sector(&self, index: usize) -> [u8; SECTOR] {
        let mut sector = [0; SECTOR];
        let from = (index * SECTOR).min(self.cached.len());
        let to = (from + SECTOR).min(self.cached.len());
        sector[..to - from].copy_from_slice(&self.cached[from..to]);
        sector
    }

    fn touch(&mut self, from: usize, to: usize) {
        for index in from / SECTOR..to.div_ceil(SECTOR) {
            let sector = self.sector(index);
            self.sectors.entry(index).or_default().push(sector);
        }
        self.lengths.push(self.cached.len());
    }

    fn put(durable: &mut Vec<u8>, index: usize, sector: &[u8; SECTOR]) {
        let to = (index + 1) * SECTOR;
        if durable.len() < to {
            durable.resize(to, 0);
        }
        durable[index * SECTOR..to].copy_from_slice(sector);
    }

    fn sync(&mut self) {
        let len = if self.lengths.is_empty() { self.durable.len() } else { self.cached.len() };
        for index in std::mem::take(&mut self.sectors).into_keys() {
            let sector = self.sector(index);
            Disk::put(&mut self.durable, index, &sector);
        }
        self.durable.resize(len, 0);
        self.lengths.clear();
    }

    fn settle(&mut self, dice: &mut Dice) {
        let choice = dice.below(self.lengths.len() + 1);
        let len = if choice == 0 { self.durable.len() } else { self.lengths[choice - 1] };
        self.lengths.clear();
        for (index, versions) in std::mem::take(&mut self.sectors) {
            let choice = dice.below(versions.len() + 1);
            if choice > 0 {
                Disk::put(&mut self.durable, index, &versions[choice - 1]);
            }
        }
        self.durable.resize(len, 0);
    }

    fn cut(&mut self, dice: &mut Dice) {
        self.settle(dice);
        self.cached = self.durable.clone();
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
}

struct Handle {
    sim: Sim,
    epoch: u64,
    file: usize,
    name: PathBuf,
}

enum Step {
    Work,
    Short,
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
            Some((at, fault)) if self.operations == at => {
                self.faulted = Some(verb);
                match fault {
                    Fault::Error(kind) => Err(kind.into()),
                    Fault::ShortWrite => Ok(Step::Short),
                }
            }
            _ => Ok(Step::Work),
        }
    }

    fn ignores(&self, verb: &str, path: &Path, wrote: usize) -> bool {
        let Some(ignored) = self.ignored else { return false };
        let names = self.changes.iter().map(Change::name);
        let change = names.rev().find(|name| verb == "sync_dir" && name.parent() == Some(path));
        ignored(&Fsync {
            verb,
            path: path.to_str().unwrap(),
            change: change.map_or("", |change| change.to_str().unwrap()),
            wrote,
            opening: !self.touched,
        })
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
        let file = match world.names.get(path) {
            Some(Node::File(file)) => *file,
            Some(Node::Dir) => return Err(io::ErrorKind::IsADirectory.into()),
            None if mode == OpenMode::Create => {
                world.files.push(Disk::default());
                let file = world.files.len() - 1;
                world.names.insert(path.to_path_buf(), Node::File(file));
                world.changes.push(Change::Link(path.to_path_buf(), Node::File(file)));
                file
            }
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Arc::new(Handle { sim: self.sim.clone(), epoch: self.epoch, file, name: path.to_path_buf() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = self.sim.world();
        world.step(self.epoch, "rename")?;
        let node = world.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        world.touched = true;
        world.names.insert(to.to_path_buf(), node);
        world.changes.push(Change::Rename(from.to_path_buf(), to.to_path_buf(), node));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = self.sim.world();
        world.step(self.epoch, "remove")?;
        world.names.remove(path).ok_or(io::ErrorKind::NotFound)?;
        world.changes.push(Change::Unlink(path.to_path_buf()));
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut world = self.sim.world();
        world.step(self.epoch, "rmdir")?;
        if world.names.keys().any(|name| name.parent() == Some(path)) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        world.names.remove(path).ok_or(io::ErrorKind::NotFound)?;
        world.changes.push(Change::Unlink(path.to_path_buf()));
        Ok(())
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let mut world = self.sim.world();
        world.step(self.epoch, "list")?;
        let entries = world.names.iter().filter(|(name, _)| name.parent() == Some(path));
        Ok(entries
            .map(|(name, node)| Entry {
                name: name.file_name().unwrap().to_str().unwrap().to_owned(),
                kind: if *node == Node::Dir { EntryKind::Directory } else { EntryKind::File },
            })
            .collect())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut world = self.sim.world();
        world.step(self.epoch, "mkdir")?;
        if world.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        world.touched = true;
        world.names.insert(path.to_path_buf(), Node::Dir);
        world.changes.push(Change::Link(path.to_path_buf(), Node::Dir));
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut guard = self.sim.world();
        let world = &mut *guard;
        world.step(self.epoch, "sync_dir")?;
        if world.sync_fails() {
            return Err(io::Error::other("the fsync fails"));
        }
        if world.ignores("sync_dir", path, 0) {
            return Ok(());
        }
        let (here, elsewhere) = std::mem::take(&mut world.changes)
            .into_iter()
            .partition(|change| change.name().parent() == Some(path));
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
        Ok(world.names.get(path).map(|node| match node {
            Node::Dir => EntryKind::Directory,
            Node::File(_) => EntryKind::File,
        }))
    }

    fn identity(&self, _path: &Path) -> io::Result<Identity> {
        Ok((0, 0))
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
            Step::Work => bytes.len(),
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
        world.step(self.epoch, "lock")?;
        Ok(world.locks.insert(self.file))
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
