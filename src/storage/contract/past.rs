//! What a backend gives of an earlier state of the database.

use std::sync::Arc;

use super::backend::{Block, BlockPlace, Depth, Loader, Lsn};
use crate::error::Result;

/// Which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// After this commit.
    Lsn(Lsn),
    /// After the newest commit that is not later than this, in milliseconds since 1970.
    Time(i64),
}

/// How far back states reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastReach {
    /// The oldest state is the one after this commit.
    pub from: Lsn,
    /// The time of that commit, or a little later, in milliseconds since 1970; `None`: there was none before, or it is not known.
    pub time: Option<i64>,
}

/// The files of one earlier state. They are held open: what happens to the database meanwhile takes nothing from them.
pub trait PastFiles: Send + Sync {
    /// Passes the state to a loader: a snapshot, if there is one, and the commits after it.
    fn load(&self, loader: &mut dyn Loader) -> Result<()>;

    /// Reads a block that was passed to the loader and verifies it; `None` where it lies deeper.
    fn read_from(&self, place: BlockPlace, depth: Depth) -> Result<Option<Arc<Block>>>;
}
