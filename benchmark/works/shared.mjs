// Shared by the works.
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { documentAt, idOf, random } from '../documents.mjs'

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export async function residentBytes() {
  for (let round = 0; round < 3; round++) {
    globalThis.gc()
    await pause(50)
  }
  return process.memoryUsage().rss
}

export async function secondsOf(action) {
  const start = performance.now()
  await action()
  return (performance.now() - start) / 1000
}

/** Disk space of the files below these paths. */
export function bytesIn(directory) {
  let sum = 0
  for (const entry of readdirSync(directory, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) sum += statSync(join(entry.parentPath ?? entry.path, entry.name)).blocks * 512
  }
  return sum
}

export function fresh(directory) {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  return directory
}

export function must(condition, message) {
  if (!condition) throw new Error(`wrong answer: ${message}`)
}

/** Generators of ids, by the seed. */
export function idsOf(documents, seed) {
  return (count) => {
    const next = random(seed + 17)
    return Array.from({ length: count }, () => idOf(Math.floor(next() * documents)))
  }
}

/** The content of the documents, as plain columns: the right results. */
export function columnsOf(documents, seed) {
  const columns = { score: new Float64Array(documents), age: new Uint8Array(documents), city: new Array(documents) }
  for (let index = 0; index < documents; index++) {
    const { score, age, city } = documentAt(index, seed)
    columns.score[index] = score
    columns.age[index] = age
    columns.city[index] = city
  }
  return columns
}

/** The maximum concurrency. */
export async function atOnce(workers, items, run) {
  let next = 0
  const worker = async () => {
    while (next < items.length) await run(items[next++])
  }
  await Promise.all(Array.from({ length: workers }, worker))
}
