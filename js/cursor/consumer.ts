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
export function consumerOf(name: string | undefined, database: { collection(name: string): unknown; databaseName: string }, owner: object): Consumer | undefined {
  return name === undefined ? undefined : new Consumer(database.collection(CONSUMERS) as Places, name, database.databaseName, owner)
}

/** A transaction of `db.transaction`. */
interface InTransaction {
  sibling(name: string): { collection(name: string): unknown }
  belongsTo(owner: object): boolean
}

function isTransaction(session: object): session is InTransaction {
  return 'sibling' in session && 'belongsTo' in session
}

/** The place of a named reader. */
export class Consumer implements ConsumerPlace {
  readonly #places: Places
  #epoch = 0

  constructor(
    places: Places,
    readonly name: string,
    private readonly database: string,
    private readonly owner: object
  ) {
    this.#places = places
  }

  load(): ResumeToken | undefined {
    const place = this.#places.getSync(this.name)
    return place === null ? undefined : this.#tokenOf(place)
  }

  async claim(begin: ResumeToken): Promise<ResumeToken> {
    const place = await this.#places.findOneAndUpdate(
      { _id: this.name }, { $inc: { epoch: 1 }, $setOnInsert: { token: begin } }, { upsert: true, returnDocument: 'after' }
    )
    if (place === null) throw new MoltenError('INTERNAL', `the consumer '${this.name}' has no place; please report this`)
    this.#epoch = place.epoch
    return this.#tokenOf(place)
  }

  /** The places as a transaction of `db.transaction` sees them; otherwise as they are. */
  #placesIn(where: string, session: AcknowledgeOptions['session']): Places {
    if (!session || 'enter' in session) return this.#places
    if (typeof session !== 'object' || !isTransaction(session) || !session.belongsTo(this.owner)) {
      throw new TypeError(`${where}: option session must be a session, or the transaction that db.transaction gives, of the database that is watched`)
    }
    return session.sibling(this.database).collection(CONSUMERS) as Places
  }

  #tokenOf({ token }: StoredPlace): ResumeToken {
    if (typeof token?._data === 'string') return token
    throw new MoltenError('BAD_DOCUMENT', `the place of the consumer '${this.name}' is none; delete its document in system.consumers to begin anew`)
  }

  async acknowledge(where: string, token: ResumeToken, session: AcknowledgeOptions['session']): Promise<void> {
    if (this.#epoch === 0) throw new TypeError(`${where}: nothing was read yet; acknowledge an event after it was read`)
    const places = this.#placesIn(where, session)
    const options = places === this.#places && session ? { session: session as ClientSession } : {}
    const { matchedCount } = await places.updateOne({ _id: this.name, epoch: this.#epoch }, { $set: { token } }, options)
    if (matchedCount === 0) {
      const message = `${where}: another reader has taken over the consumer '${this.name}'; only the newest one can acknowledge events`
      throw new MoltenError('CONFLICT', message, numbered('WriteConflict'))
    }
  }
}
