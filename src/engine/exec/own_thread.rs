//! Work that takes much memory for a time, on a thread that ends with it.
//!
//! The allocator keeps what a thread has freed for that thread, and learns of what others have freed of its memory when it allocates
//! again. A thread of the pool that rests after a compaction would keep tens of megabytes for ten seconds and more; one that ends
//! gives them back.

use std::panic::resume_unwind;

use super::locks::Mutex;
use crate::error::{Error, Kind, Result};

/// Runs the work on a thread of its own, or on this one where none can be started.
pub(crate) fn on_own_thread<T: Send>(name: &str, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let work = Mutex::new(Some(work));
    let run = || {
        let work = work.lock().take();
        work.map_or_else(|| Err(Error::new(Kind::Internal, "work was begun twice")), |work| work())
    };
    std::thread::scope(|scope| {
        match std::thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, run) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(_) => run(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;

    #[test]
    fn it_runs_elsewhere_and_its_result_or_panic_comes_back() {
        let here = thread::current().id();
        let (there, name) = on_own_thread("moltendb-work", || {
            Ok((thread::current().id(), thread::current().name().map(str::to_owned)))
        })
        .unwrap();
        assert_ne!(there, here);
        assert_eq!(name.as_deref(), Some("moltendb-work"));
        let failed: Result<()> = on_own_thread("moltendb-work", || Err(Error::new(Kind::Internal, "told")));
        assert_eq!(failed.unwrap_err().kind(), Kind::Internal);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            on_own_thread("moltendb-work", || -> Result<()> { panic!("a defect") })
        }));
        assert!(panicked.is_err());
    }
}
