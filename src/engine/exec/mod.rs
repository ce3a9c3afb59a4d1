//! How work runs: on which threads, for how long, and how much of it waits.
//!
//! - [`interrupt`]: the limits of an operation, and when it stops
//! - [`progress`]: how far a long operation is
//! - [`nonblocking`]: work on a thread that must not block, refused where it would
//! - [`locks`]: the engine's locks, brief ones and those whose holder may block
//! - [`work_queue`]: jobs in order on a pool of threads
//! - `parallel`: one scan on several threads, its parts taken in order
//! - `prefetch`: cache lines that are loaded before they are needed
//! - `own_thread`: work that takes much memory for a time
//! - [`backpressure`]: bytes that may be queued before writers wait

pub(crate) mod backpressure;
pub(crate) mod interrupt;
pub(crate) mod locks;
pub(crate) mod nonblocking;
pub(crate) mod own_thread;
pub(crate) mod parallel;
pub(crate) mod prefetch;
pub(crate) mod progress;
pub(crate) mod work_queue;

pub use interrupt::{Interrupt, Limits};
pub use progress::Progress;
