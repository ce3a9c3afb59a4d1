//! The public error type: a stable kind, and a message that names what failed and the next step.
//!
//! Kinds never change within a major version; messages may. An error is cheap to clone, because a poisoned log rejects every
//! waiting write with the same error.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

// The path is explicit, so that tests/loom can compile this file in place.
#[path = "error/codes/mod.rs"]
pub mod codes;

use codes::Code;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an error: a stable name that reaches JavaScript as `MoltenError.kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A unique index, or the index on `_id`, already holds this value.
    DuplicateKey,
    /// The document changed since the version that the caller named.
    Conflict,
    /// A filter, sort or projection is malformed.
    BadQuery,
    /// An update is malformed or cannot be applied.
    BadUpdate,
    /// A document holds a value that cannot be stored.
    BadDocument,
    /// A document violates the collection's validator.
    SchemaViolation,
    /// The feature is not supported.
    NotSupported,
    /// The database, cursor or transaction is closed.
    Closed,
    /// Another process holds the database.
    Locked,
    /// The database was opened read-only.
    ReadOnly,
    /// Stored bytes are damaged.
    Corrupt,
    /// The end of the newest segment is damaged, and a power cut does not explain the damage.
    CorruptTail,
    /// The encryption key does not open this database.
    WrongKey,
    /// The database is encrypted, and no key was given.
    KeyRequired,
    /// A key was given for a database that is not encrypted.
    NotEncrypted,
    /// Encrypted bytes were changed by someone who could compute a checksum.
    Tampered,
    /// A write or fsync failed earlier; the database must be reopened.
    StoragePoisoned,
    /// There is no space for the write; nothing was written.
    StorageFull,
    /// The operating system refused a file operation.
    Io,
    /// The files were written by a newer format.
    Version,
    /// The log is no longer kept as far back as a reader asks.
    HistoryLost,
    /// The caller's signal aborted the operation.
    Aborted,
    /// The operation or cursor ran out of time.
    Timeout,
    /// The operation would exceed a limit of this database.
    Limit,
    /// An argument has the wrong type; a TypeError in JavaScript.
    Argument,
    /// A defect in this package.
    Internal,
}

impl Kind {
    #[cfg(test)]
    const ALL: [Kind; 26] = [
        Kind::DuplicateKey,
        Kind::Conflict,
        Kind::BadQuery,
        Kind::BadUpdate,
        Kind::BadDocument,
        Kind::SchemaViolation,
        Kind::NotSupported,
        Kind::Closed,
        Kind::Locked,
        Kind::ReadOnly,
        Kind::Corrupt,
        Kind::CorruptTail,
        Kind::WrongKey,
        Kind::KeyRequired,
        Kind::NotEncrypted,
        Kind::Tampered,
        Kind::StoragePoisoned,
        Kind::StorageFull,
        Kind::Io,
        Kind::Version,
        Kind::HistoryLost,
        Kind::Aborted,
        Kind::Timeout,
        Kind::Limit,
        Kind::Argument,
        Kind::Internal,
    ];

    /// MongoDB's error code for the kind, used where an error carries no code of its own. Kinds that only an embedded
    /// database has carry none.
    pub const fn code(self) -> Option<Code> {
        Some(match self {
            Kind::DuplicateKey => codes::DUPLICATE_KEY,
            Kind::Conflict => codes::WRITE_CONFLICT,
            Kind::BadQuery | Kind::BadUpdate | Kind::BadDocument => codes::BAD_VALUE,
            Kind::SchemaViolation => codes::DOCUMENT_VALIDATION_FAILURE,
            Kind::NotSupported => codes::NOT_IMPLEMENTED,
            Kind::StorageFull => codes::OUT_OF_DISK_SPACE,
            Kind::HistoryLost => codes::CHANGE_STREAM_HISTORY_LOST,
            Kind::Aborted => codes::INTERRUPTED,
            Kind::Timeout => codes::MAX_TIME_MS_EXPIRED,
            _ => return None,
        })
    }

    /// The stable string, for example `DUPLICATE_KEY`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::DuplicateKey => "DUPLICATE_KEY",
            Kind::Conflict => "CONFLICT",
            Kind::BadQuery => "BAD_QUERY",
            Kind::BadUpdate => "BAD_UPDATE",
            Kind::BadDocument => "BAD_DOCUMENT",
            Kind::SchemaViolation => "SCHEMA_VIOLATION",
            Kind::NotSupported => "NOT_SUPPORTED",
            Kind::Closed => "CLOSED",
            Kind::Locked => "LOCKED",
            Kind::ReadOnly => "READ_ONLY",
            Kind::Corrupt => "CORRUPT",
            Kind::CorruptTail => "CORRUPT_TAIL",
            Kind::WrongKey => "WRONG_KEY",
            Kind::KeyRequired => "KEY_REQUIRED",
            Kind::NotEncrypted => "NOT_ENCRYPTED",
            Kind::Tampered => "TAMPERED",
            Kind::StoragePoisoned => "STORAGE_POISONED",
            Kind::StorageFull => "STORAGE_FULL",
            Kind::Io => "IO",
            Kind::Version => "VERSION",
            Kind::HistoryLost => "HISTORY_LOST",
            Kind::Aborted => "ABORTED",
            Kind::Timeout => "TIMEOUT",
            Kind::Limit => "LIMIT",
            Kind::Argument => "ARGUMENT",
            Kind::Internal => "INTERNAL",
        }
    }
}

/// Details that some kinds carry besides the message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// The dotted path inside a document or query that caused the error.
    pub path: Option<String>,
    /// The damaged or refused file.
    pub file: Option<PathBuf>,
    /// Byte offset in that file.
    pub offset: Option<u64>,
    /// The process that holds the lock.
    pub pid: Option<u32>,
    /// `LOCKED` within the process: with what the database is open that the new opening contradicts, a storage mode or
    /// `readOnly`.
    pub open_with: Option<&'static str>,
    /// `DUPLICATE_KEY`: the name of the index.
    pub index: Option<String>,
    /// `DUPLICATE_KEY`: the key pattern of the index, as one encoded document (see `document::encode`).
    pub key_pattern: Option<Vec<u8>>,
    /// `DUPLICATE_KEY`: the values that collide, as one encoded document.
    pub key_value: Option<Vec<u8>>,
    /// `SCHEMA_VIOLATION`: which document failed, and which rules it breaks, as one encoded document.
    pub info: Option<Vec<u8>>,
    /// MongoDB's error code, where it differs from the kind's (see `Kind::code`).
    pub code: Option<Code>,
    /// Whether the transaction that met it may succeed when it is run again: the label `TransientTransactionError`.
    pub transient: bool,
}

/// The error type of every fallible function of this crate.
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

struct Inner {
    kind: Kind,
    message: String,
    details: Details,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind with this message.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self::build(kind, message.into(), Details::default(), None)
    }

    /// Adds details to the error.
    #[must_use]
    pub fn with_details(self, details: Details) -> Self {
        match Arc::try_unwrap(self.inner) {
            Ok(inner) => Self::build(inner.kind, inner.message, details, inner.source),
            Err(shared) => Self::build(shared.kind, shared.message.clone(), details, None),
        }
    }

    /// Adds MongoDB's error code to the error.
    #[must_use]
    pub fn with_code(self, code: Code) -> Self {
        let details = Details { code: Some(code), ..self.details().clone() };
        self.with_details(details)
    }

    /// Marks an error of a transaction that may succeed when it is run again.
    #[must_use]
    pub fn transient(self) -> Self {
        let details = Details { transient: true, ..self.details().clone() };
        self.with_details(details)
    }

    /// An I/O error on this path. A full disk becomes `STORAGE_FULL`; a refused permission stays `IO`.
    pub fn io(what: &str, path: &std::path::Path, source: std::io::Error) -> Self {
        let kind = match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Kind::StorageFull,
            _ => Kind::Io,
        };
        let message = format!("cannot {what} {}: {source}", path.display());
        let details = Details { file: Some(path.to_path_buf()), ..Details::default() };
        Self::build(kind, message, details, Some(Box::new(source)))
    }

    /// Damage found in this file at this offset.
    pub fn corrupt(path: &std::path::Path, offset: u64, what: impl fmt::Display) -> Self {
        let message = format!(
            "{} is damaged at offset {offset}: {what}; restore it from a backup or move the directory aside",
            path.display()
        );
        let details = Details { file: Some(path.to_path_buf()), offset: Some(offset), ..Details::default() };
        Self::build(Kind::Corrupt, message, details, None)
    }

    /// Bytes in this file at this offset whose checksum holds and that were not written with the key of the database.
    pub fn tampered(path: &std::path::Path, offset: u64, what: impl fmt::Display) -> Self {
        let message = format!(
            "{} was changed at offset {offset} without the key of the database: {what}; do not trust this directory, and restore \
             it from a backup",
            path.display()
        );
        let details = Details { file: Some(path.to_path_buf()), offset: Some(offset), ..Details::default() };
        Self::build(Kind::Tampered, message, details, None)
    }

    /// Whether it tells of bytes in a file that are not those that were written.
    pub fn is_damage(&self) -> bool {
        matches!(self.inner.kind, Kind::Corrupt | Kind::Tampered)
    }

    fn build(
        kind: Kind,
        message: String,
        details: Details,
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Error { inner: Arc::new(Inner { kind, message, details, source }) }
    }

    /// The stable kind.
    pub fn kind(&self) -> Kind {
        self.inner.kind
    }

    /// MongoDB's error code: the error's own, or that of its kind.
    pub fn code(&self) -> Option<Code> {
        self.inner.details.code.or_else(|| self.inner.kind.code())
    }

    /// The message alone, without the kind.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// The details: path, file, offset, pid or key, where the kind has them.
    pub fn details(&self) -> &Details {
        &self.inner.details
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.inner.kind.as_str(), self.inner.message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
