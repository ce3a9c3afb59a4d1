//! Collections as a whole: creating, dropping, renaming.

use std::sync::Arc;

use crate::document::{Node, Object, RawKind, RawValue, Value, incoming};
use crate::engine::commit;
use crate::engine::commit::{Commit, Committed};
use crate::engine::operation::input::Incoming;
use crate::engine::operation::response::Answer;
use crate::engine::plan::hint::Hint;
use crate::engine::state::catalogue::Catalogue;
use crate::engine::state::collection::Collection;
use crate::engine::state::collection_options::{CollectionOptions, OfIndex};
use crate::engine::state::namespace::{Shown, check_collection, parts, within};
use crate::engine::state::rules::view_definition::too_deep;
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result, codes};
use crate::index::MAX_EXPIRE_AFTER;
use crate::storage::Lsn;

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
        check_view(commit.catalogue_now(), name, &options)?;
        let collection = commit.collection_or_create_with(name, &options)?;
        check_options(&collection, name, &options)?;
        commit.keep_created();
        Ok(Answer::Done)
    })
}

/// Refuses a view that would lead to itself, or over too many others.
fn check_view(catalogue: &Catalogue, name: &str, options: &CollectionOptions) -> Result<()> {
    let Some(view) = options.view() else { return Ok(()) };
    let (database, plain) = parts(name);
    let of = |name: &str| {
        let collection = catalogue.get(&within(database, name).ok()?)?;
        collection.options().view().cloned()
    };
    let below = within(database, view.on()).ok().and_then(|below| catalogue.get(&below));
    if below.is_some_and(|below| below.is_view() && below.collation() != *options.collation()) {
        let message = format!(
            "the view '{}' would have another collation than the view that it reads; give it the same, or read the collection below",
            Shown(name)
        );
        return Err(Error::new(Kind::BadQuery, message).with_code(codes::OPTION_NOT_SUPPORTED_ON_VIEW));
    }
    if view.leads_to(plain, &of) {
        let message = format!("the view '{}' would read itself; read something else in it", Shown(name));
        return Err(Error::new(Kind::BadQuery, message).with_code(codes::GRAPH_CONTAINS_CYCLE));
    }
    if view.is_shallow(&of) { Ok(()) } else { Err(too_deep(name)) }
}

/// The options of a collection from the boundary.
pub(crate) fn parse_options(options: Option<&Incoming>) -> Result<CollectionOptions> {
    let Some(options) = options else { return Ok(CollectionOptions::default()) };
    incoming::check(options.bytes(), &options.shapes)?;
    CollectionOptions::parse(options.raw())
}

/// Refuses options that a collection which is there does not have.
pub(crate) fn check_options(collection: &Collection, name: &str, options: &CollectionOptions) -> Result<()> {
    if *options == CollectionOptions::default() || collection.options().is_as(options) {
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
    "expireAfterSeconds",
    "timeseries",
    "timeseriesBucketsMayHaveMixedSchemaData",
    "recordIdsReplicated",
    "dryRun",
];

/// Changes options of a collection: `{ changeStreamPreAndPostImages, validator, validationLevel,
/// validationAction, index, cappedSize, cappedMax }`. Options that it has already are no change.
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
        change_view(commit, name, &mut options, changes.raw())?;
        let mut answer = Vec::new();
        for (option, value) in changes.raw().fields() {
            if option == "index" {
                options = index_changed(name, &collection, &options, value, &mut answer)?;
                continue;
            }
            if let Some(changed) = cap_changed(&options, option, value)? {
                options = changed;
            } else if !options.take(option, value)? {
                return Err(no_option(option).into());
            }
        }
        options.check_for(name)?;
        if options != *before {
            commit.change_options(&collection, Arc::new(options));
        }
        Ok(Answer::Value(Value::Object(answer)))
    })
}

/// Changes what a view reads. A view has nothing else to change, and a collection that stores documents does not become one.
fn change_view(
    commit: &mut Commit<'_>,
    name: &str,
    options: &mut CollectionOptions,
    changes: RawValue<'_>,
) -> Result<()> {
    let refused =
        |message: String| Err(Error::new(Kind::BadQuery, message).with_code(codes::INVALID_OPTIONS));
    let of_view = |option: &str| matches!(option, "viewOn" | "pipeline");
    let names = |wanted: bool| changes.fields().map(|(name, _)| name).find(|name| of_view(name) == wanted);
    match options.view() {
        None => match names(true) {
            Some(option) => refused(format!(
                "the collection '{}' is no view, so it has no {option} to change",
                Shown(name)
            )),
            None => Ok(()),
        },
        Some(_) => {
            if let Some(option) = names(false) {
                return refused(format!(
                    "'{}' is a view: only viewOn and pipeline can be changed, not {option}",
                    Shown(name)
                ));
            }
            if names(true).is_some() && (changes.get("viewOn").is_none() || changes.get("pipeline").is_none())
            {
                return refused("a change of a view needs both viewOn and pipeline".to_owned());
            }
            options.take_view(changes)?;
            check_view(commit.catalogue_now(), name, options)
        }
    }
}

/// The options with another limit of a capped collection; `None` if that is no such option.
fn cap_changed(
    options: &CollectionOptions,
    option: &str,
    value: RawValue<'_>,
) -> Result<Option<CollectionOptions>> {
    if !matches!(option, "cappedSize" | "cappedMax") {
        return Ok(None);
    }
    let Some(cap) = options.cap() else {
        let message = format!("the option '{option}' of collMod is of capped collections, and this is none");
        return Err(Error::new(Kind::BadQuery, message).with_code(codes::INVALID_OPTIONS));
    };
    Ok(cap.changed(option, value)?.map(|cap| options.capped_at(cap)))
}

/// Hides an index from queries, or shows it, and changes when documents expire: `{ name | keyPattern, hidden?,
/// expireAfterSeconds? }`.
fn index_changed(
    name: &str,
    collection: &Collection,
    options: &CollectionOptions,
    given: RawValue<'_>,
    answer: &mut Object,
) -> Result<CollectionOptions> {
    let refused = |message: String, code| Err(Error::new(Kind::BadQuery, message).with_code(code));
    let (mut wanted, mut hidden, mut expire_after) = (Vec::new(), None, None);
    for (option, value) in given.fields() {
        match (option, value.kind()) {
            ("name", RawKind::String(text)) => {
                wanted.push(Hint::Name(String::from_utf8_lossy(text).into_owned()));
            }
            ("keyPattern", RawKind::Object(keys)) => {
                let sign = |value: RawValue<'_>| match value.kind() {
                    RawKind::Int(sign) => sign,
                    _ => 0,
                };
                let keys = keys.iter().map(|(path, value)| (path.to_owned(), sign(value)));
                wanted.push(Hint::Keys(keys.collect()));
            }
            ("hidden", RawKind::Bool(value)) => hidden = Some(value),
            ("expireAfterSeconds", kind) if kind.truncated().is_some() => {
                let seconds = kind.truncated().unwrap_or(f64::NAN);
                if !(0.0..=f64::from(MAX_EXPIRE_AFTER)).contains(&seconds) {
                    let message =
                        format!("index.expireAfterSeconds of collMod must be 0 to {MAX_EXPIRE_AFTER}");
                    return refused(message, codes::INVALID_OPTIONS);
                }
                expire_after = Some(seconds as u32);
            }
            ("prepareUnique" | "unique", _) => return Err(no_option(option)),
            ("name" | "keyPattern" | "hidden" | "expireAfterSeconds", _) => {
                let message = format!("index.{option} of collMod has another type than it must have");
                return refused(message, codes::TYPE_MISMATCH);
            }
            _ => return Err(no_option(&format!("index.{option}"))),
        }
    }
    let ([wanted], true) = (&wanted[..], hidden.is_some() || expire_after.is_some()) else {
        let message = "index of collMod must have either name or keyPattern, and hidden: true or false, or expireAfterSeconds";
        return refused(message.to_owned(), codes::INVALID_OPTIONS);
    };
    if wanted.is_id() {
        return match expire_after {
            Some(_) => {
                refused("the _id field does not support TTL indexes".to_owned(), codes::INVALID_OPTIONS)
            }
            None => refused("the index on _id cannot be hidden".to_owned(), codes::BAD_VALUE),
        };
    }
    let found = collection.ready_indexes(Lsn::NEWEST).find(|index| wanted.is_of(index.spec()));
    let Some(index) = found else {
        let message = format!("the collection '{}' has no such index; list its indexes", Shown(name));
        return refused(message, codes::INDEX_NOT_FOUND);
    };
    if expire_after.is_some() && index.spec().fields.len() != 1 {
        let message = "TTL indexes are single-field indexes, compound indexes do not support TTL";
        return refused(message.to_owned(), codes::INVALID_OPTIONS);
    }
    let index = &index.spec().name;
    let before = options.of_index(index);
    let now = OfIndex {
        hidden: hidden.unwrap_or(before.hidden),
        expire_after: expire_after.or(before.expire_after),
    };
    if before.hidden != now.hidden {
        answer.push(("hidden_old".to_owned(), Value::Bool(before.hidden)));
        answer.push(("hidden_new".to_owned(), Value::Bool(now.hidden)));
    }
    if before.expire_after != now.expire_after {
        let seconds = |name: &str, seconds: Option<u32>| {
            seconds.map(|seconds| (name.to_owned(), Value::number(f64::from(seconds))))
        };
        answer.extend(seconds("expireAfterSeconds_old", before.expire_after));
        answer.extend(seconds("expireAfterSeconds_new", now.expire_after));
    }
    Ok(options.with_index(index, now))
}

fn no_option(option: &str) -> Error {
    let of_index = matches!(option, "prepareUnique" | "unique");
    if MISSING.contains(&option) || of_index {
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
        collection.check_stores(name)?;
        let target = commit.collection(to);
        if target.is_some_and(|target| target.is_view() || !drop_target) {
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
