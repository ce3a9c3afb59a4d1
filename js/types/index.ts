// The public types, by subject.

export type * from './changes.js'
export type * from './databases/files.js'
export type * from './databases/opening.js'
export type * from './databases/statistics.js'
export type * from './documents.js'
export type * from './filters.js'
export type * from './indexes.js'
export type * from './molten.js'
export type * from './options.js'
export type * from './paths.js'
export type * from './results.js'
export type * from './updates.js'
