//! The real slots and holds, compiled here under the module paths that they use.

pub use scenarios::ALL;

mod exec;
mod format;
mod scenarios;
mod state;
