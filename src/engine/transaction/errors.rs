//! Why a transaction, or an operation in it, is refused. Those that a new attempt may not meet are transient: JavaScript labels
//! them, and the functions that run a transaction again look for the label.

use crate::engine::state::namespace::Shown;
use crate::error::{Error, Kind, codes};

/// Another writer has changed since the snapshot what the transaction would write.
pub(crate) fn conflict(name: &str) -> Error {
    let name = Shown(name);
    let message = format!(
        "Write conflict: another writer has changed in '{name}' since the transaction began what it would write; run the transaction again"
    );
    Error::new(Kind::Conflict, message).transient()
}

/// Another writer has changed since the snapshot what the transaction has read.
pub(crate) fn read_conflict(name: &str) -> Error {
    let name = Shown(name);
    let message = format!(
        "Write conflict: another writer has changed in '{name}' since the transaction began what it has read; run the transaction again"
    );
    Error::new(Kind::Conflict, message).transient()
}

/// The transaction ended because of a failed write.
pub(crate) fn failed() -> Error {
    let message =
        "the transaction has ended, because a write in it failed; abort it, or roll it back to a savepoint";
    Error::new(Kind::Closed, message).with_code(codes::NO_SUCH_TRANSACTION)
}

/// There is no such transaction, or no more.
pub(crate) fn unknown() -> Error {
    let message = "the transaction has ended; begin another";
    Error::new(Kind::Closed, message).with_code(codes::NO_SUCH_TRANSACTION)
}

/// The transaction was ended by a time limit.
pub(crate) fn expired(why: &str) -> Error {
    let message = format!("the transaction was aborted, because it {why}; run it again");
    Error::new(Kind::Closed, message).with_code(codes::NO_SUCH_TRANSACTION).transient()
}

/// The operation cannot be part of a transaction.
pub(crate) fn refused(what: &str) -> Error {
    let message = format!("{what} in a transaction; do it before or after");
    Error::new(Kind::NotSupported, message).with_code(codes::OPERATION_NOT_SUPPORTED_IN_TRANSACTION)
}

/// Documents of a capped collection cannot be written.
pub(crate) fn capped(name: &str) -> Error {
    let message = format!(
        "Collection '{}' is a capped collection. Writes in transactions are not allowed on capped collections.",
        Shown(name)
    );
    Error::new(Kind::NotSupported, message).with_code(codes::OPERATION_NOT_SUPPORTED_IN_TRANSACTION)
}

/// What the transaction, or all of them, hold is too much.
pub(crate) fn too_large(what: &str, mebibytes: u64) -> Error {
    let message =
        format!("{what} more than {mebibytes} MiB of writes that are not committed; commit smaller parts");
    Error::new(Kind::Limit, message).with_code(codes::TRANSACTION_TOO_LARGE)
}
