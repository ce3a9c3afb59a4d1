// Limits of the API, and the sizes of batches.

/** The longest name of a collection, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 120
/** The longest name of a database, in bytes of UTF-8. */
export const MAX_DATABASE_NAME_BYTES = 63

/** Documents in a batch of a cursor when no batch size is given. */
export const BATCH = 1000
/** The batch size of `toArray` of a find, which reads all documents. */
export const LARGE_BATCH = 4000
/** The largest batch size that the core accepts. */
export const MAX_BATCH = 0x7fffffff

/** The maximum number of documents that `getMany` reads on the calling thread; more would block the event loop. */
export const HOT_MANY = 4096

/** Documents in a commit of an import when no batch size is given. */
export const IMPORT_BATCH = 1000
export const MAX_IMPORT_BATCH = 1_000_000
/** Lines are sent to the core in pieces of about this many bytes. */
export const IMPORT_PIECE_BYTES = 1 << 20
/** The longest line of an import: a document of 16 MiB whose characters are all escaped takes less. */
export const MAX_LINE_BYTES = 128 << 20
