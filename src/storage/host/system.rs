//! The environment of a database: files, time, randomness. Everything else is a function of them.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::real_vfs::RealVfs;
use super::vfs::Vfs;

/// A clock.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970.
    fn now_millis(&self) -> u64;

    /// Time since some fixed moment; monotonic where the system has such a clock.
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.now_millis())
    }
}

/// A source of random bytes. All randomness of a database comes from here, so that a simulation can be repeated: salts of
/// files, ids generated in Rust, seeds of `$rand` and `$sample`.
pub trait Rng: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// All three together.
#[derive(Clone)]
pub struct Host {
    /// The file system.
    pub vfs: Arc<dyn Vfs>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub rng: Arc<dyn Rng>,
}

impl Host {
    /// The operating system's.
    pub fn system() -> Host {
        Host { vfs: Arc::new(RealVfs), clock: Arc::new(SystemClock), rng: Arc::new(SystemRng) }
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn now_millis(&self) -> u64 {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    }

    fn elapsed(&self) -> Duration {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGAN.elapsed()
    }
}

struct SystemRng;

impl Rng for SystemRng {
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system gives random bytes");
    }
}
