//! Errors of queries and updates, with the path that is at fault.

use crate::error::{Details, Error, Kind};

/// A filter, sort or projection that is not well formed.
pub(super) fn bad_query(path: &str, message: impl Into<String>) -> Error {
    refuse(Kind::BadQuery, path, message)
}

/// An update that is not well formed or cannot apply.
pub(super) fn bad_update(path: &str, message: impl Into<String>) -> Error {
    refuse(Kind::BadUpdate, path, message)
}

/// A feature of MongoDB that is not supported.
pub(super) fn not_supported(path: &str, message: impl Into<String>) -> Error {
    refuse(Kind::NotSupported, path, message)
}

pub(super) fn refuse(kind: Kind, path: &str, message: impl Into<String>) -> Error {
    let path = if path.is_empty() { None } else { Some(path.to_owned()) };
    Error::new(kind, message).with_details(Details { path, ..Details::default() })
}
