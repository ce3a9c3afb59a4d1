//! A copy of a database in memory, which goes its own way.
//!
//! Documents are not copied: their blocks never change, and both databases refer to them. Of a database in memory slots, keys and
//! entries are copied as they are, under the commit lock; of one on disk, and of an earlier state, every document is read.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::database::Database;
use crate::document::{RawValue, Shape, ShapeId};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::format::key::key_of;
use crate::engine::index_build::fill;
use crate::engine::read::fetch::Match;
use crate::engine::read::scan::{self, Scan};
use crate::engine::state::catalogue::Catalogue;
use crate::engine::state::collection::{Collection, Collections};
use crate::engine::state::index::Index;
use crate::engine::state::slab::{Content, Version};
use crate::engine::state::tally::{KeyHash, Tally};
use crate::engine::store::{Recovered, Store};
use crate::error::{Error, Kind, Result};
use crate::options::{Access, Creation, MEMORY, OpenOptions, StorageMode};
use crate::query::Filter;
use crate::storage::{Lsn, Opened, open_memory_after};

/// Slots that are read between two looks at the limits.
const STRETCH: u64 = 8_192;

impl Database {
    /// A new database in memory with the collections, documents and indexes that this one has now.
    pub fn fork(&self) -> Result<Arc<Database>> {
        self.check_open("fork")?;
        let store = self.store();
        let recovered = match store.mode() {
            StorageMode::Memory if !store.is_past() => copied(store)?,
            _ => read(store)?,
        };
        let options = OpenOptions {
            storage: StorageMode::Memory,
            access: Access::ReadWrite,
            creation: Creation::IfMissing,
            memory_limit: match store.mode() {
                StorageMode::Memory => store.options().memory_limit,
                _ => None.into(),
            },
            ..store.options().clone()
        };
        // What it spills is encrypted as that of this database.
        let opened = Opened { cipher: store.host().cipher, ..open_memory_after(recovered.lsn) };
        let place = (MEMORY.to_owned(), Path::new(""));
        let fork = Store::new(place, opened, &store.host(), options.clone(), recovered, |_, _, _| Ok(None));
        let catalogue = fork.views().catalogue();
        for (_, collection) in catalogue.iter().filter(|(_, collection)| collection.is_indexed()) {
            let all = collection.indexes();
            let missing: Vec<_> = all.iter().filter(|index| index.is_building()).cloned().collect();
            missing.iter().for_each(|index| index.set_ready(Lsn(0)));
            fill::build_these(&fork, collection, &missing)?;
        }
        Ok(self.handle_of(fork, options))
    }
}

/// The newest state of a database in memory.
fn copied(store: &Store) -> Result<Recovered> {
    let applied = store.applied();
    if let Some(error) = store.refusal_to_read(&applied) {
        return Err(error);
    }
    let (mut catalogue, collections) = (Catalogue::default(), Collections::default());
    for (name, collection) in applied.catalogue.iter() {
        let copy = Arc::new(collection.copied()?);
        collections.insert(copy.number(), copy.clone());
        catalogue.insert(name, copy);
    }
    Ok(Recovered {
        lsn: applied.lsn,
        next_number: applied.next_number,
        time: store.newest_commit_time(),
        ..of(store, catalogue, collections)
    })
}

/// The newest state of any database, document by document.
fn read(store: &Store) -> Result<Recovered> {
    store.wait_published(store.applied_lsn())?;
    let view = store.view();
    let (mut catalogue, collections) = (Catalogue::default(), Collections::default());
    let mut next_number = 1;
    let mut bytes = 0;
    for (name, collection) in view.catalogue().iter() {
        let copy = Arc::new(read_collection(store, collection, view.lsn(), &mut bytes)?);
        next_number = next_number.max(copy.number() + 1);
        collections.insert(copy.number(), copy.clone());
        catalogue.insert(name, copy);
    }
    Ok(Recovered {
        lsn: view.lsn(),
        next_number,
        time: store.newest_commit_time(),
        ..of(store, catalogue, collections)
    })
}

fn of(store: &Store, catalogue: Catalogue, collections: Collections) -> Recovered {
    let name = store.databases().default_name().to_owned();
    Recovered {
        catalogue,
        collections: Arc::new(collections),
        default_name: Some(name),
        ..Recovered::empty()
    }
}

fn read_collection(store: &Store, from: &Collection, view: Lsn, bytes: &mut u64) -> Result<Collection> {
    let copy = Collection::new(from.number());
    for number in 0..from.shapes().len() {
        let id = ShapeId(u16::try_from(number).unwrap_or(u16::MAX));
        copy.shapes().push(Shape::new(from.shapes().get(id).map(Shape::keys).unwrap_or_default()));
    }
    copy.set_logged_shapes(from.shapes().len());
    copy.set_options(from.options());
    let limit = store.options().memory_limit.bytes();
    let (mut next, end, mut tally) = (0, from.slab().end(), Tally::default());
    let (all, interrupt) = (Filter::all(), Interrupt::default());
    while next < end {
        if store.is_closing() {
            return Err(Error::new(Kind::Closed, "the database was closed while it was copied"));
        }
        let to = end.min(next + STRETCH);
        let scan = Scan {
            collection: from,
            bounds: (next, to),
            view,
            filter: &all,
            interrupt: &interrupt,
            keeps: false,
            own: None,
        };
        scan::each(store, &scan, |Match { lsn, block, span, .. }| {
            let content = Content::Hot(block.clone(), span);
            *bytes += content.hot_bytes();
            let id = RawValue::new(span.of(block), copy.shapes()).get("_id").map(key_of);
            if let Some(key) = id {
                let slot = copy.slab().push(Version { lsn, content }, None);
                tally.add(KeyHash::of(&key), slot, span.version());
                copy.enter(key, slot);
            }
            ControlFlow::Continue(())
        })?;
        if let Some(limit) = limit.filter(|limit| *bytes > *limit) {
            let message = format!(
                "a fork is in memory as a whole, and the documents of {} take more than memoryLimit ({limit} bytes); use db.backup(path) for a copy \
                 on disk",
                store.name()
            );
            return Err(Error::new(Kind::Limit, message));
        }
        next = to;
    }
    copy.change_count(i64::try_from(tally.documents).unwrap_or(i64::MAX));
    copy.tally().add(tally);
    for index in from.ready_indexes(view) {
        copy.add_index(Arc::new(Index::new(copy.next_index(), index.definition())?));
    }
    Ok(copy)
}
