// The form of the table of verbs. Parsing, help and completions are made from it, so that they cannot differ.

import type { Output } from '../output/output.js'
import type { Progress } from '../output/progress.js'

/** What the shell completes in a place of the command line. */
export type Completes = 'directory' | 'file' | readonly string[]

export interface Option {
  name: string
  short?: string
  /** What stands for its value in the help; an option without is a flag. */
  value?: string
  completes?: Completes
  summary: string
}

export interface Argument {
  name: string
  isOptional?: boolean
  completes?: Completes
}

/** A call of a verb. */
export interface Call {
  verb: Verb
  /** The arguments; those that are optional and absent are undefined. */
  arguments: (string | undefined)[]
  /** The options by name: true for a flag, else its text. */
  options: { [name: string]: string | true | undefined }
  output: Output
  progress: Progress
  /** Aborted by SIGINT, SIGTERM, and, for a verb that only reads, when nobody reads the output any more. */
  signal: AbortSignal
  /** A line on the standard error. */
  tell(text: string): void
}

export interface Verb {
  name: string
  arguments: readonly Argument[]
  options: readonly Option[]
  summary: string
  /** More about it, for its help. */
  text?: readonly string[]
  examples?: readonly string[]
  /** Whether it changes the database. */
  writes?: boolean
  /** Answers the exit code; none is 0. */
  run(call: Call): Promise<number | void> | number | void
}

/** The options of every verb. */
export const COMMON: readonly Option[] = [
  { name: 'json', summary: 'JSON, one object a line; the default where the output is no terminal' },
  { name: 'table', summary: 'tables for people; the default on a terminal' },
  { name: 'no-color', summary: 'no colours; also by the environment variable NO_COLOR' },
  { name: 'help', short: 'h', summary: 'how the verb is called' }
]

/** The option of every verb that opens a database. */
export const KEY_FILE: Option = {
  name: 'key-file', value: 'FILE', completes: 'file',
  summary: 'a file with the encryptionKey: its text, or hex: and 64 digits; also by the environment variable MOLTENDB_KEY'
}

/** Options that several verbs have. */
export const DB: Option = { name: 'db', value: 'NAME', summary: 'another database of the directory' }
export const AT: Option = { name: 'at', value: 'LSN|DATE', summary: 'the database as it was after a commit, or at a time' }

export const DIR: Argument = { name: 'DIR', completes: 'directory' }
export const COLL: Argument = { name: 'COLL' }

/** The verb as it is called: `find DIR COLL [FILTER]`. */
export function usageOf(verb: Verb): string {
  return [verb.name, ...verb.arguments.map(({ name, isOptional }) => (isOptional ? `[${name}]` : name))].join(' ')
}
