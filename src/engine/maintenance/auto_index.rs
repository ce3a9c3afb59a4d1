//! Automatic indexes: with `autoIndex`, those that costly scans need are created.

use std::sync::Arc;

use tokio::runtime::Handle;

use crate::engine::index_build::create;
use crate::engine::read::missing_indexes;
use crate::engine::state::namespace::Shown;
use crate::engine::store::Store;
use crate::error::Kind;
use crate::index::Spec;
use crate::options::{Access, AutoIndex};

/// Creates the index that would save a collection the most scans, in the background, if `autoIndex` is on.
pub(crate) fn consider(store: &Arc<Store>, name: &str, runtime: &Handle) {
    if store.options().auto_index != AutoIndex::On || store.options().access == Access::ReadOnly {
        return;
    }
    let Some(collection) = store.views().collection(name) else { return };
    let Some(path) = collection.suggestions().take(missing_indexes::suggested(&collection)) else { return };
    let (store, name, collation) = (store.clone(), name.to_owned(), collection.collation());
    runtime.spawn_blocking(move || {
        let field = missing_indexes::field_of(path, &collation);
        let spec = Spec {
            name: missing_indexes::name_of(&field).into(),
            fields: vec![field],
            unique: false,
            sparse: false,
            partial: None,
            hidden: false,
            expire_after: None,
            collation,
        };
        let made = create::run(&store, &name, std::slice::from_ref(&spec));
        if let Err(error) = made.result
            && error.kind() != Kind::Closed
        {
            tracing::warn!(collection = %Shown(&name), index = &*spec.name, %error, "an automatic index could not be made");
        }
    });
}
