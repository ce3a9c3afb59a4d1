//! What was read from files and stays in memory, up to a number of bytes. A clock evicts what was not used since it last passed.
//!
//! What is evicted stays in memory as long as a reader holds it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

/// Parts with a lock each.
const SHARDS: usize = 16;

/// A file and an offset in it.
pub type Place = (u64, u64);

/// What a cache holds.
pub trait Cached {
    /// Bytes of memory.
    fn memory(&self) -> usize;
    /// Notes that it is used.
    fn touch(&self);
    /// The clock passes: whether it stays.
    fn is_passed_over(&self) -> bool;
}

struct Shard<T> {
    values: HashMap<Place, Arc<T>, foldhash::fast::FixedState>,
    clock: VecDeque<Place>,
    bytes: usize,
}

impl<T> Default for Shard<T> {
    fn default() -> Shard<T> {
        Shard { values: HashMap::default(), clock: VecDeque::new(), bytes: 0 }
    }
}

/// Pages, or documents, by file and offset.
pub struct Cache<T> {
    shards: [Mutex<Shard<T>>; SHARDS],
    limit: AtomicUsize,
    bytes: AtomicUsize,
}

impl<T: Cached> Cache<T> {
    /// A cache of at most about this many bytes.
    pub fn new(limit: usize) -> Cache<T> {
        Cache {
            shards: std::array::from_fn(|_| Mutex::default()),
            limit: AtomicUsize::new(limit),
            bytes: AtomicUsize::new(0),
        }
    }

    /// Bytes of what is in it.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Changes the limit.
    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
        self.shards.iter().for_each(|shard| self.shrink(&mut shard.lock(), None));
    }

    /// What is kept for this place.
    pub fn get(&self, place: Place) -> Option<Arc<T>> {
        let value = self.shard(place).lock().values.get(&place).cloned()?;
        value.touch();
        Some(value)
    }

    /// Keeps a value, or returns the one that is kept already for its place.
    pub fn keep(&self, place: Place, value: Arc<T>) -> Arc<T> {
        let mut shard = self.shard(place).lock();
        if let Some(own) = shard.values.get(&place) {
            return own.clone();
        }
        shard.bytes += value.memory();
        self.bytes.fetch_add(value.memory(), Ordering::Relaxed);
        shard.values.insert(place, value.clone());
        shard.clock.push_back(place);
        self.shrink(&mut shard, Some(place));
        value
    }

    /// Drops all of a file.
    pub fn forget(&self, file: u64) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            let shard = &mut *shard;
            shard.clock.retain(|place| place.0 != file);
            let freed: usize =
                shard.values.extract_if(|place, _| place.0 == file).map(|(_, value)| value.memory()).sum();
            shard.bytes -= freed;
            self.bytes.fetch_sub(freed, Ordering::Relaxed);
        }
    }

    /// Drops values until the shard has its share; the newest one stays, as the clock has not passed it.
    fn shrink(&self, shard: &mut Shard<T>, newest: Option<Place>) {
        let share = self.limit.load(Ordering::Relaxed) / SHARDS;
        let mut left = shard.clock.len() * 4;
        while shard.bytes > share && left > 0 {
            left -= 1;
            let Some(place) = shard.clock.pop_front() else { return };
            let Some(value) = shard.values.get(&place) else { continue };
            if Some(place) == newest && shard.clock.is_empty() || value.is_passed_over() {
                shard.clock.push_back(place);
                continue;
            }
            let memory = value.memory();
            shard.bytes -= memory;
            self.bytes.fetch_sub(memory, Ordering::Relaxed);
            shard.values.remove(&place);
        }
    }

    fn shard(&self, (file, offset): Place) -> &Mutex<Shard<T>> {
        let mixed = (offset ^ file.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        &self.shards[(mixed >> 60) as usize % SHARDS]
    }
}
