//! What is said of each file of a database.

use serde::Serialize;

use crate::error::Error;

/// The first damage of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Its offset in the file.
    pub offset: u64,
    /// The commit at that place, or expected there; `None` where no commit is affected.
    pub lsn: Option<u64>,
    /// What is wrong.
    pub message: String,
}

/// The content of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileReport {
    /// Its file name.
    pub file: String,
    /// `manifest`, `snapshot`, `segment` or `checkpoint`.
    pub kind: &'static str,
    /// Its length.
    pub bytes: u64,
    /// Commits whose checksums hold.
    pub frames: u64,
    /// Blocks in them.
    pub blocks: u64,
    /// Bytes at its end that a kill or a power cut left unfinished. Opening the database cuts them off; they hold no
    /// acknowledged write.
    pub torn_bytes: u64,
    /// Its first damage.
    pub first_damage: Option<Damage>,
}

pub(crate) fn blank(file: String, kind: &'static str) -> FileReport {
    FileReport { file, kind, bytes: 0, frames: 0, blocks: 0, torn_bytes: 0, first_damage: None }
}

pub(crate) fn damage(offset: u64, lsn: Option<u64>, message: &str) -> Damage {
    Damage { offset, lsn, message: message.to_owned() }
}

pub(crate) fn damage_of(error: &Error, lsn: Option<u64>) -> Damage {
    damage(error.details().offset.unwrap_or(0), lsn, error.message())
}
