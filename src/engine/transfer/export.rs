//! Exports a database as lines of JSON or as documents of BSON, read from one view: the state when the export began, however long it runs.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{bson, extended_json};
use crate::document::RawValue;
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::read::fetch::Match;
use crate::engine::read::scan::{self, Scan};
use crate::engine::state::collection::Collection;
use crate::engine::state::namespace::{parts, within};
use crate::engine::state::views::View;
use crate::engine::store::Store;
use crate::error::{Error, Kind, Result};
use crate::query::Filter;

/// Bytes after which a piece ends.
const PIECE: usize = 512 << 10;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines that name their collection.
    Lines,
    /// Documents of BSON, of one collection in a piece.
    Bson,
}

/// A running export.
pub struct Export {
    store: Arc<Store>,
    closed: Arc<AtomicBool>,
    scope: Scope,
    form: Form,
    /// Opened only once the log was read: the call that begins an export may not block.
    begun: Option<Begun>,
    filter: Filter,
}

/// What is exported.
struct Scope {
    /// One database (empty: the default one), or all.
    database: Option<String>,
    /// The collections to export; none means all.
    only: Option<Vec<String>>,
}

impl Scope {
    fn has(&self, full: &str) -> bool {
        let (database, collection) = parts(full);
        self.database.as_deref().is_none_or(|own| own == database)
            && self.only.as_ref().is_none_or(|only| only.iter().any(|own| own == collection))
    }

    /// What a line has before its document. The default database has no name in lines, which may go to another directory.
    fn head(&self, full: &str) -> Vec<u8> {
        let mut head = b"{".to_vec();
        let (database, collection) = parts(full);
        if self.database.is_none() && !database.is_empty() {
            head.extend_from_slice(b"\"database\":");
            extended_json::write_text(database.as_bytes(), &mut head);
            head.push(b',');
        }
        head.extend_from_slice(b"\"collection\":");
        extended_json::write_text(collection.as_bytes(), &mut head);
        head.extend_from_slice(b",\"document\":");
        head
    }
}

/// The position of an export.
struct Begun {
    view: View,
    /// Collections still to be exported, the next one last.
    left: Vec<(Arc<str>, Arc<Collection>)>,
    slot: u64,
}

impl Begun {
    fn new(store: &Store, scope: &Scope) -> Begun {
        let view = store.view();
        let mut left: Vec<_> = view
            .catalogue()
            .iter()
            .filter(|(name, _)| scope.has(name))
            .map(|(name, collection)| (name.clone(), collection.clone()))
            .collect();
        left.reverse();
        Begun { view, left, slot: 0 }
    }
}

/// Whole lines or documents, and how many.
#[derive(Debug, Default)]
pub struct Piece {
    /// The lines or documents.
    pub bytes: Vec<u8>,
    /// Documents in them.
    pub documents: u32,
    /// The database (empty: the default one) and the collection of all of them, in BSON.
    pub namespace: Option<(String, String)>,
}

impl Export {
    /// Begins an export of these collections, or of all, of one database (empty: the default one) or of all; those that do not
    /// exist have no documents, and a view that is named is refused.
    pub(crate) fn new(
        store: Arc<Store>,
        closed: Arc<AtomicBool>,
        database: Option<&str>,
        only: Option<&[String]>,
        form: Form,
    ) -> Result<Export> {
        let scope = Scope { database: database.map(str::to_owned), only: only.map(<[String]>::to_vec) };
        for name in only.unwrap_or_default() {
            let full = within(database.unwrap_or_default(), name)?;
            if let Some(collection) = store.views().collection(&full) {
                collection.check_stores(&full)?;
            }
        }
        let begun = Some(Begun::new(&store, &scope));
        Ok(Export { store, closed, scope, form, begun, filter: Filter::all() })
    }

    /// The next lines; `None` at the end. Blocks while it reads from disk.
    pub fn next_piece(&mut self) -> Result<Option<Piece>> {
        if self.closed.load(Ordering::Acquire) {
            let message = format!("the database {} was closed during the export", self.store.name());
            return Err(Error::new(Kind::Closed, message));
        }
        let Export { store, scope, form, begun, filter, .. } = self;
        let begun = begun.get_or_insert_with(|| Begun::new(store, scope));
        let mut piece = Piece::default();
        while let Some((name, collection)) = begun.left.last() {
            let end = collection.slab().end();
            let head = scope.head(name);
            let mut unwritten = None;
            let visit = |Match { block, span, .. }: Match<'_>| {
                let document = RawValue::new(span.of(block), collection.shapes());
                match form {
                    Form::Lines => {
                        piece.bytes.extend_from_slice(&head);
                        extended_json::write(document, &mut piece.bytes);
                        piece.bytes.extend_from_slice(b"}\n");
                    }
                    Form::Bson => {
                        if let Err(reason) = bson::write(document, &mut piece.bytes) {
                            unwritten = Some(no_bson(name, document, &reason));
                            return ControlFlow::Break(());
                        }
                    }
                }
                piece.documents += 1;
                if piece.bytes.len() < PIECE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            };
            let (bounds, view) = ((begun.slot, end), begun.view.lsn());
            let scan = Scan {
                collection,
                bounds,
                view,
                filter,
                interrupt: &Interrupt::default(),
                keeps: false,
                own: None,
            };
            begun.slot = scan::each(store, &scan, visit)?;
            if let Some(error) = unwritten {
                return Err(error);
            }
            if *form == Form::Bson {
                let (database, collection) = parts(name);
                piece.namespace = Some((database.to_owned(), collection.to_owned()));
            }
            if begun.slot >= end {
                begun.left.pop();
                begun.slot = 0;
            }
            if piece.bytes.len() >= PIECE || (*form == Form::Bson && piece.documents > 0) {
                break;
            }
        }
        Ok((piece.documents > 0).then_some(piece))
    }
}

/// The error of a document that BSON cannot hold.
fn no_bson(name: &str, document: RawValue<'_>, reason: &str) -> Error {
    let mut id = Vec::new();
    if let Some(value) = document.get("_id") {
        extended_json::write(value, &mut id);
    }
    let (_, collection) = parts(name);
    let id = String::from_utf8_lossy(&id);
    Error::new(
        Kind::NotSupported,
        format!(
            "the document {id} of {collection} cannot be written as BSON: {reason}; exportJSONL writes it"
        ),
    )
}
