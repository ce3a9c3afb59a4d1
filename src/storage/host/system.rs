//! The environment of a database: files, time, randomness. Everything else is a function of them.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::real_vfs::RealVfs;
use super::vfs::Vfs;
use crate::storage::cipher::cipher::{Cipher, Random};

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

/// All three together, and the keys of the database that is opened with them.
#[derive(Clone)]
pub struct Host {
    /// The file system.
    pub vfs: Arc<dyn Vfs>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub rng: Arc<dyn Rng>,
    /// The keys of the database; none where it is not encrypted, or is not open yet.
    pub cipher: Cipher,
}

impl Host {
    /// The operating system's.
    pub fn system() -> Host {
        Host::new(Arc::new(RealVfs), Arc::new(SystemClock), Arc::new(SystemRng))
    }

    /// All three, without keys.
    pub fn new(vfs: Arc<dyn Vfs>, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Host {
        Host { vfs, clock, rng, cipher: Cipher::PLAIN }
    }

    /// The same with these keys.
    #[must_use]
    pub fn with(&self, cipher: Cipher) -> Host {
        Host { cipher, ..self.clone() }
    }

    /// The source of randomness, to be kept.
    pub(crate) fn random(&self) -> Random {
        let rng = self.rng.clone();
        Box::new(move |bytes| rng.fill(bytes))
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
