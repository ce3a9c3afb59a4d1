//! Documents on disk that a compaction moves while somebody is reading them.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use moltendb_node::OpenOptions;
use moltendb_node::document::Value;
use moltendb_node::engine::{InsertOrder, Reach};
use moltendb_node::storage::Host;
use moltendb_node::storage::vfs::{Entry, EntryKind, Identity, LockKind, OpenMode, Vfs, VfsFile};

use crate::support::{Client, object};

/// What is done once, and how many reads pass before.
type Once = Arc<Mutex<Option<(u32, Box<dyn FnOnce() + Send>)>>>;

/// The system's files, but for something that is done once, after a read and before it answers.
struct Interrupted {
    files: Arc<dyn Vfs>,
    once: Once,
}

struct File {
    file: Arc<dyn VfsFile>,
    once: Once,
}

impl Vfs for Interrupted {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn VfsFile>> {
        Ok(Arc::new(File { file: self.files.open(path, mode)?, once: self.once.clone() }))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.files.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.files.remove(path)
    }
    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.files.remove_dir(path)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<Entry>> {
        self.files.read_dir(path)
    }
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.files.create_dir(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.files.sync_dir(path)
    }
    fn kind(&self, path: &Path) -> io::Result<Option<EntryKind>> {
        self.files.kind(path)
    }
    fn identity(&self, path: &Path) -> io::Result<Identity> {
        self.files.identity(path)
    }
}

impl VfsFile for File {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(offset, buffer)?;
        let mut next = self.once.lock().unwrap();
        match next.take() {
            Some((0, once)) => {
                drop(next);
                once();
            }
            Some((more, once)) => *next = Some((more - 1, once)),
            None => {}
        }
        Ok(read)
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(offset, bytes)
    }
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }
    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }
    fn allocate(&self, offset: u64, len: u64) -> io::Result<bool> {
        self.file.allocate(offset, len)
    }
    fn try_lock(&self, kind: LockKind) -> io::Result<bool> {
        self.file.try_lock(kind)
    }
}

/// Updates a document that is on disk while a compaction runs after that many reads; answers whether there were as many.
fn moves_after(reads: u32) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let once = Once::default();
    let system = Host::system();
    let host =
        Host { vfs: Arc::new(Interrupted { files: system.vfs.clone(), once: once.clone() }), ..system };
    let options = OpenOptions { memory_limit: Some(1), ..OpenOptions::default() };
    let path = dir.path().join("db");
    let client = Client::open_on(&host, path.to_str().unwrap(), options).unwrap();
    let document = |n: i32| object(&[("_id", Value::Int(n)), ("n", Value::Int(0))]);
    // Each in a commit of its own: in a snapshot they stand elsewhere in their blocks.
    for n in 0..50 {
        client.insert("c", &[document(n)], InsertOrder::Ordered).unwrap();
    }
    client.database.flush().unwrap();
    let id = |n: i32| object(&[("_id", Value::Int(n))]);
    let increment = object(&[("$inc", object(&[("n", Value::Int(1))]))]);
    assert_eq!(client.update("c", &id(10), &increment, Reach::One).unwrap(), (1, 1));
    client.database.flush().unwrap();
    let database = client.database.clone();
    let compact = Box::new(move || {
        std::thread::scope(|scope| drop(scope.spawn(|| database.compact().unwrap()).join().unwrap()));
    });
    *once.lock().unwrap() = Some((reads, compact));
    assert_eq!(client.update("c", &id(30), &increment, Reach::One).unwrap(), (1, 1), "after {reads} reads");
    let enough = once.lock().unwrap().take().is_none();
    let expected = object(&[("_id", Value::Int(30)), ("n", Value::Int(1))]);
    assert_eq!(client.get("c", &Value::Int(30)).unwrap(), Some(expected), "after {reads} reads");
    client.database.close().unwrap();
    enough
}

#[test]
fn a_document_that_moves_while_a_write_reads_it_is_written() {
    let reads = (0..20).take_while(|reads| moves_after(*reads)).count();
    assert!((1..20).contains(&reads), "a write read {reads} times");
}
