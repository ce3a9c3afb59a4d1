//! The locks of the engine. Nothing else in it names `parking_lot`, so each new lock is of one of two kinds:
//!
//! - [`Mutex`] and [`RwLock`] are held for microseconds: their holder neither waits nor reads from disk. Any thread may take
//!   them, the JavaScript thread too.
//! - [`LongMutex`] may be held by a thread that waits for the disk or computes for long. A thread that must not block
//!   ([`nonblocking`](super::nonblocking)) may only try it, and calls `would_block` or goes elsewhere if it is taken.
//!
//! Builds with debug assertions, which tests are, check three rules at each lock, whether or not the threads collide at that
//! moment: nothing blocks within a nonblocking scope; nothing blocks while a short lock is held; and no two locks are taken
//! in one order here and in the other there, as those would end in a deadlock some day. A lock is known by the type that it
//! guards, so two long locks never guard the same type.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// A lock that is held briefly.
#[derive(Default)]
pub(crate) struct Mutex<T>(parking_lot::Mutex<T>);

/// A lock for many readers or one writer that is held briefly.
#[derive(Default)]
pub(crate) struct RwLock<T: ?Sized>(parking_lot::RwLock<T>);

/// A lock whose holder may block.
#[derive(Default)]
pub(crate) struct LongMutex<T>(parking_lot::Mutex<T>);

/// Waits for a change of what a short lock guards.
#[derive(Default)]
pub(crate) struct Condvar(parking_lot::Condvar);

/// A lock that is held until this is dropped.
pub(crate) struct Guard<G> {
    guard: G,
    held: Held,
}

pub(crate) type MutexGuard<'l, T> = Guard<parking_lot::MutexGuard<'l, T>>;
pub(crate) type ReadGuard<'l, T> = Guard<parking_lot::RwLockReadGuard<'l, T>>;
pub(crate) type WriteGuard<'l, T> = Guard<parking_lot::RwLockWriteGuard<'l, T>>;

impl<G: Deref> Deref for Guard<G> {
    type Target = G::Target;

    #[inline]
    fn deref(&self) -> &G::Target {
        &self.guard
    }
}

impl<G: DerefMut> DerefMut for Guard<G> {
    #[inline]
    fn deref_mut(&mut self) -> &mut G::Target {
        &mut self.guard
    }
}

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Mutex<T> {
        Mutex(parking_lot::Mutex::new(value))
    }

    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        let held = Held::take::<T>(Kind::Short);
        Guard { guard: self.0.lock(), held }
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().map(|guard| Guard { guard, held: Held::tried::<T>(Kind::Short) })
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.0.is_locked()
    }
}

impl<T: ?Sized> RwLock<T> {
    #[inline]
    pub(crate) fn read(&self) -> ReadGuard<'_, T> {
        let held = Held::take::<T>(Kind::Short);
        Guard { guard: self.0.read(), held }
    }

    #[inline]
    pub(crate) fn write(&self) -> WriteGuard<'_, T> {
        let held = Held::take::<T>(Kind::Short);
        Guard { guard: self.0.write(), held }
    }
}

impl<T> RwLock<T> {
    pub(crate) const fn new(value: T) -> RwLock<T> {
        RwLock(parking_lot::RwLock::new(value))
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.0.is_locked()
    }
}

impl<T> LongMutex<T> {
    pub(crate) const fn new(value: T) -> LongMutex<T> {
        LongMutex(parking_lot::Mutex::new(value))
    }

    /// Blocks.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        may_block(std::any::type_name::<T>());
        let held = Held::take::<T>(Kind::Long);
        Guard { guard: self.0.lock(), held }
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().map(|guard| Guard { guard, held: Held::tried::<T>(Kind::Long) })
    }

    /// Blocks for at most this time.
    pub(crate) fn try_lock_for(&self, time: Duration) -> Option<MutexGuard<'_, T>> {
        may_block(std::any::type_name::<T>());
        self.0.try_lock_for(time).map(|guard| Guard { guard, held: Held::tried::<T>(Kind::Long) })
    }

    /// Without locking, as nobody else has it.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

impl Condvar {
    pub(crate) const fn new() -> Condvar {
        Condvar(parking_lot::Condvar::new())
    }

    /// Blocks; releases the lock meanwhile.
    pub(crate) fn wait<T>(&self, lock: &mut MutexGuard<'_, T>) {
        lock.held.may_be_released();
        self.0.wait(&mut lock.guard);
    }

    /// Blocks for at most this time; releases the lock meanwhile. Returns whether the time passed.
    pub(crate) fn wait_for<T>(&self, lock: &mut MutexGuard<'_, T>, time: Duration) -> bool {
        lock.held.may_be_released();
        self.0.wait_for(&mut lock.guard, time).timed_out()
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// Called where a thread may block. A defect, told in debug builds: it is within a nonblocking scope, or holds a short lock.
#[inline]
pub(crate) fn may_block(on: &str) {
    #[cfg(debug_assertions)]
    order::check_blocking(on, None);
    #[cfg(not(debug_assertions))]
    let _ = on;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Short,
    Long,
}

/// A lock that this thread holds, as the checks see it; nothing in builds without them.
struct Held {
    #[cfg(debug_assertions)]
    ticket: u64,
}

#[cfg(debug_assertions)]
impl Held {
    /// Before blocking for it.
    fn take<T: ?Sized>(kind: Kind) -> Held {
        order::check(std::any::type_name::<T>());
        Held::tried::<T>(kind)
    }

    /// After it was taken without blocking, which cannot end in a deadlock.
    fn tried<T: ?Sized>(kind: Kind) -> Held {
        Held { ticket: order::push(std::any::type_name::<T>(), kind) }
    }

    /// Before waiting for a condition, which releases this lock alone.
    fn may_be_released(&self) {
        order::check_blocking("a condition", Some(self.ticket));
    }
}

#[cfg(debug_assertions)]
impl Drop for Held {
    fn drop(&mut self) {
        order::pop(self.ticket);
    }
}

#[cfg(not(debug_assertions))]
impl Held {
    #[inline]
    fn take<T: ?Sized>(_: Kind) -> Held {
        Held {}
    }

    #[inline]
    fn tried<T: ?Sized>(_: Kind) -> Held {
        Held {}
    }

    #[inline]
    fn may_be_released(&self) {}
}

/// The orders in which locks were taken so far in this process.
#[cfg(debug_assertions)]
mod order {
    use std::cell::{Cell, RefCell};
    use std::collections::HashSet;

    use super::Kind;
    use crate::engine::exec::nonblocking::is_nonblocking;

    type Name = &'static str;

    thread_local! {
        /// The locks that this thread holds, the first one first; a guard may be dropped before later ones.
        static HELD: RefCell<Vec<(u64, Name, Kind)>> = const { RefCell::new(Vec::new()) };
        static NEXT: Cell<u64> = const { Cell::new(0) };
        /// The orders that this thread has checked.
        static CHECKED: RefCell<HashSet<(Name, Name)>> = RefCell::default();
    }

    /// Pairs of locks, the second of which was taken while the first was held.
    static SEEN: parking_lot::Mutex<Vec<(Name, Name)>> = parking_lot::Mutex::new(Vec::new());

    pub(super) fn push(name: Name, kind: Kind) -> u64 {
        let ticket = NEXT.get();
        NEXT.set(ticket + 1);
        HELD.with_borrow_mut(|held| held.push((ticket, name, kind)));
        ticket
    }

    pub(super) fn pop(ticket: u64) {
        HELD.with_borrow_mut(|held| {
            if let Some(at) = held.iter().rposition(|(own, ..)| *own == ticket) {
                held.remove(at);
            }
        });
    }

    /// Checks that the thread may block, and holds no short lock besides one that it is about to release.
    pub(super) fn check_blocking(on: &str, besides: Option<u64>) {
        assert!(!is_nonblocking(), "this thread must not block on {on}: call would_block first");
        let is_short =
            |(ticket, _, kind): &&(u64, Name, Kind)| *kind == Kind::Short && Some(*ticket) != besides;
        let short = HELD.with_borrow(|held| held.iter().find(is_short).copied());
        if let Some((_, name, _)) = short {
            panic!("a thread may block on {on} while it holds the short lock of {name}");
        }
    }

    /// Checks that no thread takes `next` and one of the held locks in the other order.
    pub(super) fn check(next: Name) {
        HELD.with_borrow(|held| {
            for (_, first, _) in held {
                if *first != next && CHECKED.with_borrow_mut(|checked| checked.insert((first, next))) {
                    note(first, next);
                }
            }
        });
    }

    fn note(first: Name, next: Name) {
        let mut seen = SEEN.lock();
        assert!(
            !leads(&seen, next, first),
            "the lock of {next} is taken while that of {first} is held, and elsewhere the other way round"
        );
        if !seen.contains(&(first, next)) {
            seen.push((first, next));
        }
    }

    /// Whether `to` is taken while `from` is held, directly or over others.
    fn leads(seen: &[(Name, Name)], from: Name, to: Name) -> bool {
        let mut reached = vec![from];
        let mut at = 0;
        while let Some(lock) = reached.get(at).copied() {
            at += 1;
            for (_, next) in seen.iter().filter(|(first, _)| *first == lock) {
                if !reached.contains(next) {
                    reached.push(next);
                }
            }
        }
        reached.contains(&to)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::engine::exec::nonblocking::nonblocking;

    fn defect(work: impl FnOnce()) -> String {
        let panic = catch_unwind(AssertUnwindSafe(work)).unwrap_err();
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    }

    #[test]
    fn a_long_lock_and_a_wait_are_refused_where_nothing_may_block() {
        struct Disk;
        let (long, short, changed) = (LongMutex::new(Disk), Mutex::new(0), Condvar::new());
        let told = defect(|| assert!(nonblocking(|| drop(long.lock())).is_some()));
        assert!(told.contains("Disk") && told.contains("would_block"), "{told}");
        let told = defect(|| assert!(nonblocking(|| changed.wait(&mut short.lock())).is_some()));
        assert!(told.contains("a condition"), "{told}");
        nonblocking(|| assert!(long.try_lock().is_some() && *short.lock() == 0)).unwrap();
        drop(long.lock());
    }

    #[test]
    fn nothing_blocks_while_a_short_lock_is_held() {
        struct Disk;
        struct Count;
        let (long, short, other) = (LongMutex::new(Disk), RwLock::new(Count), Mutex::new(0));
        let held = short.read();
        let told = defect(|| drop(long.lock()));
        assert!(told.contains("Count"), "{told}");
        let told = defect(|| assert!(Condvar::new().wait_for(&mut other.lock(), Duration::ZERO)));
        assert!(told.contains("Count"), "{told}");
        drop(held);
        assert!(Condvar::new().wait_for(&mut other.lock(), Duration::ZERO), "its own lock is released");
        let _long = long.lock();
        drop((short.write(), other.lock()));
    }

    #[test]
    fn two_orders_of_locks_are_told_over_a_third_one_too() {
        struct A;
        struct B;
        struct C;
        let (a, b, c) = (Mutex::new(A), Mutex::new(B), Mutex::new(C));
        drop((a.lock(), b.lock()));
        drop((b.lock(), c.lock()));
        let told = defect(|| drop((c.lock(), a.lock())));
        assert!(told.contains("A") && told.contains("C") && told.contains("other way round"), "{told}");
        drop((a.lock(), c.lock()));
        // A lock that is only tried cannot end in a deadlock.
        let held = c.lock();
        assert!(a.try_lock().is_some());
        drop(held);
    }
}
