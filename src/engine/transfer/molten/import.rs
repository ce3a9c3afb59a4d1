//! Imports a database of MoltenDB. Its files are read twice: for the transactions that were committed, and for the key that
//! opens encrypted entries; then for the documents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::cipher::{self, Cipher, Secret};
use super::document::stored;
use super::entry::{self, Command, Entry};
use super::msgpack;
use super::pending::{Pending, Refusal, incoming};
use super::rejects::{Rejected, Rejects};
use super::schema;
use super::source::{Piece, Place, Source, Written};
use super::transactions::{Replay, Transactions};
use crate::document::Value;
use crate::engine::exec::interrupt::{Interrupt, Limits};
use crate::engine::operation::request::Operation;
use crate::engine::session::Session;
use crate::error::{Error, Kind, Result};
use crate::query::date;
use crate::storage::Host;

/// Encrypted entries that may fail to open before the password counts as wrong; a few may be damaged.
const TRIED: u32 = 16;

/// How many notes a result has.
const NOTED: usize = 1_000;

/// How to import.
#[derive(Clone, Default)]
pub struct MoltenOptions {
    /// What opens encrypted entries.
    pub secret: Option<Secret>,
    /// The path as the caller wrote it, from which a key may have been derived.
    pub given: String,
    /// Where what cannot be imported is kept.
    pub rejects: Option<PathBuf>,
}

/// What was imported.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MoltenImported {
    /// The release whose files these are: 0.6 or 1.0.
    pub format: &'static str,
    /// Collections of the new database.
    pub collections: u64,
    /// Documents in them.
    pub documents: u64,
    /// Entries that were read.
    pub lines: u64,
    /// Indexes that were made.
    pub indexes: u64,
    /// Entries that were not imported.
    pub rejected_lines: u64,
    /// The first of them.
    pub rejected: Vec<Rejected>,
    /// What else is not as it was.
    pub notes: Vec<String>,
}

/// A database that was read once.
pub(crate) struct Opened {
    source: Source,
    options: MoltenOptions,
    cipher: Option<Cipher>,
    replay: Replay,
}

impl Opened {
    /// Reads it for the first time. Nothing is written.
    pub(crate) fn read(
        host: &Host,
        log: &Path,
        options: MoltenOptions,
        interrupt: &Interrupt,
    ) -> Result<Opened> {
        let mut source = Source::open(host, log)?;
        interrupt.expect(2 * source.bytes());
        let mut keys = Keys { options: &options, log, cipher: None, tried: 0 };
        let mut transactions = Transactions::default();
        source.each(interrupt, |_, _, piece| {
            interrupt.check(|| host.clock.now_millis() as i64)?;
            let Piece::Bytes(bytes, written) = piece else { return Ok(()) };
            match keys.open(bytes, written)? {
                Ok(Entry { command: Command::Begin, key, .. }) => transactions.begin(&key),
                Ok(Entry { command: Command::Commit, key, .. }) => transactions.commit(&key),
                _ => {}
            }
            Ok(())
        })?;
        if keys.cipher.is_none() && keys.tried > 0 {
            return Err(keys.wrong());
        }
        let cipher = keys.cipher;
        Ok(Opened { source, options, cipher, replay: transactions.finish() })
    }

    /// Reads it again and writes what it holds; does not count what is there then.
    pub(crate) fn write(
        self,
        host: &Host,
        session: Arc<Session>,
        limits: &Limits,
        interrupt: &Interrupt,
    ) -> Result<MoltenImported> {
        let Opened { mut source, options, cipher, replay } = self;
        let rejects = Rejects::new(host, options.rejects.as_deref())?;
        let mut import = Import {
            cipher,
            replay,
            rejects,
            pending: Pending::new(session, limits.clone()),
            lines: 0,
            indexes: BTreeMap::new(),
            schemas: BTreeMap::new(),
            expiries: BTreeMap::new(),
            notes: Vec::new(),
        };
        let read = source.each(interrupt, |source, place, piece| {
            interrupt.check(|| host.clock.now_millis() as i64)?;
            import.take(source, place, piece)
        });
        let done = read.and_then(|()| import.finish(&source));
        match done {
            Ok(indexes) => Ok(MoltenImported {
                format: if source.written() == Written::Json { "0.6" } else { "1.0" },
                lines: import.lines,
                indexes,
                rejected_lines: import.rejects.count,
                rejected: import.rejects.listed,
                notes: import.notes,
                ..MoltenImported::default()
            }),
            Err(error) => {
                import.rejects.give_up(host);
                Err(error)
            }
        }
    }
}

fn decode(bytes: &[u8], written: Written) -> Result<Entry, String> {
    match written {
        Written::Json => entry::of_json(bytes),
        Written::MessagePack => msgpack::of_msgpack(bytes),
    }
}

/// The text that an encrypted entry holds.
fn sealed(entry: &Entry) -> &str {
    match &entry.value {
        Value::String(text) => text,
        _ => "",
    }
}

/// Looks for the key.
struct Keys<'a> {
    options: &'a MoltenOptions,
    log: &'a Path,
    cipher: Option<Cipher>,
    tried: u32,
}

impl Keys<'_> {
    fn open(&mut self, bytes: &[u8], written: Written) -> Result<Result<Entry, String>> {
        let entry = match decode(bytes, written) {
            Ok(entry) if entry.command == Command::Sealed => entry,
            other => return Ok(other),
        };
        let Some(secret) = &self.options.secret else {
            let message = "it is encrypted; give its password, or the key of 32 bytes, as option password";
            return Err(Error::new(Kind::KeyRequired, message));
        };
        if self.cipher.is_none() {
            let path = self.log.to_string_lossy();
            self.cipher = cipher::find(secret, &[&self.options.given, &path], sealed(&entry))?;
            if self.cipher.is_none() {
                self.tried += 1;
                return if self.tried >= TRIED { Err(self.wrong()) } else { Ok(Err(String::new())) };
            }
        }
        Ok(unsealed(self.cipher.as_ref(), &entry, written))
    }

    fn wrong(&self) -> Error {
        let message = "the password opens none of its encrypted entries; if the key was derived with a salt of its own, give that as option salt";
        Error::new(Kind::WrongKey, message)
    }
}

fn unsealed(cipher: Option<&Cipher>, entry: &Entry, written: Written) -> Result<Entry, String> {
    let bytes = cipher.and_then(|cipher| cipher.open(sealed(entry)));
    let bytes = bytes.ok_or("it does not decrypt: it is damaged, or encrypted with another key")?;
    match decode(&bytes, written) {
        Ok(Entry { command: Command::Sealed, .. }) => Err("it is encrypted twice".to_owned()),
        other => other,
    }
}

/// The second reading.
struct Import {
    cipher: Option<Cipher>,
    replay: Replay,
    rejects: Rejects,
    pending: Pending,
    lines: u64,
    indexes: BTreeMap<String, BTreeSet<String>>,
    schemas: BTreeMap<String, Value>,
    expiries: BTreeMap<String, i64>,
    notes: Vec<String>,
}

impl Import {
    fn take(&mut self, source: &Source, place: &Place, piece: Piece<'_>) -> Result<()> {
        self.lines += 1;
        let (bytes, written) = match piece {
            Piece::Bytes(bytes, written) => (bytes, written),
            Piece::Fault(reason) => return self.rejects.add(source, place, None, reason),
        };
        let entry = decode(bytes, written).and_then(|entry| match entry.command {
            Command::Sealed => unsealed(self.cipher.as_ref(), &entry, written),
            _ => Ok(entry),
        });
        let refused = match entry {
            Ok(entry) => self.apply(source, place, entry, written)?,
            Err(reason) if source.is_at_end(place) => {
                Err(format!("it is cut off at the end of the file: {reason}"))
            }
            Err(reason) => Err(reason),
        };
        match refused {
            Ok(()) => Ok(()),
            Err(reason) => self.rejects.add(source, place, Some(bytes), reason),
        }
    }

    /// Does what an entry says; the inner result tells why it is not imported.
    fn apply(
        &mut self,
        source: &Source,
        place: &Place,
        entry: Entry,
        written: Written,
    ) -> Result<Result<(), String>> {
        let Entry { command, collection, key, value } = entry;
        match command {
            Command::Begin => {
                self.replay.begin(&key);
                return Ok(Ok(()));
            }
            Command::Commit if self.replay.commit(&key) => return Ok(Ok(())),
            Command::Commit => return Ok(Err("it commits a transaction that has not begun".to_owned())),
            _ if !self.replay.counts() => {
                return Ok(Err("its transaction was never committed".to_owned()));
            }
            _ => {}
        }
        let refusals = match command {
            Command::Insert => match stored(&collection, &key, value, written) {
                Ok(document) => self.pending.write(collection, key, Some(&document), *place)?,
                Err(reason) => return Ok(Err(reason)),
            },
            Command::Delete => self.pending.write(collection, key, None, *place)?,
            Command::Drop => {
                self.indexes.remove(&collection);
                self.expiries.remove(&collection);
                self.pending.drop_collection(&collection)?;
                Vec::new()
            }
            Command::Index => {
                self.indexes.entry(collection).or_default().insert(key);
                Vec::new()
            }
            Command::Schema => {
                self.schemas.insert(collection, value);
                Vec::new()
            }
            Command::Expiry => match key.parse() {
                Ok(time) => {
                    self.expiries.insert(collection, time);
                    Vec::new()
                }
                Err(_) => return Ok(Err("its time is no number".to_owned())),
            },
            Command::Begin | Command::Commit | Command::Sealed => Vec::new(),
        };
        self.refused(source, refusals).map(Ok)
    }

    fn refused(&mut self, source: &Source, refusals: Vec<Refusal>) -> Result<()> {
        for (place, error) in refusals {
            self.rejects.add(source, &place, None, error.message().to_owned())?;
        }
        Ok(())
    }

    /// Writes what is left, then indexes and validators; returns how many indexes there are.
    fn finish(&mut self, source: &Source) -> Result<u64> {
        let refusals = self.pending.flush()?;
        self.refused(source, refusals)?;
        let mut made = 0;
        for (collection, fields) in std::mem::take(&mut self.indexes) {
            for field in fields {
                let key = Value::Array(vec![Value::String(field.clone()), Value::Int(1)]);
                let spec = Value::Object(vec![("key".to_owned(), Value::Array(vec![key]))]);
                let operation = Operation::CreateIndexes { specs: vec![incoming(&spec)] };
                match self.pending.call(&collection, operation) {
                    Ok(_) => made += 1,
                    Err(error) => {
                        self.left_out(&format!("the index on {field:?} of {collection:?}"), error)?
                    }
                }
            }
        }
        for (collection, schema) in std::mem::take(&mut self.schemas) {
            let what = format!("the schema of {collection:?}");
            match schema::validator(&schema) {
                Ok(validator) => {
                    let changes = Value::Object(vec![("validator".to_owned(), validator)]);
                    let created = self.pending.call(&collection, Operation::Create { options: None });
                    let changed = created.and_then(|_| {
                        self.pending.call(&collection, Operation::CollMod { changes: incoming(&changes) })
                    });
                    if let Err(error) = changed {
                        self.left_out(&what, error)?;
                    }
                }
                Err(reason) => self.note(format!("{what} is left out: {reason}")),
            }
        }
        for (collection, time) in std::mem::take(&mut self.expiries) {
            let time = date::text_of(time);
            self.note(format!("MoltenDB would drop {collection:?} at {time}; here its documents stay"));
        }
        if source.covered() > 0 {
            let count = source.covered();
            self.note(format!(
                "the first {count} entries of the log are left out, as the snapshot says that it has them"
            ));
        }
        self.rejects.finish()?;
        Ok(made)
    }

    fn note(&mut self, note: String) {
        match self.notes.len() {
            ..NOTED => self.notes.push(note),
            NOTED => self.notes.push("there is more".to_owned()),
            _ => {}
        }
    }

    /// Notes what could not be made of an index or a schema; other errors end the import.
    fn left_out(&mut self, what: &str, error: Error) -> Result<()> {
        match error.kind() {
            Kind::BadQuery | Kind::BadDocument | Kind::NotSupported | Kind::Limit | Kind::SchemaViolation => {
                self.note(format!("{what} is left out: {}", error.message()));
                Ok(())
            }
            _ => Err(error),
        }
    }
}
