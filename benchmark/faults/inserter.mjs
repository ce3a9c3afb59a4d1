// A worker of the concurrent writers: 16 concurrent loops insert and increment.

import { workerData } from 'node:worker_threads'
import { Database } from '../../index.mjs'

const WORKERS = 16
const { path, name, count } = workerData
const db = await Database.open(path)
const documents = db.collection('documents')
const counters = db.collection('counters')
const worker = async (first) => {
  for (let at = first; at < count; at += WORKERS) {
    await documents.insertOne({ _id: `${name}-${at}`, at })
    await counters.updateOne({ _id: 'all' }, { $inc: { n: 1 } }, { upsert: true })
  }
}
await Promise.all(Array.from({ length: WORKERS }, (_, first) => worker(first)))
await db.close()
