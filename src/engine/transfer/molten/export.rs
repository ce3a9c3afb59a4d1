//! Exports a database as MoltenDB 0.6 writes its log: from one view, into a new file.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::cipher::{Cipher, Secret};
use super::document::name_there;
use super::{json, schema};
use crate::document::{RawKind, RawValue, Shapes, Value, encode_plain};
use crate::engine::exec::interrupt::Interrupt;
use crate::engine::format::key::key_of;
use crate::engine::read::fetch::Match;
use crate::engine::read::scan::{self, Scan};
use crate::engine::state::collection::Collection;
use crate::engine::state::namespace::parts;
use crate::engine::state::rules::Action;
use crate::engine::state::views::View;
use crate::engine::store::Store;
use crate::engine::transfer::extended_json::write_text;
use crate::error::{Details, Error, Kind, Result};
use crate::query::Filter;
use crate::storage::Host;
use crate::storage::vfs::{OpenMode, VfsFile, write_all_at};

/// Bytes that are written at once.
const PIECE: usize = 1 << 20;

/// What was exported.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MoltenExported {
    /// Collections with documents, an index or a schema.
    pub collections: u64,
    /// Documents.
    pub documents: u64,
    /// Indexes.
    pub indexes: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// What MoltenDB has no equal of.
    pub notes: Vec<String>,
}

/// Writes a database of the store (empty: the default one) to a new file. Leaves none when it fails.
pub(crate) fn export_molten(
    host: &Host,
    store: &Arc<Store>,
    database: &str,
    path: &Path,
    secret: Option<&Secret>,
    interrupt: &Interrupt,
) -> Result<MoltenExported> {
    for there in [path.to_path_buf(), beside(path, ".snapshot.bin")] {
        if host.vfs.entry(&there).map_err(|error| Error::io("look at", &there, error))?.is_some() {
            let message = format!("{} is there already; name a file that is not", there.display());
            let details = Details { file: Some(there), ..Details::default() };
            return Err(Error::new(Kind::Io, message).with_details(details));
        }
    }
    let cipher = secret.map(Cipher::first).transpose()?;
    let mut random = [0; 8];
    host.rng.fill(&mut random);
    let partial = beside(path, &format!(".partial-{:016x}", u64::from_le_bytes(random)));
    let file =
        host.vfs.open(&partial, OpenMode::Create).map_err(|error| Error::io("create", &partial, error))?;
    let mut export = Export {
        host,
        file,
        path: &partial,
        cipher,
        interrupt,
        time: host.clock.now_millis(),
        out: Vec::new(),
        done: MoltenExported::default(),
    };
    let written = export.database(store, database);
    let done = std::mem::take(&mut export.done);
    drop(export);
    let written = written.and_then(|()| {
        host.vfs.rename(&partial, path).map_err(|error| Error::io("rename", &partial, error))?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        host.vfs.sync_dir(parent).map_err(|error| Error::io("fsync", parent, error))
    });
    if let Err(error) = written {
        // The original error is more useful than one about the leftover.
        let _ = host.vfs.remove(&partial);
        return Err(error);
    }
    Ok(done)
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}

struct Export<'a> {
    host: &'a Host,
    file: Arc<dyn VfsFile>,
    path: &'a Path,
    cipher: Option<Cipher>,
    interrupt: &'a Interrupt,
    time: u64,
    out: Vec<u8>,
    done: MoltenExported,
}

impl Export<'_> {
    fn database(&mut self, store: &Arc<Store>, database: &str) -> Result<()> {
        let view = store.view();
        let own: Vec<_> = view.catalogue().iter().filter(|(name, _)| parts(name).0 == database).collect();
        self.interrupt.expect(own.iter().map(|(_, collection)| collection.count()).sum());
        for (name, collection) in own {
            self.collection(store, &view, parts(name).1, collection)?;
        }
        self.flush(true)?;
        self.file.sync_all().map_err(|error| Error::io("fsync", self.path, error))
    }

    fn collection(
        &mut self,
        store: &Store,
        view: &View,
        name: &str,
        collection: &Arc<Collection>,
    ) -> Result<()> {
        if !is_plain(name) {
            let note = "has another name than MoltenDB's handlers take, 1 to 64 of a-z, A-Z, 0-9, _ and -";
            self.done.notes.push(format!("the collection {name:?} {note}"));
        }
        let options = collection.options();
        if options.view().is_some() {
            let note = "is left out: it is a view, and MoltenDB has none";
            self.done.notes.push(format!("{name:?} {note}"));
            return Ok(());
        }
        if options.cap().is_some() {
            let note = "is capped: in MoltenDB nothing makes way for its new documents";
            self.done.notes.push(format!("the collection {name:?} {note}"));
        }
        let before = self.done.documents + self.done.indexes;
        let has_schema = self.schema(name, collection)?;
        // Indexes stand first: MoltenDB fills them with the documents behind them.
        self.indexes(name, collection)?;
        self.documents(store, view, name, collection)?;
        if has_schema || self.done.documents + self.done.indexes > before {
            self.done.collections += 1;
        }
        Ok(())
    }

    fn schema(&mut self, name: &str, collection: &Collection) -> Result<bool> {
        let options = collection.options();
        let Some((validator, _, action)) = options.validation() else { return Ok(false) };
        let schema = match action {
            Action::Error => schema::schema(validator.source()),
            _ => Err("MoltenDB refuses what breaks a schema, and this one does not".to_owned()),
        };
        match schema {
            Ok(schema) => {
                self.entry(name, "SCHEMA", "", |out| {
                    let mut bytes = Vec::new();
                    encode_plain(&schema, &mut bytes);
                    json::write(RawValue::new(&bytes, &Shapes::new()), out);
                })?;
                Ok(true)
            }
            Err(reason) => {
                self.done.notes.push(format!("the validator of {name:?} is left out: {reason}"));
                Ok(false)
            }
        }
    }

    fn indexes(&mut self, name: &str, collection: &Collection) -> Result<()> {
        for index in collection.indexes().iter() {
            let spec = index.spec();
            let [field] = spec.fields.as_slice() else {
                let note = "is left out: MoltenDB indexes one field each";
                self.done.notes.push(format!("the index {:?} of {name:?} {note}", spec.name));
                continue;
            };
            if spec.unique {
                let note = "refuses no duplicates in MoltenDB";
                self.done.notes.push(format!("the index {:?} of {name:?} {note}", spec.name));
            }
            if index.expire_after().is_some() {
                let note = "lets nothing expire in MoltenDB";
                self.done.notes.push(format!("the index {:?} of {name:?} {note}", spec.name));
            }
            self.entry(name, "INDEX", &field.name, |out| out.extend_from_slice(b"null"))?;
            self.done.indexes += 1;
        }
        Ok(())
    }

    fn documents(
        &mut self,
        store: &Store,
        view: &View,
        name: &str,
        collection: &Arc<Collection>,
    ) -> Result<()> {
        let (filter, end) = (Filter::all(), collection.slab().end());
        let (mut slot, mut failed) = (0, Ok(()));
        let interrupt = self.interrupt;
        // Of `_id`s that are no strings. They are looked up, and bytes written, only between two pages: those are locked.
        let mut converted = Vec::new();
        while slot < end && failed.is_ok() {
            let visit = |Match { block, span, .. }: Match<'_>| {
                let document = RawValue::new(span.of(block), collection.shapes());
                failed = self.document(name, document, &mut converted);
                if failed.is_ok() && self.out.len() < PIECE {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            };
            let scan = Scan {
                collection,
                bounds: (slot, end),
                view: view.lsn(),
                filter: &filter,
                interrupt,
                keeps: false,
                own: None,
            };
            slot = scan::each(store, &scan, visit)?;
            for key in converted.drain(..) {
                refuse_double(collection, view, name, &key)?;
            }
            self.flush(false)?;
            interrupt.check(|| store.now())?;
        }
        failed
    }

    fn document(&mut self, name: &str, document: RawValue<'_>, converted: &mut Vec<String>) -> Result<()> {
        let Some(object) = document.as_object() else { return Ok(()) };
        let Some(id) = object.get("_id") else { return Ok(()) };
        let key = match id.kind() {
            RawKind::String(text) => String::from_utf8_lossy(text).into_owned(),
            _ => key_text(id).ok_or_else(|| {
                let message = format!(
                    "the document of {name:?} with the _id {} has no key in MoltenDB, whose keys are strings; a number or an ObjectId becomes its text, give it another _id",
                    json_text(id)
                );
                Error::new(Kind::NotSupported, message)
            })?,
        };
        if !matches!(id.kind(), RawKind::String(_)) {
            converted.push(key.clone());
        }
        self.entry(name, "INSERT", &key, |out| {
            out.push(b'{');
            let start = out.len();
            for (field, value) in object.iter() {
                let Some(field) = name_there(field) else { continue };
                if out.len() > start {
                    out.push(b',');
                }
                write_text(field.as_bytes(), out);
                out.push(b':');
                json::write(value, out);
            }
            out.push(b'}');
        })?;
        self.done.documents += 1;
        self.interrupt.advance(1);
        Ok(())
    }

    /// Appends a line.
    fn entry(
        &mut self,
        collection: &str,
        command: &str,
        key: &str,
        value: impl FnOnce(&mut Vec<u8>),
    ) -> Result<()> {
        let start = self.out.len();
        line(&mut self.out, (collection, command, key), value, self.time);
        if let Some(cipher) = &self.cipher {
            let sealed = cipher.seal(self.out.get(start..).unwrap_or_default(), self.host)?;
            self.out.truncate(start);
            line(&mut self.out, ("_", "ENC", "_"), |out| write_text(sealed.as_bytes(), out), self.time);
        }
        self.out.push(b'\n');
        Ok(())
    }

    fn flush(&mut self, all: bool) -> Result<()> {
        if all || self.out.len() >= PIECE {
            let written = write_all_at(&*self.file, self.done.bytes, &self.out);
            written.map_err(|error| Error::io("write", self.path, error))?;
            self.done.bytes += self.out.len() as u64;
            self.out.clear();
        }
        Ok(())
    }
}

/// Appends an entry without a newline.
fn line(
    out: &mut Vec<u8>,
    (collection, command, key): (&str, &str, &str),
    value: impl FnOnce(&mut Vec<u8>),
    time: u64,
) {
    for (name, text) in [("{\"cmd\":", command), (",\"collection\":", collection), (",\"key\":", key)] {
        out.extend_from_slice(name.as_bytes());
        write_text(text.as_bytes(), out);
    }
    out.extend_from_slice(b",\"value\":");
    value(out);
    out.extend_from_slice(format!(",\"_t\":{time}}}").as_bytes());
}

/// The key that an `_id` which is no string becomes.
fn key_text(id: RawValue<'_>) -> Option<String> {
    match id.kind() {
        RawKind::Int(number) => Some(number.to_string()),
        RawKind::Long(number) => Some(number.to_string()),
        RawKind::Double(number) if number.is_finite() && number != 0.0 => Some(number.to_string()),
        RawKind::ObjectId(bytes) => Some(data_encoding::HEXLOWER.encode(bytes)),
        _ => None,
    }
}

fn json_text(id: RawValue<'_>) -> String {
    let mut out = Vec::new();
    json::write(id, &mut out);
    String::from_utf8_lossy(&out).chars().take(80).collect()
}

/// Refuses an `_id` whose text is the `_id` of another document.
fn refuse_double(collection: &Collection, view: &View, name: &str, key: &str) -> Result<()> {
    let mut bytes = Vec::new();
    encode_plain(&Value::String(key.to_owned()), &mut bytes);
    let text = key_of(RawValue::new(&bytes, &Shapes::new()));
    match collection.find_again(&text, || view.lsn())? {
        None => Ok(()),
        Some(_) => {
            let message = format!(
                "two documents of {name:?} would have the key {key:?} in MoltenDB: one whose _id is that text, one whose _id becomes it; give one of them another _id"
            );
            Err(Error::new(Kind::DuplicateKey, message))
        }
    }
}

/// Whether MoltenDB's handlers take the name.
fn is_plain(name: &str) -> bool {
    name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}
