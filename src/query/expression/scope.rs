//! What an expression sees: the document, variables, the time, chance.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use super::path::FieldPath;
use crate::document::{Node, RawValue, Value};

/// The document that field paths start from, encoded or a tree.
pub trait Root {
    /// All of it.
    fn whole(&self) -> Value;
    /// What a path leads to.
    fn at(&self, path: &FieldPath) -> Option<Value>;
}

/// A form of the document, as a root.
pub struct Rooted<N>(pub N);

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

/// A document in whichever form a filter has it.
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

/// What stays the same for a whole pipeline.
#[derive(Debug, Default)]
pub struct Env {
    now: i64,
    chance: AtomicU64,
    variables: Vec<(Box<str>, Option<Value>)>,
}

impl Env {
    /// The time, in milliseconds since 1970, and the seed of `$rand` and `$sample`.
    pub fn new(now: i64, seed: u64) -> Env {
        Env { now, chance: AtomicU64::new(seed), variables: Vec::new() }
    }

    /// The same with these variables as well, the `let` of a `$lookup` or `$merge`; they hide others of their names.
    #[must_use]
    pub fn with(&self, variables: Vec<(Box<str>, Option<Value>)>) -> Env {
        let mut all = variables;
        all.extend(self.variables.iter().cloned());
        Env { now: self.now, chance: AtomicU64::new(self.next_random()), variables: all }
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

/// What one evaluation sees.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub(super) root: &'a dyn Root,
    pub(super) env: &'a Env,
    bindings: Option<&'a Binding<'a>>,
}

/// A variable of `$let`, `$map` and the like; the innermost of a name counts.
struct Binding<'a> {
    name: &'a str,
    value: Option<&'a Value>,
    outer: Option<&'a Binding<'a>>,
}

impl<'a> Scope<'a> {
    /// The scope of a document.
    pub fn new(root: &'a dyn Root, env: &'a Env) -> Scope<'a> {
        Scope { root, env, bindings: None }
    }

    /// Evaluates with one more variable.
    pub(super) fn bind<R>(&self, name: &str, value: Option<&Value>, run: impl FnOnce(&Scope<'_>) -> R) -> R {
        let binding = Binding { name, value, outer: self.bindings };
        run(&Scope { root: self.root, env: self.env, bindings: Some(&binding) })
    }

    /// The value of a variable; missing where it has none.
    pub(super) fn variable(&self, name: &str) -> Option<&'a Value> {
        let mut at = self.bindings;
        while let Some(binding) = at {
            if binding.name == name {
                return binding.value;
            }
            at = binding.outer;
        }
        let found = self.env.variables.iter().find(|(own, _)| **own == *name);
        found.and_then(|(_, value)| value.as_ref())
    }
}
