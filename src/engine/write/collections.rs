//! Collections as a whole: creating, dropping, renaming.

use std::sync::Arc;

use crate::document::{Node, Value, incoming};
use crate::engine::commit;
use crate::engine::commit::Committed;
use crate::engine::operation::input::Incoming;
use crate::engine::operation::response::Answer;
use crate::engine::state::collection::Collection;
use crate::engine::state::collection_options::CollectionOptions;
use crate::engine::state::namespace::{Shown, check_collection, parts, within};
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result, codes};

/// Creates an empty collection; an existing one is left as it is, and must have the options that are given.
pub(crate) fn create(store: &Store, name: &str, options: Option<&Incoming>) -> Committed<Answer> {
    let options = match parse_options(options) {
        Ok(options) => Arc::new(options),
        Err(error) => return Committed::failed(error),
    };
    if let Err(error) = options.check_for(name) {
        return Committed::failed(error);
    }
    commit::run(store, name.len() + 128, |commit| {
        let collection = commit.collection_or_create_with(name, &options)?;
        check_options(&collection, name, &options)?;
        commit.keep_created();
        Ok(Answer::Done)
    })
}

/// The options of a collection from the boundary.
pub(crate) fn parse_options(options: Option<&Incoming>) -> Result<CollectionOptions> {
    let Some(options) = options else { return Ok(CollectionOptions::default()) };
    incoming::check(options.bytes(), &options.shapes)?;
    CollectionOptions::parse(options.raw())
}

/// Refuses options that a collection which is there does not have.
pub(crate) fn check_options(collection: &Collection, name: &str, options: &CollectionOptions) -> Result<()> {
    if *options == CollectionOptions::default() || *options == *collection.options() {
        return Ok(());
    }
    let message = format!(
        "a collection '{}' with other options is there already; drop it first, or leave the options out",
        Shown(name)
    );
    Err(Error::new(Kind::Conflict, message).with_code(codes::NAMESPACE_EXISTS))
}

/// Options of collections that the server changes and that no collection has here.
const MISSING: &[&str] = &[
    "viewOn",
    "pipeline",
    "expireAfterSeconds",
    "cappedSize",
    "cappedMax",
    "timeseries",
    "timeseriesBucketsMayHaveMixedSchemaData",
    "recordIdsReplicated",
    "dryRun",
];

/// Changes options of a collection: `{ changeStreamPreAndPostImages, validator, validationLevel,
/// validationAction }`. Options that it has already are no change.
pub(crate) fn modify(store: &Store, name: &str, changes: &Incoming) -> Committed<Answer> {
    if let Err(error) = incoming::check(changes.bytes(), &changes.shapes) {
        return Committed::failed(error);
    }
    commit::run(store, changes.bytes().len() + 256, |commit| {
        let Some(collection) = commit.collection(name) else {
            let message =
                format!("the collection '{}' does not exist, so it has no options to change", Shown(name));
            return Err(Error::new(Kind::BadQuery, message).with_code(codes::NAMESPACE_NOT_FOUND).into());
        };
        let before = collection.options();
        let mut options = CollectionOptions::clone(&before);
        for (option, value) in changes.raw().fields() {
            if !options.take(option, value)? {
                return Err(no_option(option).into());
            }
        }
        options.check_for(name)?;
        if options != *before {
            commit.change_options(&collection, Arc::new(options));
        }
        Ok(Answer::Value(Value::Object(Vec::new())))
    })
}

fn no_option(option: &str) -> Error {
    if MISSING.contains(&option) {
        let message = format!("the option '{option}' of collMod is not supported; leave it out");
        return Error::new(Kind::NotSupported, message);
    }
    let message = format!("'{option}' is not an option of collMod; check its spelling");
    Error::new(Kind::BadQuery, message).with_code(codes::IDL_UNKNOWN_FIELD)
}

/// Drops a collection.
pub(crate) fn drop(store: &Store, name: &str) -> Committed<Answer> {
    commit::run(store, 64, |commit| Ok(Answer::Bool(commit.drop_collection(name))))
}

/// Drops a database: all of its collections, in one commit.
pub(crate) fn drop_database(store: &Store, database: &str) -> Committed<Answer> {
    // Only room for the queue: there may be more by then.
    let count = store.views().catalogue().of(database).count();
    commit::run(store, 64 + 16 * count, |commit| {
        commit.drop_database(database);
        Ok(Answer::Bool(true))
    })
}

/// Renames a collection, to a plain name within its database; with `drop_target` it replaces the collection that has the name.
pub(crate) fn rename(store: &Store, name: &str, to: &str, drop_target: bool) -> Committed<Answer> {
    if let Err(error) = check_collection(to) {
        return Committed::failed(error);
    }
    let target = match within(parts(name).0, to) {
        Ok(target) => target,
        Err(error) => return Committed::failed(error),
    };
    commit::run(store, target.len() + 64, |commit| {
        let (to, shown) = (target.as_str(), Shown(&target));
        let Some(collection) = commit.collection(name) else {
            let message = format!("the collection '{}' does not exist, so it cannot be renamed", Shown(name));
            return Err(Error::new(Kind::BadQuery, message).with_code(codes::NAMESPACE_NOT_FOUND).into());
        };
        if name == to {
            let message = format!("the collection '{shown}' has this name already; give another");
            return Err(Error::new(Kind::BadQuery, message).with_code(codes::ILLEGAL_OPERATION).into());
        }
        if commit.collection(to).is_some() && !drop_target {
            let message = format!(
                "there is a collection '{shown}' already; drop it first, or rename with {{ dropTarget: true }}"
            );
            return Err(Error::new(Kind::Conflict, message).with_code(codes::NAMESPACE_EXISTS).into());
        }
        commit.drop_collection(to);
        commit.rename_collection(&collection, to);
        Ok(Answer::Done)
    })
}
