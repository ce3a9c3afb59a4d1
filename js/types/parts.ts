// Helper types; not exported by the package.

import type { ObjectIdLike } from './documents.js'

export type IsAny<T> = 0 extends 1 & T ? true : false

export type IsOpen<T> = IsAny<T> extends true ? true : string extends keyof T ? true : false

/**
 * Equals never; but as long as `T` is a type parameter the compiler does not know that. As a member of a union it lets
 * generic code assert `{ ... } as Filter<T>`: an assertion needs one comparable member, and nothing is comparable to
 * everything.
 */
export type Deferred<T> = IsAny<T> extends true ? never : never

export type Present<T> = Exclude<T, undefined>

/** `Omit` that is applied to each member of a union. */
export type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

export type Atom = string | number | boolean | bigint | symbol | null | undefined | Date | Uint8Array | ObjectIdLike | ((...args: never[]) => unknown)
