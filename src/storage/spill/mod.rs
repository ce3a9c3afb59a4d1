//! Temporary files of running operations, which hold what has no room in memory. Nothing of a database depends on them: a
//! failure is one of the operation, and trips no latch.
//!
//! - `area`: creates them in the directory of the database, and removes them
//! - `named`: one, and its name; `file`: its pages

pub(crate) mod area;
mod file;
mod named;
