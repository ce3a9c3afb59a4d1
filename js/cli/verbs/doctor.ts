// The verb doctor: what is wrong, and what could be better, in sentences.

import { readdirSync, statfsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

import type { DatabaseStats, IndexDescriptionInfo, Verification } from '../../types/index.js'
import { EXIT } from '../failures.js'
import { DIR, type Call, type Verb } from '../line/table.js'
import { directoryOf, generations, reading, verified } from '../opening.js'
import { bytes, grouped, several } from '../output/text.js'
import type { Database } from '../package.js'
import { written } from '../../values/extended-json.js'
import { reasonOf } from './maintenance.js'
import { changesText, pastText } from './listings.js'

/** Less garbage than this is not worth a compaction. */
const WORTH = 1_000_000
/** An automatic compaction begins at so many segments. */
const MANY_SEGMENTS = 100

interface Finding {
  /** Problems make the exit code 1. */
  level: 'good' | 'advice' | 'problem'
  topic: 'files' | 'recovery' | 'space' | 'history' | 'indexes'
  message: string
}

export const doctor: Verb = {
  name: 'doctor',
  arguments: [DIR],
  options: [],
  summary: 'examines the files, what recovery found, space, history and indexes; exit code 1 if something is wrong',
  examples: ['doctor data/app'],
  run: async (call) => {
    const { output } = call
    const findings: Finding[] = []
    for await (const finding of examined(call)) {
      findings.push(finding)
      call.progress.end()
      if (output.isTable) await output.say(`${{ good: 'ok', advice: 'advice', problem: 'PROBLEM' }[finding.level].padEnd(8)}${finding.message}`)
      else await output.json(finding)
    }
    return findings.some(({ level }) => level === 'problem') ? EXIT.failed : EXIT.ok
  }
}

async function* examined(call: Call): AsyncGenerator<Finding, void, void> {
  const directory = directoryOf(call)
  const { signal } = call
  const { isOpen, ...verification } = await verified(call)
  yield* filesOf(verification, isOpen)
  yield* leftovers(directory)
  let findings: Finding[]
  try {
    findings = await reading(call, async (db) => {
      const stats = await db.stats({ signal })
      return [...recoveryOf(db), ...spaceOf(directory, stats), ...historyOf(stats), ...await indexesOf(db, stats, signal)]
    })
  } catch (error) {
    if (verification.ok || signal.aborted) throw error
    // The damage is told already; this is what it does to the program.
    findings = [{ level: 'problem', topic: 'recovery', message: `Database.open rejects: ${reasonOf(error, directory)}` }]
  }
  yield* findings
}

function* filesOf({ ok, files, documents, lastLsn, clean }: Verification, isOpen: boolean): Generator<Finding, void, void> {
  for (const { file, firstDamage } of files) {
    if (firstDamage) yield { level: 'problem', topic: 'files', message: `${file} is damaged at byte ${firstDamage.offset}: ${firstDamage.message}` }
  }
  const size = files.reduce((sum, file) => sum + file.bytes, 0)
  const whole = `${several(files.length, 'file')} of ${bytes(size)}, ${several(documents, 'document')} up to commit ${grouped(lastLsn)}`
  if (ok) yield { level: 'good', topic: 'files', message: `every byte was read and every checksum is right: ${whole}` }
  else yield { level: 'problem', topic: 'files', message: `restore a backup that verifies, or make a database of what is whole before the damage: moltendb-node recover DIR DEST --allow-partial; readable are ${whole}` }
  const torn = files.reduce((sum, file) => sum + file.tornBytes, 0)
  if (torn > 0 && !isOpen) yield { level: 'advice', topic: 'recovery', message: `${bytes(torn)} of an unfinished write are at the end of the log, from a kill or a power cut; the next opening removes them, and no acknowledged write is among them` }
  if (!clean && !isOpen) yield { level: 'advice', topic: 'recovery', message: 'the last program did not close the database; its next opening reads the log since the last checkpoint. Call db.close() when the program ends' }
}

/** What stands beside the files of the database. */
function* leftovers(directory: string): Generator<Finding, void, void> {
  const quarantined = namesIn(join(directory, 'quarantine'))
  if (quarantined.length > 0) yield { level: 'advice', topic: 'recovery', message: `quarantine/ holds ${several(quarantined.length, 'piece')} that a recovery has cut off; delete them when nothing is missing` }
  const old = generations(directory)
  if (old > 0) yield { level: 'advice', topic: 'space', message: `backup/ holds ${several(old, 'old generation')} that the option retention keeps; each is a database that opens by itself` }
  const { base, parent } = { base: basename(resolve(directory)), parent: dirname(resolve(directory)) }
  const partial = namesIn(parent).filter((name) => name.startsWith(`${base}.partial-`))
  if (partial.length > 0) yield { level: 'advice', topic: 'space', message: `${partial.join(', ')} beside it ${partial.length === 1 ? 'is a copy that was' : 'are copies that were'} never finished; no database needs ${partial.length === 1 ? 'it' : 'them'}` }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function* recoveryOf({ recovery }: Database): Generator<Finding, void, void> {
  const { suspectTail, bytesCut } = recovery
  if (suspectTail) yield { level: 'problem', topic: 'recovery', message: `the end of the log has ${bytes(bytesCut)} that a power cut does not explain; make a backup before a program opens it` }
}

function* spaceOf(directory: string, { liveBytes, bytesOnDisk, segments, history, checkpointBytes }: DatabaseStats): Generator<Finding, void, void> {
  const past = (history?.changes?.bytes ?? 0) + (history?.past?.bytes ?? 0)
  const garbage = Math.max(0, bytesOnDisk - past - liveBytes)
  const share = bytesOnDisk > 0 ? Math.round((100 * garbage) / bytesOnDisk) : 0
  if (garbage > WORTH && garbage > liveBytes) yield { level: 'advice', topic: 'space', message: `about ${bytes(garbage)} of ${bytes(bytesOnDisk)} (${share} %) are replaced or deleted documents: moltendb-node compact DIR gives them back` }
  else if (segments >= MANY_SEGMENTS) yield { level: 'advice', topic: 'space', message: `the log has ${grouped(segments)} segments; moltendb-node compact DIR makes one file of them` }
  else yield { level: 'good', topic: 'space', message: `${bytes(liveBytes)} of documents take ${bytes(bytesOnDisk)} on disk${checkpointBytes > 0 ? `, and ${bytes(checkpointBytes)} for a checkpoint, which makes opening quick` : ''}` }
  const free = freeBytes(directory)
  // A compaction, and a backup beside the database, need room for another copy of the documents.
  if (free !== undefined && free < liveBytes * 1.2 + 10_000_000) yield { level: 'problem', topic: 'space', message: `only ${bytes(free)} are free on this drive, and a compaction needs about ${bytes(liveBytes)}: free some space` }
}

function freeBytes(directory: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(directory)
    return bavail * bsize
  } catch {
    return undefined
  }
}

function* historyOf({ history }: DatabaseStats): Generator<Finding, void, void> {
  yield { level: 'good', topic: 'history', message: `changes can be read ${changesText(history)}, earlier states ${pastText(history)}` }
}

async function indexesOf(db: Database, { suggestedIndexes, databases }: DatabaseStats, signal: AbortSignal): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { collection, key, scans } of suggestedIndexes) {
    findings.push({ level: 'advice', topic: 'indexes', message: `an index ${written(key)} on ${collection} would have helped ${several(scans, 'scan')}` })
  }
  let indexes = 0
  for (const { name } of databases) {
    const database = name === db.databaseName ? db : db.sibling(name)
    for await (const listed of database.listCollections({ type: 'collection' }, { nameOnly: true, signal })) {
      const collection = database.collection(listed.name)
      const all = await collection.indexes({ signal }) as IndexDescriptionInfo[]
      indexes += all.length - 1
      for (const [less, more] of redundant(all)) {
        findings.push({ level: 'advice', topic: 'indexes', message: `the index ${less} on ${name}.${collection.collectionName} does nothing that ${more} does not: drop it, and writes are faster` })
      }
    }
  }
  if (findings.length === 0) {
    findings.push({ level: 'good', topic: 'indexes', message: `${several(indexes, 'index', 'indexes')} besides those on _id; which are missing is known to the program that runs the queries: db.stats() tells it as suggestedIndexes, moltendb-node explain for one query` })
  }
  return findings
}

/** Indexes whose fields are the first ones of another, where neither has more to say. */
function redundant(indexes: readonly IndexDescriptionInfo[]): [string, string][] {
  const plain = indexes.filter((index) => Object.keys(index).every((field) => ['v', 'key', 'name'].includes(field)) && index.name !== '_id_')
  return plain.flatMap((index) => {
    const fields = JSON.stringify(Object.entries(index.key)).slice(0, -1)
    const wider = plain.find((other) => other !== index && JSON.stringify(Object.entries(other.key)).startsWith(`${fields},`))
    return wider ? [[index.name, wider.name] as [string, string]] : []
  })
}
