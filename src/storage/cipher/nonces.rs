//! Random nonces. They are drawn from the system a few at a time: a call to the system for each would take longer than sealing a
//! small unit.
//!
//! Nothing counts: a counter would repeat in a copy of the files that is written on, and a file does not say how far a torn tail
//! had counted. 192 random bits repeat with a probability of 2^-32 after 2^80 units.

use parking_lot::Mutex;

/// Bytes of a nonce.
pub(super) const NONCE: usize = 24;
/// Nonces that are drawn at once: few, so that a copy of a running machine has few of the same.
const DRAWN: usize = 16;

/// Fills a buffer with random bytes.
pub type Random = Box<dyn Fn(&mut [u8]) + Send + Sync>;

/// A source of nonces.
pub(super) struct Nonces {
    random: Random,
    drawn: Mutex<Drawn>,
}

struct Drawn {
    bytes: [[u8; NONCE]; DRAWN],
    left: usize,
}

impl Nonces {
    pub(super) fn new(random: Random) -> Nonces {
        Nonces { random, drawn: Mutex::new(Drawn { bytes: [[0; NONCE]; DRAWN], left: 0 }) }
    }

    /// One that no other unit has.
    pub(super) fn next(&self) -> [u8; NONCE] {
        let mut drawn = self.drawn.lock();
        if drawn.left == 0 {
            (self.random)(drawn.bytes.as_flattened_mut());
            drawn.left = DRAWN;
        }
        drawn.left -= 1;
        let at = drawn.left;
        drawn.bytes.get(at).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::storage::host::system::Host;

    #[test]
    fn a_million_nonces_of_openings_one_after_the_other_and_of_several_threads_are_all_different() {
        let host = Host::system();
        let all = Mutex::new(HashSet::new());
        for _ in 0..25 {
            let nonces = Nonces::new(host.random());
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        let own: Vec<_> = (0..10_000).map(|_| nonces.next()).collect();
                        all.lock().extend(own);
                    });
                }
            });
        }
        assert_eq!(all.into_inner().len(), 1_000_000);
    }
}
