// Snapshots of databases in memory.

import type { Connection } from '../../connection/connection.js'
import { writeField } from '../../request/bodies.js'
import { requestOf } from '../../request/request.js'
import { Opcode } from '../../transport/opcodes.js'
import type { Snapshot } from '../../types/index.js'

/** `Symbol.dispose`, or the symbol that compilers use where the runtime has none. */
const dispose: typeof Symbol.dispose = Symbol.dispose ?? (Symbol.for('Symbol.dispose') as typeof Symbol.dispose)

/** A snapshot in the core. */
interface Held {
  readonly connection: Connection
  readonly number: number
  isReleased: boolean
}

/** Releases snapshots that the program dropped. */
const abandoned = new FinalizationRegistry<Held>(release)

/** A snapshot, as `db.snapshot` gives it. */
class TakenSnapshot implements Snapshot {
  readonly #held: Held

  constructor(connection: Connection, number: number) {
    this.#held = { connection, number, isReleased: false }
    abandoned.register(this, this.#held, this.#held)
  }

  get isReleased(): boolean {
    return this.#held.isReleased
  }

  release(): void {
    abandoned.unregister(this.#held)
    release(this.#held)
  }

  declare [Symbol.dispose]: () => void

  /** The number of a snapshot of this database, for the core. */
  static numberOf(where: string, snapshot: unknown, connection: Connection): number {
    if (typeof snapshot !== 'object' || snapshot === null || !(#held in snapshot)) {
      throw new TypeError(`${where}: snapshot must be what db.snapshot() of this database has resolved with`)
    }
    const held = snapshot.#held
    if (held.connection !== connection) throw new TypeError(`${where}: the snapshot is of another database; restore it there`)
    if (held.isReleased) throw new TypeError(`${where}: the snapshot was released; take a new one with db.snapshot()`)
    return held.number
  }
}

Object.defineProperty(TakenSnapshot.prototype, dispose, {
  value(this: TakenSnapshot) {
    this.release()
  },
  writable: true,
  configurable: true
})

function release(held: Held): void {
  const { connection, number, isReleased } = held
  if (isReleased) return
  held.isReleased = true
  if (!connection.isOpen) return
  const where = 'snapshot.release'
  const request = requestOf<void>(Opcode.Release, 0, null, (out) => writeField(out, number), () => {})
  connection.run(where, connection.collection('', where), request).catch(() => {})
}

/** A snapshot that the core has taken. */
export function snapshotOf(connection: Connection, number: number): Snapshot {
  return new TakenSnapshot(connection, number)
}

/** The number of a snapshot of this database, for the core. */
export function numberOfSnapshot(where: string, snapshot: unknown, connection: Connection): number {
  return TakenSnapshot.numberOf(where, snapshot, connection)
}
