//! How often costly scans of a collection read a path, for indexes that are suggested or created automatically.

use crate::document::Path;
use crate::engine::exec::locks::Mutex;

/// Costly scans after which a path is suggested.
const ENOUGH: u32 = 3;
/// The maximum number of paths that are counted in one collection.
const PATHS: usize = 64;
/// The maximum number of automatic indexes of one collection.
const AUTOMATIC: usize = 8;

/// The paths that costly scans read.
#[derive(Default)]
pub(crate) struct ScanCounts {
    paths: Mutex<Vec<(Path, u32)>>,
    /// Automatic indexes that were created, or tried.
    made: Mutex<Vec<Path>>,
}

impl ScanCounts {
    /// Counts a path.
    pub(crate) fn count(&self, path: &Path) {
        let mut paths = self.paths.lock();
        if let Some((_, count)) = paths.iter_mut().find(|(known, _)| known == path) {
            *count = count.saturating_add(1);
        } else if paths.len() < PATHS {
            paths.push((path.clone(), 1));
        }
    }

    /// Paths that were read often enough, and how often, the most frequent first.
    pub(crate) fn wanted(&self) -> Vec<(Path, u32)> {
        let mut wanted: Vec<_> =
            self.paths.lock().iter().filter(|(_, count)| *count >= ENOUGH).cloned().collect();
        wanted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        wanted
    }

    /// The path on which an automatic index is created next; each path at most once.
    pub(crate) fn take(&self, candidates: Vec<(Path, u32)>) -> Option<Path> {
        let mut made = self.made.lock();
        if made.len() >= AUTOMATIC {
            return None;
        }
        let (next, _) = candidates.into_iter().find(|(path, _)| !made.contains(path))?;
        made.push(next.clone());
        Some(next)
    }
}
