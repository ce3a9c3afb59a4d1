//! Verify, export and import. `docs/boundary.md` is the contract.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{AsyncBlock, Buffer, ClassInstance, Either, Uint8Array};
use napi_derive::napi;
use parking_lot::Mutex;

use super::failure::guarded;
use super::native::{NativeDatabase, NativeProgress, json, located, promise, shared};
use super::options;
use crate::engine::recovery::verify::verify_within;
use crate::engine::transfer::import::IfExists;
use crate::engine::{
    Export, Form, Import, ImportOptions, Input, Interrupt, MoltenOptions, Secret, import_molten,
};
use crate::error::{Error, Kind, Result};
use crate::storage::Host;

/// Whole lines or documents of an export.
#[napi(object)]
pub struct ExportedLines {
    /// The lines, UTF-8, or documents of BSON.
    pub lines: Buffer,
    /// Documents in them.
    pub documents: u32,
    /// Their database (empty: the default one), in BSON.
    pub database: Option<String>,
    /// Their collection, in BSON.
    pub collection: Option<String>,
}

/// A running export; it pins the state that it reads until it is finished.
#[napi]
pub struct NativeExport {
    export: Arc<Mutex<Option<Export>>>,
}

#[napi]
impl NativeExport {
    /// Resolves with the next lines, with null at the end.
    #[napi]
    pub fn next(&self, env: &Env) -> napi::Result<AsyncBlock<Option<ExportedLines>>> {
        let export = Arc::clone(&self.export);
        promise(env, move || {
            let mut export = export.lock();
            let Some(running) = &mut *export else { return Ok(None) };
            let piece = running.next_piece()?;
            if piece.is_none() {
                *export = None;
            }
            Ok(piece.map(|piece| {
                let (database, collection) = piece.namespace.unzip();
                ExportedLines { lines: piece.bytes.into(), documents: piece.documents, database, collection }
            }))
        })
    }

    /// Resolves when the export has released its view.
    #[napi]
    pub fn finish(&self, env: &Env) -> napi::Result<AsyncBlock<()>> {
        let export = Arc::clone(&self.export);
        promise(env, move || {
            drop(export.lock().take());
            Ok(())
        })
    }
}

/// What an import of a file needs beside its collection.
#[napi(object)]
#[derive(Default)]
pub struct ImportDetails {
    /// The records are documents of BSON.
    pub bson: Option<bool>,
    /// What cannot be taken is left out and told.
    pub goes_on: Option<bool>,
    /// The field that becomes the `_id` where there is none.
    pub id_field: Option<String>,
    /// 10 bytes that the other `_id`s are made from.
    pub seed: Option<Uint8Array>,
}

/// A running import.
#[napi]
pub struct NativeImport {
    import: Arc<Import>,
}

#[napi]
impl NativeImport {
    /// Resolves with the result of importing these whole lines, or documents of BSON, as JSON.
    #[napi]
    pub fn lines(&self, env: &Env, text: Uint8Array) -> napi::Result<AsyncBlock<String>> {
        let (import, text) = (Arc::clone(&self.import), text.to_vec());
        promise(env, move || json(&import.records(&text)))
    }
}

fn secret_of(secret: Option<Either<String, Uint8Array>>, salt: Option<String>) -> Result<Option<Secret>> {
    Ok(match secret {
        None => None,
        Some(Either::A(password)) => Some(Secret::Password(password, salt)),
        Some(Either::B(key)) => {
            let key = <[u8; 32]>::try_from(&*key);
            Some(Secret::Key(key.map_err(|_| Error::new(Kind::Argument, "a key has 32 bytes"))?))
        }
    })
}

#[napi]
impl NativeDatabase {
    /// Resolves with the report of verifying the directory, as JSON.
    #[napi]
    pub fn verify(
        env: &Env,
        path: String,
        progress: Option<ClassInstance<'_, NativeProgress>>,
        key: Option<Uint8Array>,
    ) -> napi::Result<AsyncBlock<String>> {
        let key = guarded(env, || options::key(key.as_deref()))?;
        let (path, progress) = (located(path), shared(progress));
        promise(env, move || json(&verify_within(&path, key.as_ref(), &progress)?))
    }

    /// Resolves when a new database has what one of MoltenDB holds, with the result as JSON. `secret` is a password, or a key of
    /// 32 bytes.
    #[napi]
    pub fn import_molten(
        env: &Env,
        log: String,
        destination: String,
        rejects: Option<String>,
        secret: Option<Either<String, Uint8Array>>,
        salt: Option<String>,
        progress: ClassInstance<'_, NativeProgress>,
    ) -> napi::Result<AsyncBlock<String>> {
        let secret = guarded(env, || secret_of(secret, salt))?;
        let (log, destination, rejects, given) =
            (located(log.clone()), located(destination), rejects.map(located), log);
        let limits = progress.limits();
        promise(env, move || {
            let (log, destination) = (Path::new(&log), Path::new(&destination));
            let options = MoltenOptions { secret, given, rejects: rejects.map(PathBuf::from) };
            let runtime = tokio::runtime::Handle::current();
            json(&import_molten(&Host::system(), log, destination, options, runtime, &limits)?)
        })
    }

    /// Resolves when a database (empty: the default one) is written as a log of MoltenDB, with the result as JSON.
    #[napi]
    pub fn export_molten(
        &self,
        env: &Env,
        database: String,
        path: String,
        secret: Option<Either<String, Uint8Array>>,
        salt: Option<String>,
        progress: ClassInstance<'_, NativeProgress>,
    ) -> napi::Result<AsyncBlock<String>> {
        let (open, secret) = guarded(env, || Ok((self.database()?, secret_of(secret, salt)?)))?;
        let (path, limits) = (located(path), progress.limits());
        promise(env, move || {
            let interrupt = Interrupt::start(&limits, 0);
            json(&open.export_molten(&database, Path::new(&path), secret.as_ref(), &interrupt)?)
        })
    }

    /// Begins an export of these collections, or of all, as of the current state; of one database (empty: the default one), or
    /// without a name of all. As lines, or as documents of BSON.
    #[napi]
    pub fn export_lines(
        &self,
        env: &Env,
        database: Option<String>,
        collections: Option<Vec<String>>,
        bson: Option<bool>,
    ) -> napi::Result<NativeExport> {
        guarded(env, || {
            let form = if bson == Some(true) { Form::Bson } else { Form::Lines };
            let export = self.database()?.export_of(database.as_deref(), collections.as_deref(), form)?;
            Ok(NativeExport { export: Arc::new(Mutex::new(Some(export))) })
        })
    }

    /// Begins an import into a database (empty: the default one); `if_exists` is error, replace or skip. With a collection each
    /// line is one of its documents.
    #[napi]
    pub fn import_lines(
        &self,
        env: &Env,
        database: String,
        batch: u32,
        if_exists: String,
        collection: Option<String>,
        more: Option<ImportDetails>,
    ) -> napi::Result<NativeImport> {
        guarded(env, || {
            let if_exists = match if_exists.as_str() {
                "error" => IfExists::Error,
                "replace" => IfExists::Replace,
                "skip" => IfExists::Skip,
                _ => {
                    return Err(Error::new(
                        Kind::Argument,
                        "option ifExists must be 'error', 'replace' or 'skip'",
                    ));
                }
            };
            let more = more.unwrap_or_default();
            let seed = match more.seed {
                None => None,
                Some(bytes) => Some(
                    <[u8; 10]>::try_from(&*bytes)
                        .map_err(|_| Error::new(Kind::Argument, "a seed has 10 bytes"))?,
                ),
            };
            let options = ImportOptions {
                batch: batch as usize,
                if_exists,
                database,
                collection,
                input: if more.bson == Some(true) { Input::Bson } else { Input::Lines },
                goes_on: more.goes_on == Some(true),
                id_field: more.id_field,
                seed,
            };
            Ok(NativeImport { import: Arc::new(Import::new(self.database()?.session(), options)) })
        })
    }
}
