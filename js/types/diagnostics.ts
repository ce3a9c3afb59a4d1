// What the channels of node:diagnostics_channel tell of operations.

/** An operation, as the tracing channel `moltendb:command` tells it. Nothing in it is content of documents, filters or updates. */
export interface CommandContext {
  /** What is done: `find`, `getMore`, `insert`, `update`, `aggregate`, `compact` ... */
  operation: string
  /** The method that was called, with its collection: `users.insertOne`, `users.find().toArray`. */
  method: string
  /** Database and collection, or the database alone, as errors name them. */
  namespace: string
  /** The name of the database. */
  database: string
  /** The name of the collection, where the operation is of one. */
  collection: string | undefined
  /** Whether it blocks the thread: a method whose name ends with Sync. */
  sync: boolean
  /** The signal that it was given. */
  signal: AbortSignal | undefined
  /** When it has ended: the milliseconds since the call, the time in queues included. */
  durationMs?: number
  /** When it has succeeded: documents that were returned or changed; undefined where that is not what it does. */
  documents?: number | undefined
  /** Why it has failed. */
  error?: unknown
}

/** An operation that took long, as the channel `moltendb:slow` tells it. */
export interface SlowOperation extends CommandContext {
  durationMs: number
  /**
   * Of reads: the plan, as explain tells it right after: `IXSCAN { age: 1 }`, `COLLSCAN`. It is asked for only where the channel has subscribers.
   */
  planSummary?: string | undefined
}
