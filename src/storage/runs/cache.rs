//! The pages in memory, up to a number of bytes. A clock evicts those that were not used since it last passed them.
//!
//! An evicted page stays in memory as long as a reader holds it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::page::Page;

/// Parts with a lock each.
const SHARDS: usize = 16;

type Place = (u64, u64);

#[derive(Default)]
struct Shard {
    pages: HashMap<Place, Arc<Page>, foldhash::fast::FixedState>,
    clock: VecDeque<Place>,
    bytes: usize,
}

/// Pages by file and offset.
pub struct Cache {
    shards: [Mutex<Shard>; SHARDS],
    limit: AtomicUsize,
    bytes: AtomicUsize,
}

impl Cache {
    /// A cache of at most about this many bytes.
    pub fn new(limit: usize) -> Cache {
        Cache {
            shards: std::array::from_fn(|_| Mutex::default()),
            limit: AtomicUsize::new(limit),
            bytes: AtomicUsize::new(0),
        }
    }

    /// Bytes of the pages in it.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Changes the limit.
    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
        self.shards.iter().for_each(|shard| self.shrink(&mut shard.lock(), None));
    }

    /// The page at this place.
    pub fn get(&self, place: Place) -> Option<Arc<Page>> {
        let page = self.shard(place).lock().pages.get(&place).cloned()?;
        page.touch();
        Some(page)
    }

    /// Keeps a page, or returns the one that is kept already for its place.
    pub fn keep(&self, page: Arc<Page>) -> Arc<Page> {
        let place = page.place();
        let mut shard = self.shard(place).lock();
        if let Some(own) = shard.pages.get(&place) {
            return own.clone();
        }
        shard.bytes += page.memory();
        self.bytes.fetch_add(page.memory(), Ordering::Relaxed);
        shard.pages.insert(place, page.clone());
        shard.clock.push_back(place);
        self.shrink(&mut shard, Some(place));
        page
    }

    /// Drops all pages of a file.
    pub fn forget(&self, file: u64) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            let shard = &mut *shard;
            shard.clock.retain(|place| place.0 != file);
            let freed: usize =
                shard.pages.extract_if(|place, _| place.0 == file).map(|(_, page)| page.memory()).sum();
            shard.bytes -= freed;
            self.bytes.fetch_sub(freed, Ordering::Relaxed);
        }
    }

    /// Drops pages until the shard has its share; the newest one stays, as the clock has not passed it.
    fn shrink(&self, shard: &mut Shard, newest: Option<Place>) {
        let share = self.limit.load(Ordering::Relaxed) / SHARDS;
        let mut left = shard.clock.len() * 4;
        while shard.bytes > share && left > 0 {
            left -= 1;
            let Some(place) = shard.clock.pop_front() else { return };
            let Some(page) = shard.pages.get(&place) else { continue };
            if Some(place) == newest && shard.clock.is_empty() || page.is_passed_over() {
                shard.clock.push_back(place);
                continue;
            }
            let memory = page.memory();
            shard.bytes -= memory;
            self.bytes.fetch_sub(memory, Ordering::Relaxed);
            shard.pages.remove(&place);
        }
    }

    fn shard(&self, (file, offset): Place) -> &Mutex<Shard> {
        let mixed = (offset ^ file.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        &self.shards[(mixed >> 60) as usize % SHARDS]
    }
}
