//! The file system as one process sees it, until it dies.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use moltendb_node::storage::host::{Clock, Rng};
use moltendb_node::storage::vfs::{Entry, EntryKind, Identity, LockKind, OpenMode, Vfs, VfsFile};

use super::disk::Disk;
use super::{Change, Dice, Fault, Fsync, Node, Sim, World, apply, parent, text};

pub(super) struct NoClock;

impl Clock for NoClock {
    fn now_millis(&self) -> u64 {
        0
    }
}

pub(super) struct SimRng(pub(super) Mutex<Dice>);

impl Rng for SimRng {
    fn fill(&self, buffer: &mut [u8]) {
        let mut dice = self.0.lock().unwrap();
        buffer.iter_mut().for_each(|byte| *byte = dice.next() as u8);
    }
}

pub(super) struct Process {
    pub(super) sim: Sim,
    pub(super) epoch: u64,
    /// Unique among all processes of all simulations, so that each is a machine of its own to the registry.
    pub(super) number: u64,
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
    /// Counts an operation; returns whether it is executed.
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
        self.syncs += 1;
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
            None if mode.creates() => {
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

    fn allocate(&self, _offset: u64, _len: u64) -> io::Result<bool> {
        self.sim.world().step(self.epoch, "allocate").map(|_| true)
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
