// Named readers of change streams: their places are documents of the collection system.consumers, written like any others.

import { MoltenError, numbered } from '../errors.js'
import type { AcknowledgeOptions, ResumeToken } from '../types/changes.js'
import type { ClientSession } from '../types/options.js'
import type { ConsumerPlace } from './change-stream.js'

/** The collection of the places. Its own changes are not told by change streams. */
const CONSUMERS = 'system.consumers'

/** A place as it is stored. */
export interface StoredPlace {
  _id: string
  /** Grows with each reader: an acknowledgement of an earlier one is refused. */
  epoch: number
  token: ResumeToken
}

/** What is used of the collection of the places. */
export interface Places {
  getSync(id: string): StoredPlace | null
  findOneAndUpdate(filter: object, update: object, options: { upsert: true; returnDocument: 'after' }): Promise<StoredPlace | null>
  updateOne(filter: object, update: object, options: { session?: ClientSession }): Promise<{ matchedCount: number }>
}

/** The place of the reader with this name, if it has one, in its database. */
export function consumerOf(name: string | undefined, database: { collection(name: string): unknown }): Consumer | undefined {
  return name === undefined ? undefined : new Consumer(database.collection(CONSUMERS) as Places, name)
}

/** The place of a named reader. */
export class Consumer implements ConsumerPlace {
  readonly #places: Places
  #epoch = 0

  constructor(
    places: Places,
    readonly name: string
  ) {
    this.#places = places
  }

  load(): ResumeToken | undefined {
    return this.#places.getSync(this.name)?.token
  }

  async claim(begin: ResumeToken): Promise<ResumeToken> {
    const place = await this.#places.findOneAndUpdate(
      { _id: this.name }, { $inc: { epoch: 1 }, $setOnInsert: { token: begin } }, { upsert: true, returnDocument: 'after' }
    )
    if (place === null) throw new MoltenError('INTERNAL', `the consumer '${this.name}' has no place; please report this`)
    this.#epoch = place.epoch
    return place.token
  }

  async acknowledge(where: string, token: ResumeToken, session: AcknowledgeOptions['session']): Promise<void> {
    if (this.#epoch === 0) throw new TypeError(`${where}: nothing was read yet; acknowledge an event after it was read`)
    // A transaction of db.transaction has collections of its own.
    const places = session && 'collection' in session ? (session.collection(CONSUMERS) as Places) : this.#places
    const options = session && !('collection' in session) ? { session } : {}
    const { matchedCount } = await places.updateOne({ _id: this.name, epoch: this.#epoch }, { $set: { token } }, options)
    if (matchedCount === 0) {
      const message = `${where}: another reader has taken over the consumer '${this.name}'; only the newest one can acknowledge events`
      throw new MoltenError('CONFLICT', message, numbered('WriteConflict'))
    }
  }
}
