// The database that the pages are driven with, the same each time.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Database } from '../../index.mjs'

const CITIES = ['Berlin', 'Ghent', 'Graz', 'Lyon', 'Porto', 'Turin']
const PLANS = ['free', 'free', 'free', 'team', 'team', 'business']
const NAMES = ['Ada', 'Barbara', 'Clara', 'Donald', 'Edsger', 'Frances', 'Grace', 'Hedy', 'Ida', 'John']
const ITEMS = ['tea', 'coffee', 'cups', 'filters']
const DAY = 86_400_000
const START = Date.UTC(2026, 2, 1, 9)

/** A database of a shop in a directory `data/shop` that is removed after the tests. Its path is relative, as it is in pictures. */
export async function shop(options) {
  const home = mkdtempSync(join(tmpdir(), 'moltendb-inspector-'))
  process.chdir(home)
  mkdirSync('data')
  let time = START
  const db = await Database.open('data/shop', { history: { changes: {}, past: {} }, clock: () => (time += 61_000), ...options })
  const customers = db.collection('customers')
  await customers.insertMany(Array.from({ length: 1200 }, (_, i) => ({
    _id: i + 1, name: `${NAMES[i % 10]} ${String.fromCharCode(65 + (i * 7) % 26)}.`, age: 18 + (i * 7) % 60, plan: PLANS[(i * 5) % 6], city: CITIES[(i * 11) % 6], active: i % 4 !== 0,
    joined: new Date(START - ((i * 37) % 900) * DAY), address: { street: `Street ${(i * 3) % 90 + 1}`, zip: String(10_000 + i) }, tags: ['early', 'news', 'vip'].slice(0, i % 4), balance: (i * 13) % 500 / 4,
    ...(i % 9 === 0 && { note: i % 2 ? null : 'asked for an invoice' })
  })))
  await customers.createIndex({ age: 1 })
  await customers.createIndex({ plan: 1, city: 1 })
  await customers.createIndex({ joined: -1 }, { sparse: true })
  const orders = db.collection('orders')
  await orders.insertMany(Array.from({ length: 3000 }, (_, i) => ({ _id: 1000 + i, customer: (i * 17) % 1200 + 1, item: ITEMS[i % 4], amount: (i % 9) + 1, price: ((i * 29) % 80 + 5) / 2, at: new Date(START - i * 3_600_000) })))
  for (const [state, more] of [['paid', {}], ['packed', { parcel: 'P-77' }], ['sent', { carrier: 'post' }]]) await orders.updateOne({ _id: 1007 }, { $set: { state, ...more } })
  await orders.updateOne({ _id: 1007 }, { $inc: { amount: 1 }, $unset: { parcel: '' } })
  await orders.deleteOne({ _id: 1008 })
  await db.createCollection('active customers', { viewOn: 'customers', pipeline: [{ $match: { active: true } }] })
  await db.sibling('archive').collection('orders 2019').insertMany([{ _id: 1, item: 'tea' }, { _id: 2, item: 'cups' }])
  const close = async () => {
    await db.close()
    process.chdir(tmpdir())
    rmSync(home, { recursive: true, force: true })
  }
  return { db, customers, orders, close }
}
