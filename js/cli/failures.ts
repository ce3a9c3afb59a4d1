// What an error means for the person at the terminal: one line with the next step, and the exit code.

import { statSync } from 'node:fs'
import { join, relative } from 'node:path'

import { ValueError } from '../values/value-error.js'
import { UsageError } from './line/usage.js'
import { thePackage, type MoltenError } from './package.js'
import { safe } from './output/text.js'

/** The exit codes; docs/guide/command-line.md tells them. */
export const EXIT = { ok: 0, failed: 1, usage: 2, locked: 3, noDatabase: 4, interrupted: 130, terminated: 143 } as const

/** The method in front of a message, after the name of a class or of a collection, which may have any letters. */
const PLACE = /^(?:Database\.\w+|ChangeStream\.\w+|.{1,130}?\.(?:find|aggregate|countDocuments|explain|stats|indexes|history|listCollections)(?:\(\)(?:\.\w+)?)?): /s

/** A verb could not do what it was asked to; the message is for people. */
export class VerbError extends Error {
  constructor(message: string, readonly code: number = EXIT.failed, options?: ErrorOptions) {
    super(message, options)
  }
}

/** A signal ended the program. */
export class Interrupted extends Error {
  constructor(readonly signal: NodeJS.Signals) {
    super(signal === 'SIGINT' ? 'interrupted' : 'terminated')
  }
}

/** The line and the exit code of an error; whether the verb can make a database is of use where there is none. */
export function failureOf(error: unknown, directory: string | undefined, creates = false): { message: string; code: number } {
  const { message, code } = explained(error, directory, creates)
  return { message: `moltendb-node: ${safe(message.replace(/\s*\n\s*/g, ' ').trim())}`, code }
}

function explained(error: unknown, directory: string | undefined, creates: boolean): { message: string; code: number } {
  if (error instanceof UsageError) {
    const help = error.verb === undefined ? 'moltendb-node help' : `moltendb-node help ${error.verb}`
    return { message: `${error.message} (see ${help})`, code: EXIT.usage }
  }
  if (error instanceof ValueError) return { message: `${error.message} (see moltendb-node help)`, code: EXIT.usage }
  if (error instanceof VerbError) return { message: error.message, code: error.code }
  if (error instanceof Interrupted) return { message: error.message, code: error.signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated }
  const message = withoutPlace(error instanceof Error ? error.message : String(error))
  if (thePackage().MoltenError.isMoltenError(error)) return { message: advised(error, message, directory, creates), code: codeOf(error, directory) }
  return { message, code: EXIT.failed }
}

function codeOf(error: MoltenError, directory: string | undefined): number {
  if (error.kind === 'LOCKED') return EXIT.locked
  return error.kind === 'IO' && directory !== undefined && isOf(error, directory) && !isDatabase(directory) ? EXIT.noDatabase : EXIT.failed
}

/** Whether an error may be of this directory: another file that could not be read says nothing of it. */
function isOf({ file }: MoltenError, directory: string): boolean {
  return file === undefined || !relative(directory, file).startsWith('..')
}

function advised(error: MoltenError, message: string, directory: string | undefined, creates: boolean): string {
  const where = directory ?? 'the directory'
  switch (error.kind) {
    case 'LOCKED': {
      const holder = error.pid === undefined ? 'another process' : `process ${error.pid}`
      return `${where} is held by ${holder}; end it, or look with a verb that only reads`
    }
    case 'IO':
      return codeOf(error, directory) === EXIT.noDatabase ? `there is no database at ${where}; give the directory that a program passes to Database.open${creates ? ', or --create to make one' : ''}` : message
    case 'CORRUPT_TAIL':
      return `${message.replace(/, or open with recovery: 'truncate'.*/, '')}; \`moltendb-node recover DIR --truncate\` goes on without them, and keeps them in quarantine/`
    case 'CORRUPT':
      return `${message}; \`moltendb-node verify\` shows all damage, \`moltendb-node recover\` makes a database of what is whole`
    case 'KEY_REQUIRED':
      return `${where} is encrypted; set the environment variable MOLTENDB_KEY, or give --key-file FILE`
    case 'READ_ONLY':
      return 'this verb only reads, and $out and $merge write; run such a pipeline in a program'
    case 'HISTORY_LOST':
      return `${message}; the option history of Database.open keeps more`
    default:
      return message
  }
}

/** Errors of the package begin with the method that was called, which is of no use here. */
function withoutPlace(message: string): string {
  return message.replace(PLACE, '')
}

/** Whether a directory looks like a database: every one has a MANIFEST. */
export function isDatabase(path: string): boolean {
  try {
    return statSync(join(path, 'MANIFEST'), { throwIfNoEntry: false })?.isFile() ?? false
  } catch (error) {
    // What may not be looked at may be there.
    return (error as NodeJS.ErrnoException).code !== 'ENOTDIR'
  }
}
