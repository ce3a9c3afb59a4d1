//! Creating and dropping indexes while reads and writes continue.
//!
//! ```text
//! under the commit lock   the index is added to its collection: commits maintain it from here on; a view
//! outside it              entries of the view, sorted, beside those of commits
//! a commit                what looked like two documents with one key, or could not be indexed, is looked at on
//!                         the newest versions; the index's record makes it ready, or it leaves the collection
//! ```

use std::sync::Arc;

use super::fill::{self, Pass};
use crate::document::encode_plain;
use crate::engine::commit;
use crate::engine::commit::conflicts::duplicate_key;
use crate::engine::commit::{Commit, Committed, Halt};
use crate::engine::exec::interrupt::{Interrupt, LOOK};
use crate::engine::state::collection::Collection;
use crate::engine::state::index::Index;
use crate::engine::state::namespace::{Shown, parts};
use crate::engine::state::views::View;
use crate::engine::store::Store;
use crate::error::codes::{self, Code};
use crate::error::{Error, Kind, Result};
use crate::index::{ID_INDEX, Purpose, Spec, values_of};
use crate::storage::Lsn;

/// Bytes of an index's definition.
pub(crate) const MAX_SPEC: usize = 16 << 10;
/// Indexes of a collection, MongoDB's limit.
pub(crate) const MAX_INDEXES: usize = 64;

/// What to do about requested indexes, after comparison with the existing ones.
enum Begun {
    /// The collection does not exist.
    NoCollection,
    /// All of them exist, as of this commit.
    Nothing(Lsn),
    /// These are to be built.
    Build(Arc<Collection>, Vec<Arc<Index>>, View),
}

/// Creates indexes, all or none, and the collection if it is missing; returns their names. Indexes that exist in the
/// requested form stay as they are.
pub(crate) fn run(store: &Store, name: &str, specs: &[Spec]) -> Committed<Vec<String>> {
    run_with(store, name, specs, &Interrupt::default(), |_| {})
}

/// A moment of an index build, for tests that write at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Commits maintain the indexes, which are still empty.
    Maintained,
    /// The indexes have the entries of the view.
    Filled,
}

/// Like [`run`], until the interrupt fires; calls back at each moment.
pub(crate) fn run_with(
    store: &Store,
    name: &str,
    specs: &[Spec],
    interrupt: &Interrupt,
    at: impl Fn(Moment),
) -> Committed<Vec<String>> {
    let _one = loop {
        match (store.building().try_lock_for(LOOK), interrupt.check(|| store.now())) {
            (Some(one), Ok(())) => break one,
            (None, Ok(())) => {}
            (_, Err(error)) => return Committed::failed(error),
        }
    };
    let names = || specs.iter().map(|spec| own_name(spec).to_owned()).collect::<Vec<_>>();
    if let Err(error) = specs.iter().try_for_each(|spec| check(name, spec)) {
        return Committed::failed(error);
    }
    loop {
        match begin_indexes(store, name, specs) {
            Err(error) => return Committed::failed(error),
            Ok(Begun::Nothing(lsn)) => return Committed { result: Ok(names()), lsn },
            Ok(Begun::NoCollection) => {
                let committed = commit::run(store, 256 * (specs.len() + 1), |commit| {
                    if commit.collection(name).is_some() {
                        return Ok(false);
                    }
                    let collection = commit.collection_or_create(name)?;
                    commit.keep_created();
                    for index in wanted(&collection, specs)? {
                        commit.begin_index(&collection, &index);
                    }
                    Ok(true)
                });
                match committed {
                    // Another thread has created the collection meanwhile.
                    Committed { result: Ok(false), .. } => continue,
                    Committed { result, lsn } => {
                        return Committed { result: result.map(|_| names()), lsn };
                    }
                }
            }
            Ok(Begun::Build(collection, indexes, view)) => {
                let Committed { result, lsn } =
                    build_indexes(store, &collection, &indexes, view, (interrupt, &at));
                if result.is_err() {
                    // No commit is between staging and applying.
                    let _applied = store.applied();
                    indexes.iter().for_each(|index| collection.remove_index(index.number()));
                }
                return Committed { result: result.map(|()| names()), lsn };
            }
        }
    }
}

fn begin_indexes(store: &Store, name: &str, specs: &[Spec]) -> Result<Begun> {
    let applied = store.applied();
    if let Some(error) = store.refusal(&applied) {
        return Err(error);
    }
    let Some(collection) = applied.catalogue.get(name).cloned() else { return Ok(Begun::NoCollection) };
    collection.check_stores(name)?;
    let indexes = wanted(&collection, specs)?;
    if indexes.is_empty() {
        return Ok(Begun::Nothing(applied.lsn));
    }
    indexes.iter().for_each(|index| collection.add_index(index.clone()));
    let view = store.views().open_applied(applied.lsn, applied.catalogue.clone(), store.now());
    Ok(Begun::Build(collection, indexes, view))
}

fn build_indexes(
    store: &Store,
    collection: &Arc<Collection>,
    indexes: &[Arc<Index>],
    view: View,
    (interrupt, at): (&Interrupt, &impl Fn(Moment)),
) -> Committed<()> {
    at(Moment::Maintained);
    let filled = fill::run(&Pass { store, collection, indexes, view: view.lsn(), threads: 1, interrupt });
    // Entries that commits removed from the index are dropped now, not before it was filled.
    drop(view);
    at(Moment::Filled);
    if let Err(error) = filled {
        return Committed::failed(error);
    }
    commit::run(store, 256 * indexes.len(), |commit| {
        if !has(commit, collection) {
            let message = "the collection was dropped while an index of it was built";
            return Err(Error::new(Kind::Conflict, message).into());
        }
        for index in indexes {
            check_suspects(commit, collection, index)?;
            commit.begin_index(collection, index);
        }
        Ok(())
    })
}

/// Drops the index of this name, or all but the one on `_id` for `*`.
pub(crate) fn drop_index(store: &Store, name: &str, index: &str) -> Committed<()> {
    let _one = store.building().lock();
    commit::run(store, 256, |commit| {
        let Some(collection) = commit.collection(name) else {
            let message =
                format!("the collection '{}' does not exist, so it has no index to drop", Shown(name));
            return Err(refused(codes::NAMESPACE_NOT_FOUND, message).into());
        };
        collection.check_stores(name)?;
        if index == ID_INDEX {
            return Err(refused(codes::INVALID_OPTIONS, "the index on _id cannot be dropped").into());
        }
        let mut found = false;
        for one in collection.indexes().iter().filter(|one| one.is_ready(Lsn::NEWEST)) {
            if index == "*" || &*one.spec().name == index {
                commit.end_index(&collection, one);
                found = true;
            }
        }
        if found || index == "*" {
            return Ok(());
        }
        let message = format!("index not found with name [{index}] in the collection '{}'", Shown(name));
        Err(refused(codes::INDEX_NOT_FOUND, message).into())
    })
}

fn has(commit: &Commit<'_>, collection: &Collection) -> bool {
    commit.catalogue_now().name_of(collection.number()).is_some()
}

/// The open questions of an index build, decided on the newest applied versions.
fn check_suspects(commit: &Commit<'_>, collection: &Collection, index: &Index) -> Result<(), Halt> {
    // A copy: entries are read below, and writers of entries add suspects.
    let suspects = index.suspects().lock().clone();
    for slot in &suspects.slots {
        if let Some((_, present)) = commit.in_slot(collection, *slot)? {
            index.keys(present.document(collection.shapes()), Purpose::Entries, &mut Vec::new())?;
        }
    }
    for key in &suspects.keys {
        // Compares the whole keys of each document that has this entry: entries may be cut or stale.
        let mut taken: Vec<crate::index::KeyBytes> = Vec::new();
        for slot in index.slots(key)? {
            let Some((_, present)) = commit.in_slot(collection, slot)? else { continue };
            let document = present.document(collection.shapes());
            let keys = index.keys(document, Purpose::Unique, &mut Vec::new())?;
            for own in keys.list.into_iter().filter(|own| own.starts_with(key)) {
                if taken.contains(&own) {
                    let values = values_of(index.spec(), document, &own);
                    return Err(duplicate_key(&commit.namespace_of(collection), index.spec(), &values).into());
                }
                taken.push(own);
            }
        }
    }
    Ok(())
}

/// Those that do not exist yet.
pub(crate) fn wanted(collection: &Collection, specs: &[Spec]) -> Result<Vec<Arc<Index>>> {
    let existing: Vec<_> = collection.indexes().iter().filter(|index| index.is_kept()).cloned().collect();
    let mut fresh: Vec<Arc<Index>> = Vec::new();
    for spec in specs.iter().filter(|spec| !spec.is_id()) {
        let known = || existing.iter().chain(&fresh).map(|index| index.definition());
        if known().any(|known| known.is_same(spec)) {
            continue;
        }
        if let Some(known) = known().find(|known| known.name == spec.name) {
            let same_documents = known.fields == spec.fields
                && known.partial == spec.partial
                && known.collation == spec.collation;
            let code =
                if same_documents { codes::INDEX_OPTIONS_CONFLICT } else { codes::INDEX_KEY_SPECS_CONFLICT };
            let message = format!(
                "an index '{}' with another key or other options exists; drop it, or choose another name",
                spec.name
            );
            return Err(refused(code, message));
        }
        // As in MongoDB, the time after which documents expire makes no other index.
        let expire_after = spec.expire_after;
        let alike =
            |known: &Spec| Spec { name: spec.name.clone(), expire_after, ..known.clone() }.is_same(spec);
        let same = known().find(alike);
        if let Some(same) = same {
            let message = format!("index already exists with a different name: {}", same.name);
            return Err(refused(codes::INDEX_OPTIONS_CONFLICT, message));
        }
        if existing.len() + fresh.len() + 1 >= MAX_INDEXES {
            let message = format!("a collection has at most {MAX_INDEXES} indexes; drop one");
            return Err(Error::new(Kind::Limit, message).with_code(codes::CANNOT_CREATE_INDEX));
        }
        fresh.push(Arc::new(Index::new(collection.next_index(), spec.clone())?));
    }
    Ok(fresh)
}

pub(crate) fn own_name(spec: &Spec) -> &str {
    if spec.is_id() { ID_INDEX } else { &spec.name }
}

/// Refuses an index that is too large, or by which documents of a collection that is not the program's would expire.
pub(crate) fn check(name: &str, spec: &Spec) -> Result<()> {
    if spec.expire_after.is_some() && parts(name).1.starts_with("system.") {
        let message = format!("documents of the system collection '{}' do not expire", Shown(name));
        return Err(refused(codes::INVALID_OPTIONS, message));
    }
    let mut bytes = Vec::new();
    encode_plain(&spec.to_value(), &mut bytes);
    if bytes.len() <= MAX_SPEC {
        return Ok(());
    }
    let message = format!(
        "the definition of the index '{}' has {} bytes, above {MAX_SPEC}; shorten its paths or its filter",
        spec.name,
        bytes.len()
    );
    Err(Error::new(Kind::Limit, message).with_code(codes::CANNOT_CREATE_INDEX))
}

/// An error with MongoDB's code.
fn refused(code: Code, message: impl Into<String>) -> Error {
    Error::new(Kind::BadQuery, message).with_code(code)
}
