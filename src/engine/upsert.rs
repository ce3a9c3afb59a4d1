//! What is inserted where nothing matched, and documents put in the place of others.

use super::commit::{Committed, Current, Over};
use super::duplicate::duplicate_id;
use super::key::key_of;
use super::modify::{Change, Modification, projected};
use super::operation::{Incoming, Returned};
use super::store::Store;
use crate::document::{Leaf, Object, Path, RawValue, Shapes, Value, encode, id, order};
use crate::error::{Error, Kind, Result};
use crate::query::Filter;
use crate::storage::Lsn;

impl Store {
    pub(super) fn upsert(&self, modification: &Modification<'_>) -> Committed<(Value, Option<Value>)> {
        let made = upserted(modification, self.now());
        let (object, id) = match made {
            Ok(made) => made,
            Err(error) => return Committed { result: Err(error), lsn: Lsn(0) },
        };
        let document = Value::Object(object);
        let answer = match modification.answer {
            Some((Returned::After, projection)) => projected(&document, projection, modification.filter),
            _ => Ok(None),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Committed { result: Err(error), lsn: Lsn(0) },
        };
        let mut plain = Vec::new();
        encode::encode_plain(&id, &mut plain);
        let key = key_of(RawValue::new(&plain, &Shapes::new()));
        self.commit(plain.len() + 256, |commit| {
            let collection = commit.collection_or_create(modification.name)?;
            match commit.current(&collection, &key)? {
                Current::Present(_) => Err(duplicate_id(modification.name, &id).into()),
                Current::Absent(target) => {
                    commit.pack_value(&collection, &document)?;
                    commit.put_packed(&collection, key.clone(), Over::Nothing(target))?;
                    Ok((id.clone(), answer.clone()))
                }
            }
        })
    }
}

/// Whether the document that stands in the way of an upsert has the values that the filter asks for: all that it
/// collided in are equalities of the filter.
pub(super) fn may_match(filter: &Filter, error: &Error) -> bool {
    let (Kind::DuplicateKey, Some(taken)) = (error.kind(), &error.details().key_value) else { return false };
    let shapes = Shapes::new();
    let taken = RawValue::new(taken, &shapes);
    let asked = Value::Object(filter.upsert_seed().unwrap_or_default());
    taken.as_object().is_some_and(|taken| {
        taken.iter().all(|(path, value)| {
            let equal = |asked: Option<&Value>| {
                asked.is_some_and(|asked| order::compare_values(asked, &value.to_value()).is_eq())
            };
            Path::parse(path).walk(&asked, Leaf::Whole, &mut |asked| equal(asked))
        })
    })
}

/// The fields of an object.
pub(super) fn object_of(raw: RawValue<'_>) -> Object {
    raw.as_object().map(|object| object.to_object()).unwrap_or_default()
}

/// The replacement with this `_id` in front; an `_id` of its own must be equal to it.
pub(super) fn replacement_of(replacement: &Incoming, id: &Value) -> Result<Object> {
    let mut object = object_of(replacement.raw());
    if let Some(at) = object.iter().position(|(key, _)| key == "_id") {
        let (_, own) = object.remove(at);
        if order::compare_values(&own, id).is_ne() {
            let message = "the replacement has another _id; an _id never changes, so leave it out";
            return Err(Error::new(Kind::BadUpdate, message));
        }
    }
    object.insert(0, ("_id".to_owned(), id.clone()));
    Ok(object)
}

/// The document that an upsert inserts, and its `_id`.
fn upserted(modification: &Modification<'_>, now: i64) -> Result<(Object, Value)> {
    let mut object = match modification.change {
        Change::Update(update) => {
            let mut seed = modification.filter.upsert_seed()?;
            update.apply(&mut seed, now, true, None)?;
            seed
        }
        Change::Replace(replacement) => {
            let mut object = object_of(replacement.raw());
            if !object.iter().any(|(key, _)| key == "_id")
                && let Some(id) = modification.filter.id()
            {
                object.insert(0, ("_id".to_owned(), id.clone()));
            }
            object
        }
        Change::Delete => return Err(Error::new(Kind::Internal, "a deletion cannot upsert")),
    };
    let own = object.iter().position(|(key, _)| key == "_id").map(|at| object.remove(at).1);
    let id = match (own, modification.upsert.1) {
        (Some(id), _) => id,
        (None, Some(new_id)) => new_id.raw().to_value(),
        (None, None) => return Err(Error::new(Kind::BadDocument, "an upserted document has no _id")),
    };
    let mut plain = Vec::new();
    encode::encode_plain(&id, &mut plain);
    id::check_id(RawValue::new(&plain, &Shapes::new()))?;
    object.insert(0, ("_id".to_owned(), id.clone()));
    Ok((object, id))
}
