//! Queues the writes of a session when their turn comes: see `order`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::order::{Class, Counters, Names, Reach, Waiting, names_of};
use super::session::Session;
use crate::engine::exec::work_queue::Job;
use crate::engine::operation::request::Task;

impl Session {
    /// A write for the queue of those that name their documents.
    pub(super) fn counted(
        self: &Arc<Self>,
        task: Task,
        work: impl FnOnce(&Session, Task) + Send + 'static,
    ) -> Job {
        let counters = self.order.counters(std::slice::from_ref(&task.name));
        self.order.count(&counters);
        queued(Queued { session: Arc::clone(self), counters, drops: false }, task, work)
    }

    /// Begins a write when its turn comes, which may be now.
    pub(super) fn in_turn(
        self: &Arc<Self>,
        class: Class,
        task: Task,
        work: impl FnOnce(&Session, Task) + Send + 'static,
    ) {
        let mut names = names_of(&task, self.store.databases());
        let reach = Reach::of(&task.operation);
        self.order.concern_databases(&mut names, reach);
        let drops = reach != Reach::Named;
        if drops {
            self.order.count_drop(false);
        }
        let session = Arc::clone(self);
        let job: Job = match class.is_queued() {
            // Counted when it is queued.
            true => queued(Queued { session, counters: self.order.counters(&names), drops }, task, work),
            false => {
                let turn = Turn { session, names: names.clone(), class };
                Box::new(move || {
                    let turn = turn;
                    work(&turn.session, task);
                })
            }
        };
        self.order.add(Waiting { names, class, job }, |ready| self.begin(ready, false));
    }

    /// Queues writes whose turn has come.
    fn begin(self: &Arc<Self>, ready: Vec<Waiting>, mut is_scanning: bool) {
        let mut queued: Vec<Job> = Vec::new();
        for Waiting { names, class, job } in ready {
            if class.is_queued() {
                self.order.count(&self.order.counters(&names));
                queued.push(job);
            } else if !queued.is_empty() || self.order.has_queued(&self.order.counters(&names)) {
                let session = Arc::clone(self);
                queued.push(Box::new(move || session.scans.push(&session.runtime, [job])));
            } else if std::mem::take(&mut is_scanning) {
                // This thread is a worker of that queue, and takes it next.
                self.scans.push_behind(job);
            } else {
                self.scans.push(&self.runtime, [job]);
            }
        }
        if !queued.is_empty() {
            self.writes.push(&self.runtime, queued);
        }
    }
}

/// A write in the queue of those that name their documents.
struct Queued {
    session: Arc<Session>,
    counters: Counters,
    /// Whether it concerns a whole database, or all.
    drops: bool,
}

fn queued(queued: Queued, task: Task, work: impl FnOnce(&Session, Task) + Send + 'static) -> Job {
    Box::new(move || {
        let queued = queued;
        work(&queued.session, task);
    })
}

impl Drop for Queued {
    fn drop(&mut self) {
        // Who sees it sees the write.
        for queued in self.session.order.of(&self.counters) {
            queued.fetch_sub(1, Ordering::Release);
        }
        if self.drops {
            self.session.order.count_drop(true);
        }
    }
}

/// The turn of a write by filter or of an index build; the next begin when it ends, however it does.
struct Turn {
    session: Arc<Session>,
    names: Names,
    class: Class,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Turn { session, names, class } = self;
        session.order.end(names, *class, |ready| session.begin(ready, true));
    }
}
