// `await using`, also in runtimes without Symbol.asyncDispose.

/** `Symbol.asyncDispose`, or the symbol that compilers use where the runtime has none (Jest's realms on Node 20). */
export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for('Symbol.asyncDispose') as typeof Symbol.asyncDispose)

/** Adds the method for `await using` to a class. */
export function disposeWith<T>(prototype: T, method: (this: T) => Promise<void>): void {
  Object.defineProperty(prototype, asyncDispose, { value: method, writable: true, configurable: true })
}
