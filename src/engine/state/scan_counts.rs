//! How often costly scans of a collection read a path, for the indexes that are suggested or made automatically.

use parking_lot::Mutex;

use crate::document::Path;

/// Costly scans after which a path is suggested.
const ENOUGH: u32 = 3;
/// Paths that are counted of one collection.
const PATHS: usize = 64;
/// Automatic indexes of one collection, at most.
const AUTOMATIC: usize = 8;

/// What costly scans asked for.
#[derive(Default)]
pub struct ScanCounts {
    paths: Mutex<Vec<(Path, u32)>>,
    /// Automatic indexes that were made, or tried.
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

    /// Paths that were asked for often enough, and how often, the most frequent first.
    pub(crate) fn wanted(&self) -> Vec<(Path, u32)> {
        let mut wanted: Vec<_> =
            self.paths.lock().iter().filter(|(_, count)| *count >= ENOUGH).cloned().collect();
        wanted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        wanted
    }

    /// Which of these paths an automatic index is made on next, each once.
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
