//! Collections as a whole: creating, dropping, renaming.

use crate::engine::commit;
use crate::engine::commit::Committed;
use crate::engine::operation::response::Answer;
use crate::engine::state::collection_name::check_name;
use crate::engine::store::Store;
use crate::error::{Error, Kind, codes};

/// Creates an empty collection; an existing one is left as it is.
pub(crate) fn create(store: &Store, name: &str) -> Committed<Answer> {
    commit::run(store, name.len() + 64, |commit| {
        commit.collection_or_create(name)?;
        commit.keep_created();
        Ok(Answer::Done)
    })
}

/// Drops a collection.
pub(crate) fn drop(store: &Store, name: &str) -> Committed<Answer> {
    commit::run(store, 64, |commit| Ok(Answer::Bool(commit.drop_collection(name))))
}

/// Renames a collection; with `drop_target` it replaces the collection that has the name.
pub(crate) fn rename(store: &Store, name: &str, to: &str, drop_target: bool) -> Committed<Answer> {
    commit::run(store, to.len() + 64, |commit| {
        let Some(collection) = commit.collection(name) else {
            let message = format!("the collection '{name}' does not exist, so it cannot be renamed");
            return Err(Error::new(Kind::BadQuery, message).with_code(codes::NAMESPACE_NOT_FOUND).into());
        };
        if name == to {
            let message = format!("the collection '{name}' has this name already; give another");
            return Err(Error::new(Kind::BadQuery, message).with_code(codes::ILLEGAL_OPERATION).into());
        }
        if commit.collection(to).is_some() && !drop_target {
            let message = format!(
                "there is a collection '{to}' already; drop it first, or rename with {{ dropTarget: true }}"
            );
            return Err(Error::new(Kind::Conflict, message).with_code(codes::NAMESPACE_EXISTS).into());
        }
        check_name(to)?;
        commit.drop_collection(to);
        commit.rename_collection(&collection, to);
        Ok(Answer::Done)
    })
}
