// A disk that is full, for real: a small tmpfs.

import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Database } from '../../index.mjs'

const SIZE = 8 << 20
const FILLER = 4 << 20

const documentOf = (n) => ({ _id: n, body: `document ${n} `.repeat(100) })

/** Writes until the disk is full, frees space, writes on, reopens; counts acknowledged writes that are missing. */
export async function diskFull({ base }) {
  const mount = join(base, 'small')
  mkdirSync(mount)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', mount])
  if (mounted.status !== 0) return { text: 'not measured: a tmpfs cannot be mounted here' }
  try {
    const filler = join(mount, 'filler')
    writeFileSync(filler, Buffer.alloc(FILLER))
    return await fill(join(mount, 'db'), () => rmSync(filler))
  } finally {
    spawnSync('umount', ['-l', mount])
  }
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
