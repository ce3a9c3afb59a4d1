// The entities of a test: what its operations are called on. Clients share one database in memory, as they would share one server.

import { ObjectId } from 'bson'

import { Database } from '../../index.mjs'

/** Options of a client that say how it talks to a server. */
const OF_CONNECTIONS = new Set(['retryWrites', 'retryReads', 'socketTimeoutMS', 'w', 'readConcernLevel', 'readPreference'])

export class Entities {
  #root
  #entities = new Map()
  #ends = []

  /** As a program of the driver has it: ObjectIds are created for documents without `_id`. */
  static async open() {
    const entities = new Entities()
    entities.#root = await Database.open(':memory:', { ObjectId, pkFactory: { createPk: () => new ObjectId() } })
    return entities
  }

  get map() {
    return this.#entities
  }

  /** A database, for what the test itself checks. */
  database(name) {
    return this.#root.sibling(name)
  }

  create(list) {
    for (const entry of list) {
      const [[type, settings]] = Object.entries(entry)
      this.set(settings.id, { type, value: this.#make(type, settings) })
    }
  }

  #make(type, settings) {
    switch (type) {
      case 'client': {
        const unknown = Object.keys(settings.uriOptions ?? {}).find((name) => !OF_CONNECTIONS.has(name))
        if (unknown !== undefined) throw new Error(`the option ${unknown} of a client is unknown`)
        return this.#root
      }
      case 'database':
        return this.database(settings.databaseName)
      case 'collection':
        return this.value(settings.database, 'database').collection(settings.collectionName, settings.collectionOptions)
      case 'session': {
        const session = this.value(settings.client, 'client').startSession(settings.sessionOptions)
        this.#ends.push(() => session.endSession())
        return session
      }
      default:
        throw new Error(`entities of type ${type} are unknown`)
    }
  }

  set(id, entity) {
    if (this.#entities.has(id)) throw new Error(`there are two entities ${id}`)
    this.#entities.set(id, entity)
    if (entity.type === 'changeStream') this.#ends.push(() => entity.value.close())
  }

  get(id) {
    const entity = this.#entities.get(id)
    if (entity === undefined) throw new Error(`there is no entity ${id}`)
    return entity
  }

  value(id, type) {
    const entity = this.get(id)
    if (entity.type !== type) throw new Error(`${id} is no ${type}`)
    return entity.value
  }

  /** The entities by their ids, as expectations name them. */
  get values() {
    return new Map([...this.#entities].map(([id, { value }]) => [id, value]))
  }

  async close() {
    for (const end of this.#ends) await end()
    await this.#root.close()
  }
}
