// Verbs for the files: verify, compact, backup, recover.

import type { Moment, VerifiedFile } from '../../types/index.js'
import { EXIT, failureOf } from '../failures.js'
import { AT, DIR, type Call, type Verb } from '../line/table.js'
import { UsageError } from '../line/usage.js'
import { directoryOf, keyOf, reading, verified, writing } from '../opening.js'
import { bytes, grouped, moment, several } from '../output/text.js'
import { thePackage } from '../package.js'
import { lsnOf, timeOf } from '../line/moment.js'

const DEST = { name: 'DEST', completes: 'directory' as const }

export const verify: Verb = {
  name: 'verify',
  arguments: [DIR],
  options: [],
  summary: 'reads every byte and tells what is damaged; exit code 1 if anything is',
  examples: ['verify backups/monday'],
  run: async (call) => {
    const { output, progress } = call
    const { isOpen, ...found } = await verified(call)
    progress.end()
    if (output.isTable) {
      await output.table(found.files.map(rowOf), ['file', 'kind', 'bytes', 'commits', 'state'])
      await output.rest()
      const damaged = found.files.filter(({ firstDamage }) => firstDamage !== null)
      for (const { file, firstDamage } of damaged) await output.say(`${file} is damaged at byte ${firstDamage!.offset}: ${firstDamage!.message}`)
      await output.say(`${found.ok ? 'No damage' : `Damage in ${several(damaged.length, 'file')}`}; ${several(found.documents, 'document')} up to commit ${grouped(found.lastLsn)} can be read.${found.clean || isOpen ? '' : ' The last program did not close it.'}`)
      if (!found.ok) await output.say('`moltendb-node recover DIR DEST --allow-partial` makes a new database of what is whole before the damage.')
    } else {
      await output.json(found)
    }
    return found.ok ? EXIT.ok : EXIT.failed
  }
}

function rowOf({ file, kind, bytes: size, frames, tornBytes, firstDamage }: VerifiedFile): { [column: string]: unknown } {
  const state = firstDamage ? `damaged at ${firstDamage.offset}` : tornBytes > 0 ? `whole, but for ${bytes(tornBytes)} of an unfinished write` : 'whole'
  return { file, kind, bytes: size, commits: frames, state }
}

export const compact: Verb = {
  name: 'compact',
  arguments: [DIR],
  options: [],
  summary: 'writes the live documents anew, and gives the space of the others back',
  text: ['What is kept of the past stays: the change history, earlier states, and old generations in backup/.'],
  examples: ['compact data/app'],
  writes: true,
  run: (call) => writing(call, async (db) => {
    const { output, signal, progress } = call
    const done = await db.compact({ signal, onProgress: progress.steps })
    progress.end()
    if (!output.isTable) return output.json(done)
    const saved = done.bytesBefore - done.bytesAfter
    await output.say(`${several(done.documents, 'document')} kept; ${bytes(done.bytesBefore)} became ${bytes(done.bytesAfter)}${saved > 0 ? `, ${bytes(saved)} were given back` : ''}, in ${grouped(Math.round(done.ms))} ms`)
  })
}

export const backup: Verb = {
  name: 'backup',
  arguments: [DIR, DEST],
  options: [AT],
  summary: 'copies the database into a new directory, and reads the copy back',
  examples: ['backup data/app backups/monday', 'backup data/app backups/before --at 2h'],
  run: (call) => reading(call, async (db) => {
    const { output, signal, progress } = call
    const destination = call.arguments[1]!
    const done = await db.backup(destination, { signal, onProgress: progress.steps })
    progress.end()
    if (!output.isTable) return output.json(done)
    await output.say(`${several(done.documents, 'document')}, ${bytes(done.bytes)}, up to commit ${grouped(done.lsn)} in ${destination}, read back in ${grouped(Math.round(done.ms))} ms`)
  })
}

export const recover: Verb = {
  name: 'recover',
  arguments: [DIR, { ...DEST, isOptional: true }],
  options: [
    { name: 'lsn', value: 'LSN', summary: 'the moment after this commit' },
    { name: 'time', value: 'DATE', summary: 'the moment of this time; default now, the end of the log' },
    { name: 'allow-partial', summary: 'where the files are damaged before that moment, the newest one before the damage' },
    { name: 'truncate', summary: 'without DEST: cuts off in DIR itself an end of the log that looks damaged, and keeps it in quarantine/' }
  ],
  summary: 'makes a new database of an earlier moment, also of a damaged directory',
  text: [
    'DIR stays as it is, but with --truncate.',
    'A program refuses to open a database (CORRUPT_TAIL) whose log ends with bytes that no power cut explains. --truncate does what its option recovery: \'truncate\' does: the commits before them stay. Damage before the end is left alone, for a recovery into DEST.'
  ],
  examples: ['recover data/app data/before --time 2024-05-01T12:00:00Z', 'recover data/app data/rescued --allow-partial', 'recover data/app --truncate'],
  run: async (call) => {
    const { output, signal, options } = call
    const destination = call.arguments[1]
    if (options['truncate'] === true) return truncate(call)
    if (destination === undefined) throw new UsageError('DEST is needed, a directory for the new database; --truncate mends the end of the log in DIR', 'recover')
    const at = recoveryMoment(call)
    const allowPartial = options['allow-partial'] === true
    const done = await thePackage().Database.recoverTo(directoryOf(call), destination, at, { allowPartial, signal, ...keyOf(call) }).catch((error: unknown) => {
      if (!allowPartial && thePackage().MoltenError.isMoltenError(error) && (error.kind === 'CORRUPT' || error.kind === 'TAMPERED')) error.message = `${error.message}; --allow-partial takes that much`
      throw error
    })
    if (!output.isTable) return output.json(done)
    await output.say(`${several(done.documents, 'document')}, ${bytes(done.bytes)}, of the moment after commit ${grouped(done.lsn)}${done.time === null ? '' : ` (${moment(done.time)})`} in ${destination}`)
    if (done.damage) await output.say(`It is an earlier moment than the one that was asked for: ${done.damage.message}`)
  }
}

function recoveryMoment({ options, verb }: Call): Moment {
  const { lsn, time } = options
  if (lsn !== undefined && time !== undefined) throw new UsageError('--lsn and --time are two moments; give one of them', verb.name)
  if (lsn !== undefined) return { lsn: lsnOf('lsn', String(lsn), verb.name) }
  return { time: time === undefined || time === 'now' ? new Date() : timeOf('time', String(time), verb.name) }
}

/** Cuts off an end of the log that looks damaged. */
async function truncate(call: Call): Promise<void> {
  const { output, options, verb } = call
  const other = ['lsn', 'time', 'allow-partial'].find((name) => options[name] !== undefined)
  if (call.arguments[1] !== undefined) throw new UsageError('--truncate changes DIR itself: leave out DEST', verb.name)
  if (other !== undefined) throw new UsageError(`--${other} is for a new database, and --truncate changes DIR itself`, verb.name)
  const { bytesCut, quarantine, lastLsn } = await writing(call, async (db) => db.recovery, false, { recovery: 'truncate' })
  if (!output.isTable) return output.json({ bytesCut, quarantine, lastLsn })
  const cut = bytesCut === 0 ? 'Nothing had to be cut off' : `${bytes(bytesCut)} were cut off, and are in ${quarantine}`
  await output.say(`${cut}; the database ends with commit ${grouped(lastLsn)}.`)
}

/** What an error of a verb within another one means. */
export function reasonOf(error: unknown, directory: string): string {
  return failureOf(error, directory).message.replace(/^moltendb-node: /, '')
}
