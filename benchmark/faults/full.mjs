// A disk that is really full: a small tmpfs.

import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Database } from '../../index.mjs'

const SIZE = 8 << 20
const FILLER = 4 << 20
const LEFT = 300 << 10
const COUNT = 1_500

const documentOf = (n) => ({ _id: n, body: `document ${n} `.repeat(100) })

/** Runs the work on its own small file system; reports where none can be mounted. */
async function onSmallDisk(base, work) {
  const mount = join(base, 'small')
  mkdirSync(mount)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', mount])
  if (mounted.status !== 0) return { text: 'not measured: a tmpfs cannot be mounted here' }
  try {
    const filler = join(mount, 'filler')
    return await work(join(mount, 'db'), (bytes) => (bytes > 0 ? writeFileSync(filler, Buffer.alloc(bytes)) : rmSync(filler)))
  } finally {
    spawnSync('umount', ['-l', mount])
    rmSync(mount, { recursive: true, force: true })
  }
}

/** Writes until the disk is full, frees space, writes again, reopens; counts acknowledged writes that are missing. */
export function diskFull({ base }) {
  return onSmallDisk(base, (path, take) => {
    take(FILLER)
    return fill(path, () => take(0))
  })
}

/** Compacts without space for the new file, then with space; counts what is missing in between and after. */
export function fullCompaction({ base }) {
  return onSmallDisk(base, async (path, take) => {
    const db = await Database.open(path, { autoCompact: false })
    const documents = db.collection('documents')
    await documents.insertMany(Array.from({ length: COUNT }, (_, n) => documentOf(n)))
    // Space for a write, not for a second copy.
    const { bavail, bsize } = statfsSync(path)
    take(bavail * bsize - LEFT)
    const missing = async (from) => {
      const found = new Map((await from.collection('documents').find({}).toArray()).map((one) => [one._id, one.body]))
      return Array.from({ length: COUNT }, (_, n) => n).filter((n) => found.get(n) !== documentOf(n).body).length
    }
    const refusal = await db.compact().then(() => null, (error) => error)
    if (refusal?.kind !== 'STORAGE_FULL') throw refusal ?? new Error('the disk never was full')
    await documents.insertOne({ _id: 'after' })
    const lost = [await missing(db)]
    await db.close()
    let again = await Database.open(path, { autoCompact: false })
    lost.push(await missing(again))
    take(0)
    await again.compact()
    await again.close()
    again = await Database.open(path)
    lost.push(await missing(again))
    if (!(await again.collection('documents').has('after'))) lost.push(1)
    await again.close()
    return {
      text: `${refusal.kind}; ${lost[0]} of ${COUNT} lost then, ${lost[1]} after reopening, ${lost[2]} after compacting with room`,
      holds: lost.every((count) => count === 0)
    }
  })
}

async function fill(path, makeRoom) {
  const db = await Database.open(path)
  const documents = db.collection('documents')
  const acknowledged = new Set()
  let refusal = null
  let next = 0
  while (refusal === null && next < 100_000) {
    const batch = Array.from({ length: 16 }, () => next++)
    const results = await Promise.allSettled(batch.map((n) => documents.insertOne(documentOf(n))))
    results.forEach((result, at) => {
      if (result.status === 'fulfilled') acknowledged.add(batch[at])
      else refusal ??= result.reason
    })
  }
  if (refusal?.kind !== 'STORAGE_FULL') throw refusal ?? new Error('the disk never was full')
  const before = acknowledged.size
  const trace = (await documents.countDocuments()) - before
  makeRoom()
  for (let n = next; n < next + 100; n++) {
    await documents.insertOne(documentOf(n))
    acknowledged.add(n)
  }
  await db.close()
  const again = await Database.open(path)
  let lost = 0
  for (const n of acknowledged) if ((await again.collection('documents').get(n))?.body !== documentOf(n).body) lost++
  const extra = (await again.collection('documents').countDocuments()) - acknowledged.size
  await again.close()
  return {
    text: `${refusal.kind} after ${before} writes, ${trace} half done; 100 more once there was room; ${lost} lost, ${extra} unknown`,
    holds: trace === 0 && lost === 0 && extra === 0
  }
}
