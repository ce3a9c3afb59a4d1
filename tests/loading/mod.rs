//! A database of commits, for tests of storage: a snapshot holds the commits before its cut; what the loader receives while
//! opening is put together again.

use std::collections::BTreeMap;
use std::sync::Mutex;

use moltendb_node::error::Result;
use moltendb_node::storage::{BlockPlace, Loader, Replayed, SnapshotBlock, SnapshotSink};

/// The payloads of one commit.
pub type Payloads = Vec<Vec<u8>>;

/// What an opening passed to the loader.
#[derive(Default)]
pub struct Loaded {
    /// The database's block of a snapshot, if there was one.
    pub database: Option<Vec<u8>>,
    documents: Mutex<BTreeMap<u32, SnapshotBlock>>,
    frames: Vec<(u64, Payloads)>,
}

impl Loader for Loaded {
    fn database_block(&mut self, block: SnapshotBlock) -> Result<()> {
        assert!(self.database.is_none() && block.collection == 0 && self.frames.is_empty());
        self.database = Some(block.block.bytes.to_vec());
        Ok(())
    }

    fn documents(&self, block: SnapshotBlock) -> Result<()> {
        assert!(self.database.is_some() && block.collection != 0 && self.frames.is_empty());
        assert!(self.documents.lock().unwrap().insert(block.index, block).is_none());
        Ok(())
    }

    fn frame(&mut self, frame: Replayed) -> Result<()> {
        let payloads = frame.blocks.iter().map(|block| block.bytes.to_vec()).collect();
        self.frames.push((frame.lsn.0, payloads));
        Ok(())
    }
}

impl Loaded {
    /// All commits in order, those of the snapshot first.
    pub fn commits(self) -> std::result::Result<Vec<Payloads>, String> {
        let mut commits = Vec::new();
        for block in self.documents.into_inner().unwrap().into_values() {
            if block.first_document != commits.len() as u64 {
                return Err(format!("block {} of a snapshot is out of order", block.index));
            }
            let mut rest = &*block.block.bytes;
            for _ in 0..block.documents {
                commits.push(decode(&mut rest));
            }
            assert!(rest.is_empty());
        }
        if let Some(database) = self.database
            && database != (commits.len() as u64).to_le_bytes()
        {
            return Err(format!("a snapshot brought {} commits of {database:?}", commits.len()));
        }
        for (lsn, payloads) in self.frames {
            commits.push(payloads);
            if lsn != commits.len() as u64 {
                return Err(format!("commit {} came as {lsn}", commits.len()));
            }
        }
        Ok(commits)
    }
}

/// Writes a snapshot of these commits, one block per so many of them; `between` runs before each block.
pub fn write_snapshot(
    sink: &mut dyn SnapshotSink,
    commits: &[Payloads],
    each: usize,
    mut between: impl FnMut(),
) -> Result<Vec<(BlockPlace, Vec<u8>)>> {
    let mut places = Vec::new();
    let database = (commits.len() as u64).to_le_bytes();
    places.push((sink.block(0, 0, &database)?, database.to_vec()));
    for commits in commits.chunks(each) {
        between();
        let mut bytes = Vec::new();
        commits.iter().for_each(|payloads| encode(payloads, &mut bytes));
        places.push((sink.block(1, commits.len() as u32, &bytes)?, bytes));
    }
    Ok(places)
}

fn encode(payloads: &Payloads, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&(payloads.len() as u32).to_le_bytes());
    for payload in payloads {
        bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        bytes.extend_from_slice(payload);
    }
}

fn decode(rest: &mut &[u8]) -> Payloads {
    let count = take(rest, 4);
    (0..number(count))
        .map(|_| {
            let len = take(rest, 4);
            take(rest, number(len)).to_vec()
        })
        .collect()
}

fn number(bytes: &[u8]) -> usize {
    u32::from_le_bytes(bytes.try_into().unwrap()) as usize
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(len);
    *rest = left;
    taken
}
