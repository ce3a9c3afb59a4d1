// The types of the public face, by subject.

export type * from './database-types.js'
export type * from './document-types.js'
export type * from './option-types.js'
export type * from './path-types.js'
export type * from './query-types.js'
export type * from './result-types.js'
export type * from './update-types.js'
