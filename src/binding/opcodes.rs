//! The opcodes of operations, and their flags. `tests/boundary.rs` compares them with `js/transport/opcodes.ts` and with the
//! table of `docs/boundary.md`, which describes their operands and results.

pub(super) const DEFINE: u8 = 1;
pub(super) const INSERT: u8 = 10;
pub(super) const FIND: u8 = 11;
pub(super) const MORE: u8 = 12;
pub(super) const CLOSE_CURSOR: u8 = 13;
pub(super) const COUNT: u8 = 14;
pub(super) const UPDATE: u8 = 15;
pub(super) const REPLACE: u8 = 16;
pub(super) const DELETE: u8 = 17;
pub(super) const GET: u8 = 18;
pub(super) const GET_MANY: u8 = 19;
pub(super) const HAS: u8 = 20;
pub(super) const SET: u8 = 21;
pub(super) const DELETE_ID: u8 = 22;
pub(super) const DROP: u8 = 23;
pub(super) const LIST_COLLECTIONS: u8 = 24;
pub(super) const DISTINCT: u8 = 25;
pub(super) const FIND_ONE_AND: u8 = 26;
pub(super) const BULK: u8 = 27;
pub(super) const RENAME: u8 = 28;
pub(super) const AGGREGATE: u8 = 30;
pub(super) const CREATE_INDEXES: u8 = 31;
pub(super) const DROP_INDEX: u8 = 32;
pub(super) const LIST_INDEXES: u8 = 33;
pub(super) const EXPLAIN: u8 = 34;
pub(super) const STATS: u8 = 35;
pub(super) const CREATE: u8 = 36;
pub(super) const COLL_MOD: u8 = 37;
pub(super) const BEGIN: u8 = 40;
pub(super) const COMMIT: u8 = 41;
pub(super) const ABORT: u8 = 42;
pub(super) const SAVEPOINT: u8 = 43;
pub(super) const ROLL_BACK: u8 = 44;
pub(super) const WATCH: u8 = 45;
pub(super) const CHANGES: u8 = 46;
pub(super) const UNWATCH: u8 = 47;
pub(super) const LIVE: u8 = 48;
pub(super) const TAIL: u8 = 49;
pub(super) const DROP_DATABASE: u8 = 50;
pub(super) const LIST_DATABASES: u8 = 51;
pub(super) const SNAPSHOT: u8 = 60;
pub(super) const RESTORE: u8 = 61;
pub(super) const RELEASE: u8 = 62;
pub(super) const BARRIER: u8 = 63;

/// The flags of an operation. The meaning of a bit below 16 depends on the opcode.
pub(super) mod flag {
    pub(in crate::binding) const UNORDERED: u8 = 1;
    pub(in crate::binding) const SINGLE: u8 = 1;
    pub(in crate::binding) const MANY: u8 = 1;
    pub(in crate::binding) const META: u8 = 1;
    pub(in crate::binding) const DROP_TARGET: u8 = 1;
    pub(in crate::binding) const OPTIONS: u8 = 1;
    pub(in crate::binding) const SERIALIZABLE: u8 = 1;
    pub(in crate::binding) const UPSERT: u8 = 2;
    pub(in crate::binding) const AFTER: u8 = 4;
    pub(in crate::binding) const VERSIONED: u8 = 4;
    pub(in crate::binding) const SORTED: u8 = 8;
    /// A pipeline that writes does not ask validators.
    pub(in crate::binding) const UNCHECKED_OUT: u8 = 1;
    /// A write does not ask validators.
    pub(in crate::binding) const UNCHECKED: u8 = 16;
    /// Nothing may be written to disk when memory is short.
    pub(in crate::binding) const NO_DISK: u8 = 16;
    /// The body ends with the variables of the operation's expressions.
    pub(in crate::binding) const LET: u8 = 32;
    /// The operation may be cancelled by its ticket.
    pub(in crate::binding) const CANCELLABLE: u8 = 64;
    /// The body ends with the time limit in milliseconds.
    pub(in crate::binding) const TIMED: u8 = 128;
}
