//! The real slots and holds, compiled here in the folders that they name each other by.

pub use scenarios::ALL;

mod format;
mod scenarios;
mod state;
