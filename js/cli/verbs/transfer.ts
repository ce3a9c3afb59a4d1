// Verbs that move documents as lines of JSON: export and import.

import { randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import type { ImportResult } from '../../types/index.js'
import { VerbError } from '../failures.js'
import { oneOf, quoted, wholeNumber } from '../line/parse.js'
import { AT, DB, DIR, type Call, type Verb } from '../line/table.js'
import { UsageError } from '../line/usage.js'
import { existing, outside, reading, writing } from '../opening.js'
import { bytes, several } from '../output/text.js'
import { thePackage } from '../package.js'
import { fileOptions, importInto, OF_FORMATS, TAKING } from './files.js'

const NEWLINE = 10
const EXISTS = ['error', 'replace', 'skip'] as const

export const exportVerb: Verb = {
  name: 'export',
  arguments: [DIR, { name: 'COLL', isOptional: true }],
  options: [
    { name: 'out', short: 'o', value: 'FILE', completes: 'file', summary: 'a new file; it appears when it is complete. Default the standard output' },
    { name: 'overwrite', summary: 'replaces the file if it exists' },
    { name: 'all-databases', summary: 'the collections of all databases of the directory' },
    DB, AT
  ],
  summary: 'documents as lines of Extended JSON',
  text: [
    'With COLL each line is a document alone, as mongoexport writes it, and `import DIR COLL FILE` reads it. Without COLL each line names its collection, and `import DIR FILE` reads it.',
    'Indexes are not exported.'
  ],
  examples: ['export data/app users > users.jsonl', 'export data/app --all-databases --out app.jsonl'],
  run: (call) => {
    const { options, verb } = call
    const name = call.arguments[1]
    const allDatabases = options['all-databases'] === true
    if (allDatabases && (name !== undefined || options['db'] !== undefined)) throw new UsageError('--all-databases excludes COLL and --db', verb.name)
    const file = options['out'] === undefined ? undefined : String(options['out'])
    if (file === undefined && options['overwrite']) throw new UsageError('--overwrite needs --out FILE', verb.name)
    if (file !== undefined) outside(call, '--out', file)
    if (file !== undefined && existsSync(file) && !options['overwrite']) throw new VerbError(`${file} exists; name another file, or give --overwrite`)
    return reading(call, async (db) => {
      if (name !== undefined) await existing(db, name, call.signal)
      const target = file === undefined ? new Standard(call) : new NewFile(file)
      const { output, progress, signal } = call
      try {
        const prefix = name === undefined ? undefined : `{"collection":${JSON.stringify(name)},"document":`
        const sink = prefix === undefined ? target.stream : new Unwrapping(prefix)
        const moved = prefix === undefined ? undefined : pipeline(sink as Transform, target.stream, { signal })
        // The export reports the same failure.
        moved?.catch(() => {})
        const result = await db.exportJSONL(sink, {
          signal,
          onProgress: ({ documents, bytes: size }) => {
            if (file !== undefined || !output.isTerminal) progress.transfer(documents, size)
          },
          ...(name !== undefined && { collections: [name] }), ...(allDatabases && { allDatabases })
        })
        await moved
        target.complete()
        if (file === undefined) return
        if (output.isTable) await output.say(`${several(result.documents, 'document')} in ${file}, ${bytes(statSync(file).size)}`)
        else await output.json({ documents: result.documents, bytes: statSync(file).size, file })
      } catch (error) {
        target.remove()
        throw error
      }
    })
  }
}

/** The standard output, which stays open. */
class Standard {
  readonly stream: Writable

  constructor({ output }: Call) {
    this.stream = new Writable({
      write: (piece: Buffer, _encoding, done) => {
        output.bytes(piece).then(() => done(), done)
      }
    })
  }

  complete(): void {}
  remove(): void {}
}

/** A file under another name until it is complete. */
class NewFile {
  readonly stream: Writable
  readonly #partial: string

  constructor(private readonly path: string) {
    this.#partial = `${path}.partial-${randomBytes(4).toString('hex')}`
    this.stream = createWriteStream(this.#partial, { flags: 'wx', flush: true })
  }

  complete(): void {
    renameSync(this.#partial, this.path)
  }

  remove(): void {
    this.stream.destroy()
    rmSync(this.#partial, { force: true })
  }
}

/** Takes from each line what stands around the document; all lines are of one collection. */
class Unwrapping extends Transform {
  readonly #prefix: Buffer
  #rest: Buffer = Buffer.alloc(0)

  constructor(prefix: string) {
    super()
    this.#prefix = Buffer.from(prefix)
  }

  override _transform(piece: Buffer, _encoding: string, done: (error?: Error | null, text?: Buffer) => void): void {
    const text = this.#rest.length > 0 ? Buffer.concat([this.#rest, piece]) : piece
    const parts: Buffer[] = []
    let start = 0
    for (let end = text.indexOf(NEWLINE); end >= 0; end = text.indexOf(NEWLINE, start)) {
      const line = text.subarray(start, end)
      parts.push(this.#document(line), text.subarray(end, end + 1))
      start = end + 1
    }
    this.#rest = text.subarray(start)
    done(null, Buffer.concat(parts))
  }

  #document(line: Buffer): Buffer {
    if (line.subarray(0, this.#prefix.length).equals(this.#prefix)) return line.subarray(this.#prefix.length, -1)
    // In another form than this release writes it.
    return Buffer.from(JSON.stringify((JSON.parse(line.toString()) as { document: unknown }).document))
  }
}

export const importVerb: Verb = {
  name: 'import',
  arguments: [DIR, { name: 'COLL', isOptional: true }, { name: 'FILE|-', completes: 'file' }],
  options: [...OF_FORMATS, ...TAKING, DB],
  summary: 'inserts documents from lines of Extended JSON, or from a file of another database',
  text: [
    'With COLL each line is a document alone, as mongoexport and `export DIR COLL` write it. Without COLL each line is {"collection":"users","document":{...}}. - is the standard input.',
    'With --format, and from files that end in .csv, .tsv, .bson or .nedb, COLL is the collection of formats that name none; default the name of the file. `load` reads what mongodump writes.',
    'It stops at the first record that cannot be imported, and the documents before it are kept; --on-error skip goes on, and needs a format: ndjson for lines. A document of a format without _id gets one that is made of the name of the file and its number there, so the same import with --if-exists skip goes on after an interruption.'
  ],
  examples: [
    'import data/app users users.jsonl', 'mongoexport -c users | moltendb-node import data/app users - --if-exists skip', 'import data/app people.csv --infer --on-error skip --rejects rejects.jsonl', 'import data/app app.db --format lokijs'
  ],
  writes: true,
  run: async (call) => {
    const { options, verb, output, progress, signal } = call
    const [, collection, file] = call.arguments
    const isFile = options['format'] !== undefined || (file !== '-' && (/\.(csv|tsv|bson|nedb)(\.gz)?$/i.test(file!) || isDirectory(file!)))
    if (isFile) {
      if (file === '-') throw new UsageError('--format needs a file; the standard input is lines of Extended JSON', verb.name)
      return importInto(call, file!, { ...fileOptions(call), ...(collection !== undefined && { collection }) })
    }
    const needless = [...OF_FORMATS, ...TAKING].find(({ name }) => options[name] !== undefined && !['if-exists', 'batch-size', 'create'].includes(name))
    if (needless !== undefined) throw new UsageError(`--${needless.name} needs --format`, verb.name)
    const ifExists = oneOf('if-exists', options['if-exists'], EXISTS, verb.name)
    const batchSize = wholeNumber('batch-size', options['batch-size'], verb.name, 1)
    // Before the database is opened: a wrong name changes nothing.
    const total = file === '-' ? undefined : sizeOf(file!)
    let done: ImportResult = { imported: 0, skipped: 0, lines: 0 }
    let read = 0
    await writing(call, async (db) => {
      const source = file === '-' ? process.stdin : createReadStream(file!)
      const pieces = async function* (): AsyncGenerator<Uint8Array, void, void> {
        for await (const piece of source as AsyncIterable<Uint8Array>) {
          read += piece.length
          yield piece
        }
      }
      try {
        done = await db.importJSONL(pieces(), {
          signal,
          onProgress: (result) => {
            done = result
            progress.transfer(result.imported, read, total)
          },
          ...(collection !== undefined && { collection }), ...(ifExists && { ifExists }), ...(batchSize !== undefined && { batchSize })
        })
        await db.flush()
      } catch (error) {
        if (signal.aborted && done.imported > 0) call.tell(`${several(done.imported, 'document')} of the lines before ${done.imported === 1 ? 'is' : 'are'} imported`)
        if (isTaken(error)) error.message = `${error.message}; --if-exists skip or replace goes on over such documents`
        throw error
      } finally {
        source.destroy()
      }
    }, options['create'] === true)
    if (!output.isTable) return output.json(done)
    await output.say(`${several(done.imported, 'document')} imported${done.skipped > 0 ? `, ${done.skipped} skipped because their _id exists` : ''}, ${several(done.lines, 'line')} read`)
  }
}

function isTaken(error: unknown): error is Error {
  return thePackage().MoltenError.isMoltenError(error) && error.kind === 'DUPLICATE_KEY'
}

function isDirectory(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() === true
}

function sizeOf(file: string): number {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found === undefined) throw new VerbError(`there is no file ${quoted(file)} to import`)
  if (found.isDirectory()) throw new VerbError(`${quoted(file)} is a directory; import reads a file of lines, or - for the standard input`)
  return found.size
}
