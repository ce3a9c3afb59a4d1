//! What an expression sees: the document, variables, the time, random numbers.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use super::path::FieldPath;
use crate::document::{Collation, Node, RawValue, Value};
use crate::error::Result;
use crate::query::size::size;
use crate::work::Work;

/// Bytes of a copied value that count as one step.
const BYTES_A_STEP: usize = 128;
/// Bytes of one evaluation below which the memory of its query is not checked.
const LITTLE: usize = 64 << 10;

/// The document that field paths start from, encoded or a tree.
pub(crate) trait Root {
    /// All of it.
    fn whole(&self) -> Value;
    /// The value at a path.
    fn at(&self, path: &FieldPath) -> Option<Value>;
}

/// A document as a root.
pub(crate) struct Rooted<N>(pub N);

impl Root for Rooted<RawValue<'_>> {
    fn whole(&self) -> Value {
        self.0.to_value()
    }

    fn at(&self, path: &FieldPath) -> Option<Value> {
        path.of(self.0)
    }
}

impl Root for Rooted<&Value> {
    fn whole(&self) -> Value {
        self.0.clone()
    }

    fn at(&self, path: &FieldPath) -> Option<Value> {
        path.of(self.0)
    }
}

/// The document of a filter, in any form.
pub(super) struct NodeRoot<'a, N: Node<'a>>(N, PhantomData<&'a ()>);

impl<'a, N: Node<'a>> NodeRoot<'a, N> {
    pub(super) fn new(node: N) -> Self {
        NodeRoot(node, PhantomData)
    }
}

impl<'a, N: Node<'a>> Root for NodeRoot<'a, N> {
    fn whole(&self) -> Value {
        self.0.tree()
    }

    fn at(&self, path: &FieldPath) -> Option<Value> {
        path.of(self.0)
    }
}

/// What is constant for a whole pipeline.
#[derive(Debug, Default)]
pub(crate) struct Env {
    now: i64,
    chance: AtomicU64,
    variables: Vec<(Box<str>, Option<Value>)>,
    work: Work,
    collation: Collation,
}

impl Env {
    /// The time, in milliseconds since 1970, and the seed of `$rand` and `$sample`.
    pub(crate) fn new(now: i64, seed: u64) -> Env {
        Env { now, chance: AtomicU64::new(seed), ..Env::default() }
    }

    /// The same with the work of an operation.
    #[must_use]
    pub(crate) fn within(self, work: Work) -> Env {
        Env { work, ..self }
    }

    /// The same under a collation.
    #[must_use]
    pub(crate) fn under(self, collation: Collation) -> Env {
        Env { collation, ..self }
    }

    /// The order of strings.
    #[inline]
    pub(in crate::query) fn collation(&self) -> &Collation {
        &self.collation
    }

    /// The work of the operation.
    pub(in crate::query) fn work(&self) -> &Work {
        &self.work
    }

    /// The same with these variables as well, the `let` of a `$lookup` or `$merge`; they hide others of the same
    /// name.
    #[must_use]
    pub(crate) fn with(&self, variables: Vec<(Box<str>, Option<Value>)>) -> Env {
        let mut all = variables;
        all.extend(self.variables.iter().cloned());
        let (work, collation) = (self.work.clone(), self.collation.clone());
        Env { now: self.now, chance: AtomicU64::new(self.next_random()), variables: all, work, collation }
    }

    /// The value of a variable of `let`, which may be missing; `None` where there is no such variable.
    pub(super) fn variable(&self, name: &str) -> Option<Option<&Value>> {
        self.variables.iter().find(|(own, _)| **own == *name).map(|(_, value)| value.as_ref())
    }

    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> i64 {
        self.now
    }

    /// The next of a splitmix64 sequence.
    pub(in crate::query) fn next_random(&self) -> u64 {
        let mut z = self.chance.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in [0, 1).
    pub(in crate::query) fn random(&self) -> f64 {
        (self.next_random() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// What one evaluation sees, and the bytes that it holds.
pub(crate) struct Scope<'a> {
    pub(super) root: &'a dyn Root,
    pub(super) env: &'a Env,
    work: &'a Work,
    bindings: Option<&'a Bindings<'a>>,
    /// An evaluation increases it by about the size of its value.
    held: Cell<usize>,
    /// The operator whose operands are being evaluated, or the stage.
    within: Cell<&'static str>,
}

/// Variables of `$let`, `$map` and the like; the innermost of a name is used.
struct Bindings<'a> {
    names: &'a [&'a str],
    values: &'a [Option<&'a Value>],
    outer: Option<&'a Bindings<'a>>,
}

impl<'a> Scope<'a> {
    /// The scope of a document.
    pub(crate) fn new(root: &'a dyn Root, env: &'a Env) -> Scope<'a> {
        Scope::within(root, env, &env.work)
    }

    /// The scope of a document, for this work.
    pub(in crate::query) fn within(root: &'a dyn Root, env: &'a Env, work: &'a Work) -> Scope<'a> {
        Scope { root, env, work, bindings: None, held: Cell::new(0), within: Cell::new("an expression") }
    }

    /// The same for a stage, which an error of the memory limit names if no operator is the cause.
    #[must_use]
    pub(in crate::query) fn of(self, stage: &'static str) -> Self {
        self.within.set(stage);
        self
    }

    /// Sets the operator whose operands are being evaluated, and returns the previous one.
    #[inline]
    pub(super) fn enter(&self, operator: &'static str) -> &'static str {
        self.within.replace(operator)
    }

    /// Evaluates with more variables.
    pub(super) fn bind<R>(
        &self,
        names: &[&str],
        values: &[Option<&Value>],
        run: impl FnOnce(&Scope<'_>) -> R,
    ) -> R {
        let bindings = Bindings { names, values, outer: self.bindings };
        let Scope { root, env, work, .. } = *self;
        let (bindings, held, within) = (Some(&bindings), self.held.clone(), self.within.clone());
        let inner = Scope { root, env, work, bindings, held, within };
        let result = run(&inner);
        self.held.set(inner.held.get());
        result
    }

    /// The value of a variable; `None` if it is missing.
    pub(super) fn variable(&self, name: &str) -> Result<Option<&'a Value>> {
        let mut at = self.bindings;
        while let Some(bindings) = at {
            self.work.step(bindings.names.len() / 16)?;
            if let Some(place) = bindings.names.iter().rposition(|own| *own == name) {
                return Ok(bindings.values.get(place).copied().flatten());
            }
            at = bindings.outer;
        }
        let found = self.env.variables.iter().find(|(own, _)| **own == *name);
        Ok(found.and_then(|(_, value)| value.as_ref()))
    }

    /// Counts steps of the operation's work.
    #[inline]
    pub(in crate::query) fn step(&self, steps: usize) -> Result<()> {
        self.work.step(steps)
    }

    /// The work of the operation.
    pub(in crate::query) fn work(&self) -> &'a Work {
        self.work
    }

    /// The order of strings.
    #[inline]
    pub(in crate::query) fn collation(&self) -> &'a Collation {
        &self.env.collation
    }

    /// Counts bytes that the evaluation holds.
    #[inline]
    pub(super) fn hold(&self, what: &str, bytes: usize) -> Result<()> {
        let held = self.held.get().saturating_add(bytes);
        self.held.set(held);
        if bytes >= BYTES_A_STEP {
            self.work.step(bytes / BYTES_A_STEP)?;
        }
        if held < LITTLE { Ok(()) } else { self.work.room(what, held) }
    }

    /// Counts bytes of a value that is built or copied, for the current operator.
    #[inline]
    pub(super) fn hold_here(&self, bytes: usize) -> Result<()> {
        self.hold(self.within.get(), bytes)
    }

    /// Counts a value that was copied, for the current operator.
    #[inline]
    pub(super) fn hold_copy(&self, value: Option<&Value>) -> Result<()> {
        self.hold_value(self.within.get(), value)
    }

    /// Counts a value that was computed or copied.
    #[inline]
    pub(super) fn hold_value(&self, what: &str, value: Option<&Value>) -> Result<()> {
        match value {
            Some(value @ (Value::Array(_) | Value::Object(_) | Value::String(_) | Value::Binary(_))) => {
                self.hold(what, size(value))
            }
            _ => Ok(()),
        }
    }

    /// Bytes held now.
    #[inline]
    pub(super) fn held(&self) -> usize {
        self.held.get()
    }

    /// Releases all but this many bytes.
    #[inline]
    pub(super) fn release_to(&self, held: usize) {
        self.held.set(held);
    }
}
