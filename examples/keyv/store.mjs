// A store for Keyv over a collection: `new Keyv({ store: new MoltenStore(db.collection('cache')) })`. Values that expire are
// removed when they are read; an index on `expires` with `expireAfterSeconds: 0` would remove the others.

import { EventEmitter } from 'node:events'

export class MoltenStore extends EventEmitter {
  #collection

  constructor(collection) {
    super()
    this.#collection = collection
    // Keyv iterates over the stores of a list that it has; this one answers as MongoDB's does.
    this.opts = { url: 'moltendb:', dialect: 'mongo' }
    this.namespace = undefined
  }

  async get(key) {
    return this.#live(await this.#collection.get(key))
  }

  async getMany(keys) {
    return (await this.#collection.getMany(keys)).map((found) => this.#live(found))
  }

  async set(key, value, ttl) {
    await this.#collection.set(key, entryOf(value, ttl))
    return true
  }

  async setMany(entries) {
    await this.#collection.setMany(entries.map(({ key, value, ttl }) => [key, entryOf(value, ttl)]))
    return entries.map(() => true)
  }

  async delete(key) {
    return this.#collection.delete(key)
  }

  async deleteMany(keys) {
    const { deletedCount } = await this.#collection.deleteMany({ _id: { $in: keys } })
    return deletedCount > 0
  }

  async has(key) {
    return (await this.get(key)) !== undefined
  }

  async hasMany(keys) {
    return (await this.getMany(keys)).map((value) => value !== undefined)
  }

  async clear() {
    await this.#collection.deleteMany(this.namespace === undefined ? {} : { _id: { $gte: `${this.namespace}:`, $lt: `${this.namespace};` } })
  }

  async *iterator(namespace) {
    const filter = namespace === undefined ? {} : { _id: { $gte: `${namespace}:`, $lt: `${namespace};` } }
    for await (const found of this.#collection.find(filter)) {
      const value = this.#live(found)
      if (value !== undefined) yield [found._id, value]
    }
  }

  async disconnect() {}

  #live(found) {
    if (found === null) return undefined
    return found.expires !== undefined && found.expires <= new Date() ? undefined : found.value
  }
}

function entryOf(value, ttl) {
  return { value, ...(ttl > 0 && { expires: new Date(Date.now() + ttl) }) }
}
