// The methods of a database in memory that take snapshots of its state and put it back.

import { optionsOf } from '../../arguments/option-check.js'
import type { DatabaseName } from '../../arguments/namespace.js'
import { DATABASE } from '../../arguments/option-table.js'
import type { Connection } from '../../connection/connection.js'
import { writeField } from '../../request/bodies.js'
import { requestOf } from '../../request/request.js'
import { Opcode } from '../../transport/opcodes.js'
import type { OperationOptions, Snapshot } from '../../types/index.js'
import { DatabaseFileMethods } from '../file-methods.js'
import { numberOfSnapshot, snapshotOf } from './snapshot.js'

/** The methods of a database for its state as a whole. */
export abstract class DatabaseStateMethods extends DatabaseFileMethods {
  readonly #connection: Connection

  /** @internal */
  protected constructor(connection: Connection, name: DatabaseName) {
    super(connection, name)
    this.#connection = connection
  }

  /**
   * Takes a snapshot of a database in memory, after the writes that were called before: `restore` puts it back in this state. Takes
   * microseconds, whatever is stored. The snapshot covers all databases beside this one, and keeps what is written since in memory, each version of a document,
   * until it is restored, released, or collected as garbage.
   *
   * Rejects with `NOT_SUPPORTED` when the database keeps files: `fork` and `backup` make copies of it.
   *
   * @example
   * const snapshot = await db.snapshot()
   * beforeEach(() => db.restore(snapshot))
   */
  async snapshot(options?: OperationOptions): Promise<Snapshot> {
    const where = 'Database.snapshot'
    this.#connection.checkOpen(where)
    const { signal, maxTimeMS } = optionsOf<OperationOptions>(where, options, DATABASE.snapshot)
    const connection = this.#connection
    const request = requestOf<Snapshot>(Opcode.Snapshot, 0, null, () => {}, (number) => snapshotOf(connection, number))
    return connection.run(where, connection.collection('', where), { ...request, signal, maxTimeMS })
  }

  /**
   * Puts a database in memory back in the state of a snapshot, after the writes that were called before and before those that are called after:
   * documents with their versions and times, their natural order, collections, indexes and options, of all databases in it. Takes as long as what
   * was written since, whatever is stored. A snapshot can be restored any number of times, and several in any order.
   *
   * One commit does it: open cursors keep their state, an open transaction conflicts where it has written what this changes, a live query tells
   * the restored result, and a change stream ends with an `invalidate` event.
   *
   * Throws a TypeError when the snapshot was released, or is of another database.
   */
  async restore(snapshot: Snapshot, options?: OperationOptions): Promise<void> {
    const where = 'Database.restore'
    this.#connection.checkOpen(where)
    const { signal, maxTimeMS } = optionsOf<OperationOptions>(where, options, DATABASE.restore)
    signal?.throwIfAborted()
    const number = numberOfSnapshot(where, snapshot, this.#connection)
    const request = requestOf<void>(Opcode.Restore, 0, null, (out) => writeField(out, number), () => {})
    await this.#connection.run(where, this.#connection.collection('', where), { ...request, signal, maxTimeMS })
  }
}
