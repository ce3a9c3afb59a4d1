//! Indexes that costly scans need: counted by path, suggested, and created if the database is configured so.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::fetch::ReadContext;
use crate::document::{Path, Value};
use crate::engine::state::collection::Collection;
use crate::engine::store::Store;
use crate::error::Kind;
use crate::index::{Direction, Field, Spec};
use crate::options::{Access, AutoIndex};
use crate::query::{Demands, Sort};
use crate::storage::Lsn;

/// The minimum number of documents that a costly scan reads.
const COSTLY: u64 = 1_000;
/// And the minimum per returned document.
const WASTED: u64 = 10;
impl Collection {
    /// The paths that costly scans need and that no index begins with, and the number of those scans.
    pub fn suggested(&self) -> Vec<(Path, u32)> {
        let mut wanted = self.suggestions().wanted();
        wanted.retain(|(path, _)| !has_index(self, path));
        wanted
    }

    /// The same for explain and statistics.
    pub fn suggested_indexes(&self) -> Value {
        let one = |(path, scans): (Path, u32)| {
            let key = Value::Object(vec![(path.to_string(), Value::Int(1))]);
            Value::Object(vec![("key".into(), key), ("scans".into(), Value::number(scans.into()))])
        };
        Value::Array(self.suggested().into_iter().map(one).collect())
    }
}

fn has_index(collection: &Collection, path: &Path) -> bool {
    let newest = Lsn(u64::MAX);
    let begins = |spec: &Spec| spec.fields.first().is_some_and(|field| field.path == *path);
    collection.indexes().iter().any(|index| {
        (index.is_building() || index.is_ready(newest)) && begins(index.spec()) && index.partial().is_none()
    })
}

/// The paths of which a useful index must begin with one: those with a value or a range, or the sort order.
fn paths(demands: &Demands<'_>, found: &mut Vec<Path>) {
    for (path, bounds) in &demands.fields {
        let is_id = matches!(path.parts(), [part] if &*part.name == "_id");
        if !bounds.is_everything() && !is_id && !path.has_empty_part() && !found.contains(path) {
            found.push(path.clone().into_owned());
        }
    }
    for branch in demands.unions.iter().flatten() {
        paths(branch, found);
    }
}

impl Store {
    /// Records a scan if it was costly; returns whether it was.
    pub(crate) fn note_scan(
        &self,
        reading: &ReadContext<'_>,
        sort: Option<&Sort>,
        examined: u64,
        returned: u64,
    ) -> bool {
        if self.options().auto_index == AutoIndex::Off
            || examined < COSTLY
            || examined < returned.saturating_mul(WASTED)
        {
            return false;
        }
        let mut found = Vec::new();
        paths(&reading.filter.demands(), &mut found);
        if found.is_empty()
            && let Some((path, _)) = sort.and_then(|sort| sort.parts().next())
        {
            found.push(path.clone());
        }
        found.iter().for_each(|path| reading.collection.suggestions().count(path));
        true
    }

    /// Creates the index that would save a collection the most scans, in the background, if `autoIndex` is on.
    pub fn consider_index(self: &Arc<Self>, name: &str, runtime: &Handle) {
        if self.options().auto_index != AutoIndex::On || self.options().access == Access::ReadOnly {
            return;
        }
        let Some(collection) = self.views().collection(name) else { return };
        let Some(path) = collection.suggestions().take(collection.suggested()) else { return };
        let (store, name) = (self.clone(), name.to_owned());
        runtime.spawn_blocking(move || {
            let text = path.to_string();
            let spec = Spec {
                name: format!("{text}_1").into(),
                fields: vec![Field { path, name: text.into(), direction: Direction::Ascending }],
                unique: false,
                sparse: false,
                partial: None,
            };
            let made = store.create_indexes(&name, std::slice::from_ref(&spec));
            if let Err(error) = made.result
                && error.kind() != Kind::Closed
            {
                tracing::warn!(collection = name, index = &*spec.name, %error, "an automatic index could not be made");
            }
        });
    }
}
