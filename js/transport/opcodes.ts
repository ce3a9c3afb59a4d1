// The opcodes of operations and their flags, which docs/boundary.md lists and src/binding/opcodes.rs reads.

/** What an operation does. */
export const Opcode = {
  Define: 1,
  Insert: 10,
  Find: 11,
  More: 12,
  CloseCursor: 13,
  Count: 14,
  Update: 15,
  Replace: 16,
  Delete: 17,
  Get: 18,
  GetMany: 19,
  Has: 20,
  Set: 21,
  DeleteId: 22,
  Drop: 23,
  ListCollections: 24,
  Distinct: 25,
  FindOneAnd: 26,
  Bulk: 27,
  Rename: 28,
  Aggregate: 30,
  CreateIndexes: 31,
  DropIndex: 32,
  ListIndexes: 33,
  Explain: 34,
  Stats: 35,
  Create: 36,
  CollMod: 37,
  Begin: 40,
  Commit: 41,
  Abort: 42,
  Savepoint: 43,
  RollBack: 44,
  Watch: 45,
  Changes: 46,
  Unwatch: 47,
  Live: 48,
  Tail: 49,
  DropDatabase: 50,
  ListDatabases: 51
} as const

/** The flags of an operation. The meaning of a bit below 16 depends on the opcode. */
export const Flag = { Unordered: 1, Single: 1, Many: 1, Meta: 1, DropTarget: 1, Options: 1, Serializable: 1, UncheckedOut: 1, Upsert: 2, After: 4, Versioned: 4, Sorted: 8, NoDisk: 16, Unchecked: 16, Let: 32, Cancellable: 64, Timed: 128 } as const
