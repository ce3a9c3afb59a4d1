//! Indexes that costly scans need: counted by path, and suggested.

use super::fetch::ReadContext;
use crate::document::{Collation, Path, Value};
use crate::engine::state::collection::Collection;
use crate::engine::store::Store;
use crate::index::{Direction, Field, Spec};
use crate::options::AutoIndex;
use crate::query::{Demands, Sort};
use crate::storage::Lsn;

/// The minimum number of documents that a costly scan reads.
const COSTLY: u64 = 1_000;
/// And the minimum per returned document.
const WASTED: u64 = 10;

/// The paths that costly scans need and that no index begins with, and the number of those scans.
pub(crate) fn suggested(collection: &Collection) -> Vec<(Path, u32)> {
    let mut wanted = collection.suggestions().wanted();
    wanted.retain(|(path, _)| !has_index(collection, path));
    wanted
}

/// The field of the index for a path. That on `_id` finds single documents only, and another one is ascending by name only: its order
/// comes from a descending one.
pub(crate) fn field_of(path: Path, collation: &Collation) -> Field {
    let is_id = path.is_id();
    let direction = if is_id { Direction::Descending } else { Direction::Ascending };
    let collation = if is_id { Collation::SIMPLE } else { collation.clone() };
    Field { name: path.to_string().into(), path, direction, collation }
}

/// The name that such an index gets.
pub(crate) fn name_of(field: &Field) -> String {
    format!("{}_{}", field.name, field.direction.sign())
}

/// The same for explain and statistics.
pub(crate) fn suggested_indexes(collection: &Collection) -> Value {
    let one = |(path, scans): (Path, u32)| {
        let field = field_of(path, &Collation::SIMPLE);
        let key = Value::Object(vec![(field.name.to_string(), Value::Int(field.direction.sign()))]);
        Value::Object(vec![("key".into(), key), ("scans".into(), Value::number(scans.into()))])
    };
    Value::Array(suggested(collection).into_iter().map(one).collect())
}

fn has_index(collection: &Collection, path: &Path) -> bool {
    let newest = Lsn::NEWEST;
    let begins = |spec: &Spec| spec.fields.first().is_some_and(|field| field.path == *path);
    collection.indexes().iter().any(|index| {
        (index.is_building() || index.is_ready(newest)) && begins(index.spec()) && index.partial().is_none()
    })
}

/// The paths of which a useful index must begin with one: those with a value or a range, or the sort order.
/// Those of strings of another order than an index would have without naming a collation do not count.
fn paths(demands: &Demands<'_>, collation: &Collation, found: &mut Vec<Path>) {
    for (path, bounds) in &demands.fields {
        let own = if path.is_id() { &Collation::SIMPLE } else { collation };
        let is_lookup = path.is_id() && bounds.is_points();
        let is_served = !bounds.is_everything() && bounds.fits(own);
        if is_served && !is_lookup && !path.has_empty_part() && !found.contains(path) {
            found.push(path.clone().into_owned());
        }
    }
    for branch in demands.unions.iter().flatten() {
        paths(branch, collation, found);
    }
}

/// Records a scan if it was costly; returns whether it was.
pub(crate) fn note_scan(
    store: &Store,
    reading: &ReadContext<'_>,
    sort: Option<&Sort>,
    examined: u64,
    returned: u64,
) -> bool {
    if store.options().auto_index == AutoIndex::Off
        || examined < COSTLY
        || examined < returned.saturating_mul(WASTED)
    {
        return false;
    }
    let mut found = Vec::new();
    let own = reading.collection.collation();
    paths(&reading.filter.demands(), &own, &mut found);
    if found.is_empty()
        && let Some((path, _, collation)) = sort.and_then(|sort| sort.parts().next())
        && (path.is_id() || *collation == own)
    {
        found.push(path.clone());
    }
    found.iter().for_each(|path| reading.collection.suggestions().count(path));
    true
}
