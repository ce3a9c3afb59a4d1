// Reading a file piece by piece, compressed or not, and its lines.

import { isUtf8 } from 'node:buffer'
import { createReadStream, type ReadStream, statSync } from 'node:fs'
import { pipeline, Readable } from 'node:stream'
import { createGunzip, type Gunzip } from 'node:zlib'

import { MAX_LINE_BYTES } from '../arguments/limits.js'
import { MoltenError } from '../errors.js'

const NEWLINE = 10
const RETURN = 13
const MARK = Buffer.from([0xef, 0xbb, 0xbf])
/** Bytes that are read at once. */
const PIECE = 256 << 10

/** A file that cannot be read on from here: it ends within its compression, or has bytes that are no text. */
export class SourceDamage extends Error {}

/** The file of an import. */
export class Source {
  /** Whether it is compressed; known once its first bytes were read. */
  isCompressed = false
  constructor(readonly path: string, private readonly told: (bytes: number) => void) {}

  /** The bytes of the file, decompressed if it is compressed with gzip. Damage of the compression is a SourceDamage. */
  async* pieces(): AsyncGenerator<Buffer, void, void> {
    const stream = createReadStream(this.path, { highWaterMark: PIECE })
    let unzip: Gunzip | undefined
    try {
      this.isCompressed = await startsWith(this.path, [0x1f, 0x8b])
      if (this.isCompressed) {
        unzip = createGunzip({ chunkSize: PIECE })
        // Whoever reads it gets the error.
        pipeline(Readable.from(this.#counted(stream)), unzip, () => {})
      }
      for await (const piece of unzip ?? this.#counted(stream)) yield piece as Buffer
    } catch (error) {
      throw this.#failure(error as NodeJS.ErrnoException)
    } finally {
      unzip?.destroy()
      stream.destroy()
    }
  }

  async* #counted(stream: ReadStream): AsyncGenerator<Buffer, void, void> {
    for await (const piece of stream) {
      this.told((piece as Buffer).length)
      yield piece as Buffer
    }
  }

  #failure(error: NodeJS.ErrnoException): unknown {
    if (typeof error.code === 'string' && error.code.startsWith('Z_')) return new SourceDamage(`its compression is damaged: ${error.message}`)
    return error.syscall === undefined ? error : unreadable(this.path, error)
  }

  /** The bytes without a byte order mark; UTF-16, which is read as nothing here, is refused. */
  async* text(): AsyncGenerator<Buffer, void, void> {
    let head: Buffer | undefined = Buffer.alloc(0)
    for await (const piece of this.pieces()) {
      if (head === undefined) {
        yield piece
        continue
      }
      head = Buffer.concat([head, piece])
      if (head.length < MARK.length) continue
      const first = head
      head = undefined
      yield this.#start(first)
    }
    if (head !== undefined && head.length > 0) yield this.#start(head)
  }

  #start(head: Buffer): Buffer {
    if ((head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff)) throw new SourceDamage('it is text in UTF-16; save it as UTF-8')
    return head.subarray(0, MARK.length).equals(MARK) ? head.subarray(MARK.length) : head
  }
}

/** A line of a file, without its line break. */
export interface Line {
  bytes: Buffer
  /** From 1. */
  line: number
  /** Its first byte in the text. */
  offset: number
  /** Its bytes with the line break; more than `bytes` holds where it is too long. */
  length: number
  /** Whether a line break ends it. */
  isEnded: boolean
}

/** The lines of a file, those of a piece together. A line that is too long has no bytes. */
export async function* linesOf(source: Source): AsyncGenerator<Line[], void, void> {
  let rest: Buffer[] = []
  let kept = 0
  let length = 0
  let line = 1
  let offset = 0
  const take = (last: Buffer, isEnded: boolean): Line => {
    const whole = length + last.length
    const bytes = kept + last.length > MAX_LINE_BYTES ? Buffer.alloc(0) : rest.length === 0 ? last : Buffer.concat([...rest, last])
    const found: Line = { bytes: withoutReturn(bytes), line, offset, length: whole + (isEnded ? 1 : 0), isEnded }
    rest = []
    kept = 0
    length = 0
    line += 1
    offset += found.length
    return found
  }
  for await (const piece of source.text()) {
    const lines: Line[] = []
    let start = 0
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, start)) {
      lines.push(take(piece.subarray(start, end), true))
      start = end + 1
    }
    if (start < piece.length) {
      const part = piece.subarray(start)
      // What is too long is not kept, but counted.
      if (kept <= MAX_LINE_BYTES) {
        rest.push(part)
        kept += part.length
      }
      length += part.length
    }
    if (lines.length > 0) yield lines
  }
  if (length > 0) yield [take(Buffer.alloc(0), false)]
}

function withoutReturn(bytes: Buffer): Buffer {
  return bytes.at(-1) === RETURN ? bytes.subarray(0, -1) : bytes
}

/** The text of bytes, which must be UTF-8: a byte that is not would become another letter. */
export function textOf(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new SyntaxError('text that is not UTF-8')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}

/** The first bytes of a file. */
export async function headOf(path: string, length: number): Promise<Buffer> {
  const stream: ReadStream = createReadStream(path, { end: length - 1 })
  const pieces: Buffer[] = []
  try {
    for await (const piece of stream) pieces.push(piece as Buffer)
  } catch (error) {
    throw unreadable(path, error as NodeJS.ErrnoException)
  }
  return Buffer.concat(pieces)
}

async function startsWith(path: string, bytes: readonly number[]): Promise<boolean> {
  return (await headOf(path, bytes.length)).equals(Buffer.from(bytes))
}

/** What is at a path; throws when nothing is. */
export function entryAt(where: string, path: string): { isDirectory: boolean; bytes: number } {
  try {
    const found = statSync(path)
    if (!found.isDirectory() && !found.isFile()) throw new MoltenError('IO', `${where}: ${path} is neither a file nor a directory`, { file: path })
    return { isDirectory: found.isDirectory(), bytes: found.isFile() ? found.size : 0 }
  } catch (error) {
    if (MoltenError.isMoltenError(error)) throw error
    throw unreadable(path, error as NodeJS.ErrnoException, where)
  }
}

export function unreadable(path: string, cause: NodeJS.ErrnoException, where?: string): MoltenError {
  const reason = cause.code === 'ENOENT' ? 'there is no such file' : cause.code === 'EISDIR' ? 'it is a directory' : cause.message
  return new MoltenError('IO', `${where === undefined ? '' : `${where}: `}cannot read ${path}: ${reason}`, { file: path, cause })
}
