#![allow(dead_code, reason = "the files come whole")]

/// No database of the models begins with a checkpoint.
pub mod base {
    use super::version::Version;
    use crate::error::Result;
    use crate::storage::Lsn;

    pub enum CollectionBase {}

    pub enum Base {}

    impl Base {
        pub fn keeps(&self) -> bool {
            match *self {}
        }

        pub fn lsn(&self) -> Lsn {
            match *self {}
        }

        pub fn since(&self) -> Lsn {
            match *self {}
        }

        pub fn begin_since(&self, _lsn: Lsn) {
            match *self {}
        }

        pub fn takes_back(&self) -> bool {
            match *self {}
        }

        pub fn set_takes_back(&self, _takes_back: bool) {
            match *self {}
        }
    }

    impl CollectionBase {
        pub fn end(&self) -> u64 {
            match *self {}
        }

        pub fn base(&self) -> &Base {
            match *self {}
        }

        pub fn versions(&self, _first: u64) -> Result<Vec<(usize, Version)>> {
            match *self {}
        }

        pub fn version(&self, _slot: u64) -> Result<Option<Version>> {
            match *self {}
        }
    }
}
#[path = "../../../../src/engine/state/holds.rs"]
pub mod holds;
#[path = "../../../../src/engine/state/slab/mod.rs"]
pub mod slab;
#[path = "../../../../src/engine/state/version.rs"]
pub mod version;
