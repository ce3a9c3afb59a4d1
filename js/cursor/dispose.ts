// `await using`, also where the runtime has no Symbol.asyncDispose.

/** `Symbol.asyncDispose`, or what compilers use for it where the runtime has none (Jest's realms on Node 20). */
export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for('Symbol.asyncDispose') as typeof Symbol.asyncDispose)

/** Gives a class the method that ends an `await using`. */
export function disposeWith<T>(prototype: T, method: (this: T) => Promise<void>): void {
  Object.defineProperty(prototype, asyncDispose, { value: method, writable: true, configurable: true })
}
