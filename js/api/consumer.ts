// Named readers of change streams: their places are documents of the collection system.consumers, written like any others.

import type { ConsumerPlace } from '../cursor/change-stream.js'
import { MoltenError, numbered } from '../errors.js'
import type { ResumeToken } from '../types/changes.js'
import type { ClientSession } from '../types/options.js'
import type { Collection } from './collection.js'
import { Transaction } from './transaction.js'

/** The collection of the places. Its own changes are not told by change streams. */
export const CONSUMERS = 'system.consumers'

/** A place as it is stored. */
export interface StoredPlace {
  _id: string
  /** Grows with each reader: an acknowledgement of an earlier one is refused. */
  epoch: number
  token: ResumeToken
}

/** The place of a named reader. */
export class Consumer implements ConsumerPlace {
  readonly #places: Collection<StoredPlace>
  #epoch = 0

  constructor(
    places: Collection<any>,
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

  async acknowledge(where: string, token: ResumeToken, session: unknown): Promise<void> {
    if (this.#epoch === 0) throw new TypeError(`${where}: nothing was read yet; acknowledge an event after it was read`)
    const places: Collection<StoredPlace> = session instanceof Transaction ? (session.collection(CONSUMERS) as Collection<any>) : this.#places
    const options = session instanceof Transaction || session === undefined || session === null ? {} : { session: session as ClientSession }
    const { matchedCount } = await places.updateOne({ _id: this.name, epoch: this.#epoch }, { $set: { token } }, options)
    if (matchedCount === 0) {
      const message = `${where}: another reader has taken over the consumer '${this.name}'; only the newest one can acknowledge events`
      throw new MoltenError('CONFLICT', message, numbered('WriteConflict'))
    }
  }
}
