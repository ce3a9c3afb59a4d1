//! Begins with the checkpoint of a clean close: names, shapes and definitions of indexes are read at once, documents and keys when
//! they are needed.

use std::path::Path;
use std::sync::Arc;

use super::replay::Replay;
use crate::document::{RawValue, Shapes, incoming};
use crate::engine::format::checkpoint::{CollectionContents, Contents, slots};
use crate::engine::format::record::{Record, Records};
use crate::engine::state::base::{Base, CollectionBase};
use crate::engine::state::collection::Collection;
use crate::engine::state::tally::Tally;
use crate::engine::store::Recovered;
use crate::error::{Error, Kind, Result};
use crate::index::Spec;
use crate::storage::pages::target::Target;
use crate::storage::runs::check::check_tree;
use crate::storage::runs::cursor::Cursor;
use crate::storage::runs::page_store::{Access, PageStore};
use crate::storage::runs::tree::Tree;
use crate::storage::{
    Block, BlockPlace, CheckpointLoader, FileId, FromCheckpoint, Loader, Lsn, SnapshotBlock,
};

impl CheckpointLoader for Replay<'_> {
    fn fits(&self, checkpoint: &FromCheckpoint) -> bool {
        let fits = has_current_keys(&checkpoint.catalogue);
        if !fits {
            tracing::info!(
                "a checkpoint is not used: its indexes have sort keys of another version of Unicode's collations"
            );
        }
        fits
    }

    fn begin(&mut self, checkpoint: FromCheckpoint) -> Result<()> {
        let recovered = state(self.path(), checkpoint, self.memory_limit())?;
        self.begin_with(recovered);
        Ok(())
    }
}

/// The state of a checkpoint.
fn state(path: &Path, checkpoint: FromCheckpoint, memory_limit: Option<u64>) -> Result<Recovered> {
    let FromCheckpoint { bound, file, catalogue, .. } = checkpoint;
    let at = file.path().to_path_buf();
    let malformed =
        || Error::corrupt(&at, 0, "the catalogue of the checkpoint is malformed; remove this file");
    let contents = Contents::decode(&catalogue).ok_or_else(malformed)?;
    let lsn = Lsn(bound.clean.lsn);
    let mut replay = Replay::new(path, None);
    for payload in contents.payloads {
        let place = BlockPlace { file: FileId::Memory, frame: 0, offset: 0, len: payload.len() as u32 };
        let block = Arc::new(Block { place, base: 0, bytes: payload.into_boxed_slice(), transient: false });
        let (index, collection, documents, first_document) = (0, 0, 0, 0);
        let block = SnapshotBlock { lsn, index, collection, documents, first_document, block };
        replay.database_block(block).map_err(|_| malformed())?;
    }
    let recovered = Recovered { lsn, ..replay.finish() };
    let base = Base::new(file, contents.files, lsn, memory_limit);
    if contents.collections.len() != recovered.collections.len() {
        return Err(malformed());
    }
    // Numbers of trees, as the writer gave them.
    let mut tree = 1;
    for one in &contents.collections {
        let collection = recovered.collections.get(&one.number).map(|found| found.clone());
        let collection: Arc<Collection> = collection.ok_or_else(malformed)?;
        begin(&base, &collection, one, tree).ok_or_else(malformed)?;
        tree += one.trees();
    }
    Ok(recovered)
}

/// Whether the entries of its indexes are keys as this program makes them. Those with a collation depend on the version of its data.
fn has_current_keys(catalogue: &[u8]) -> bool {
    if memchr::memmem::find(catalogue, b"collation").is_none() {
        return true;
    }
    // What cannot be read is for `begin` to refuse.
    let Some(contents) = Contents::decode(catalogue) else { return true };
    let is_outdated = |record: &Record<'_>| match record {
        Record::Index { spec, .. } => {
            let shapes = Shapes::new();
            incoming::check(spec, &shapes).is_ok() && Spec::is_outdated(RawValue::new(spec, &shapes))
        }
        _ => false,
    };
    !contents
        .payloads
        .iter()
        .flat_map(|payload| Records::new(payload).flatten())
        .any(|record| is_outdated(&record))
}

/// Whether it is an error about damage of a checkpoint.
pub(crate) fn is_damage(error: &Error) -> bool {
    let file = error.details().file.as_ref().and_then(|file| file.extension());
    error.kind() == Kind::Corrupt && file.is_some_and(|extension| extension == "chk")
}

/// Reads all of a checkpoint: every page of every tree, and every record of slots.
pub(crate) fn check(checkpoint: FromCheckpoint) -> Result<()> {
    let FromCheckpoint { file, catalogue, .. } = checkpoint;
    let contents =
        Contents::decode(&catalogue).ok_or_else(|| file.corrupt(0, "the catalogue is malformed"))?;
    let run = file.run();
    let pages = PageStore::new(0);
    pages.add(file);
    let mut tree = 0;
    for one in &contents.collections {
        tree += 1;
        if let Some(root) = one.slots {
            let slots = Tree::of_rows(tree, run, root);
            check_tree(&pages, &slots)?;
            check_slots(&pages, slots, &contents.files)?;
        }
        for root in std::iter::once(&one.ids).chain(one.indexes.iter().map(|index| &index.tree)) {
            tree += 1;
            if let Some(root) = root {
                check_tree(&pages, &Tree::of_keys(tree, run, *root))?;
            }
        }
        if one.ids.map_or(0, |ids| ids.pointer.net) != one.documents as i64 {
            return Err(pages
                .file(run)?
                .corrupt(0, "the tree of keys has more or fewer keys than documents"));
        }
    }
    Ok(())
}

fn check_slots(pages: &PageStore, tree: Tree, files: &[FileId]) -> Result<()> {
    let run = tree.run;
    let Some(mut cursor) = Cursor::at(pages, tree, Target::First, Access::Pass)? else { return Ok(()) };
    while let Some(Some((page, from))) = cursor.next_leaf()? {
        let rows = page.rows();
        if (from..rows.len()).any(|at| slots(rows.record(at), files).is_none()) {
            return Err(pages.file(run)?.corrupt(page.place().1, "a record of slots is malformed"));
        }
    }
    Ok(())
}

fn begin(base: &Arc<Base>, collection: &Collection, one: &CollectionContents, tree: u32) -> Option<()> {
    let indexes = collection.indexes();
    if indexes.len() != one.indexes.len() {
        return None;
    }
    let (below, entries) = CollectionBase::of(base, one, tree);
    for ((index, contents), entries) in indexes.iter().zip(&one.indexes).zip(entries) {
        index.begin_from(entries, contents.multikey, contents.truncated);
    }
    let tally = Tally { documents: one.documents, digest: one.digest };
    collection.begin_from(Arc::new(below), tally, one.live_bytes);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Value, encode_plain};
    use crate::engine::format::record;

    fn catalogue(version: Option<&str>) -> Vec<u8> {
        let text = |text: &str| Value::String(text.to_owned());
        let field = |name: &str, value: Value| (name.to_owned(), value);
        let key = Value::Array(vec![Value::Array(vec![text("a"), Value::Int(1)])]);
        let mut spec = vec![field("key", key), field("name", text("a_1"))];
        if let Some(version) = version {
            let collation = vec![field("locale", text("en")), field("version", text(version))];
            spec.push(field("collation", Value::Object(collation)));
        }
        // A payload begins with its time.
        let (mut bytes, mut payload) = (Vec::new(), vec![0; 8]);
        encode_plain(&Value::Object(spec), &mut bytes);
        record::index(&mut payload, 1, &bytes);
        Contents { payloads: vec![payload], ..Contents::default() }.encode().unwrap()
    }

    #[test]
    fn a_checkpoint_with_sort_keys_of_another_version_of_the_collation_data_does_not_fit() {
        assert!(has_current_keys(&catalogue(None)));
        assert!(has_current_keys(&catalogue(Some(crate::document::collation::DATA_VERSION))));
        assert!(!has_current_keys(&catalogue(Some("2.3.9"))));
        assert!(!has_current_keys(&catalogue(Some(""))));
        assert!(has_current_keys(b"collation"), "what cannot be read is refused elsewhere");
    }
}
