// What the types are made of; not exported by the package.

import type { ObjectIdLike } from './document-types.js'

export type IsAny<T> = 0 extends 1 & T ? true : false

export type IsOpen<T> = IsAny<T> extends true ? true : string extends keyof T ? true : false

export type Present<T> = Exclude<T, undefined>

/** `Omit` that keeps the members of a union apart. */
export type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never

export type Atom = string | number | boolean | bigint | symbol | null | undefined | Date | Uint8Array | ObjectIdLike | ((...args: never[]) => unknown)
