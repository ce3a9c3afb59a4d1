// Reading a database that another process has open: its files, as of one moment, linked or copied into a directory of their own.
//
// The owner is not asked and not disturbed. Its files change in three ways only: the newest segment grows, records are written behind the 512
// bytes of MANIFEST, and MANIFEST is replaced, after which files that it names no longer may go. So MANIFEST is read first; then the files
// are linked, which keeps what may be removed meanwhile, and the newest segments copied, because a link to a file that grows shows what comes
// later; and then MANIFEST must still begin as it did.

import { createHash, randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { type FileHandle, open, readdir, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'

const HEAD = 512
const PIECE = 1 << 20
/** Offset in MANIFEST of the number of the first segment of the state, and of the snapshot below it. */
const FIRST_SEGMENT = 40
const SNAPSHOT = 48
/** So often a compaction may come in between. */
const ATTEMPTS = 50
const PAUSE = 20

const SEGMENT = /^seg-([\da-f]{16})\.log$/
const SNAPSHOT_FILE = /^snap-([\da-f]{16})\.snp$/
const CHECKPOINT = /^chk-[\da-f]{16}\.chk$/

/** A directory with the files of one moment. */
export interface Beside {
  path: string
  remove(): void
}

/** The files changed while they were taken. */
class Moved extends Error {}

/** Takes the files of a database that its owner goes on writing. */
export async function filesBeside(directory: string, signal: AbortSignal): Promise<Beside> {
  const source = realpathSync(directory)
  const { path: outer, remove } = directoryBeside(source)
  // The name of the directory is that of the default database.
  const path = join(outer, basename(resolve(directory)))
  process.once('exit', remove)
  try {
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted()
      try {
        mkdirSync(path, { mode: 0o700 })
        await take(source, path, signal)
        return { path, remove: () => { process.off('exit', remove); remove() } }
      } catch (error) {
        if (!(error instanceof Moved) || attempt === ATTEMPTS) throw error
        rmSync(path, { recursive: true, force: true })
        await setTimeout(PAUSE)
      }
    }
  } catch (error) {
    process.off('exit', remove)
    remove()
    throw error
  }
}

/** The processes of a machine, or of a container, are known to it alone. */
function hostMark(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
}

/** Removes the directories that readers of this database have left which were killed: they keep files that a compaction has removed, and old keys open them. */
export function removeLeftBehind(directory: string): void {
  try {
    const source = realpathSync(directory)
    const start = `${basename(source)}.partial-`
    for (const name of readdirSync(dirname(source))) {
      const [, pid, host] = (name.startsWith(start) && /^(\d{1,10})-([\da-f]{8})-[\da-f]{8}$/.exec(name.slice(start.length))) || []
      if (host === hostMark() && !isRunning(Number(pid))) rmSync(join(dirname(source), name), { recursive: true, force: true, maxRetries: 3 })
    }
  } catch {
    // It does no harm to the verb; the next one tries again.
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/** A new directory: beside the database, where files can be linked; elsewhere, if that may not be written. */
function directoryBeside(source: string): Beside {
  let path = `${source}.partial-${process.pid}-${hostMark()}-${randomBytes(4).toString('hex')}`
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch {
    path = mkdtempSync(join(tmpdir(), `${basename(source)}.partial-`))
  }
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) }
}

async function take(source: string, path: string, signal: AbortSignal): Promise<void> {
  const manifest = await whole(join(source, 'MANIFEST'))
  if (manifest.length < HEAD) throw new Moved('MANIFEST is short')
  const first = manifest.readBigUInt64LE(FIRST_SEGMENT)
  const snapshot = manifest.readBigUInt64LE(SNAPSHOT)
  const names = await readdir(source)
  const segments = names.filter((name) => SEGMENT.test(name)).toSorted()
  // The newest is written, and the one before it may just have been sealed.
  const growing = segments.slice(-2)
  const opened: { name: string; handle: FileHandle }[] = []
  try {
    for (const name of names) {
      const isSegment = SEGMENT.test(name)
      if (!isSegment && !SNAPSHOT_FILE.test(name) && !CHECKPOINT.test(name)) continue
      try {
        if (!growing.includes(name) && linked(join(source, name), join(path, name))) continue
        opened.push({ name, handle: await open(join(source, name), 'r') })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        // What only the past needs may go at any time.
        if (isNeeded(name, first, snapshot)) throw new Moved(`${name} is gone`)
      }
    }
    // What is open stays readable when it is removed, so the copies below are of this moment or, at the end of the log, later.
    const now = await whole(join(source, 'MANIFEST'))
    if (!now.subarray(0, HEAD).equals(manifest.subarray(0, HEAD))) throw new Moved('MANIFEST was replaced')
    for (const { name, handle } of opened.toSorted((a, b) => (a.name < b.name ? -1 : 1))) await copy(handle, join(path, name), signal)
    await writeFile(join(path, 'MANIFEST'), manifest, { flag: 'wx', mode: 0o600 })
    await writeFile(join(path, 'LOCK'), '', { flag: 'wx', mode: 0o600 })
  } finally {
    for (const { handle } of opened) await handle.close()
  }
}

const number = (digits: string | undefined): bigint => BigInt(`0x${digits ?? '0'}`)

function isNeeded(name: string, first: bigint, snapshot: bigint): boolean {
  const segment = SEGMENT.exec(name)
  if (segment) return number(segment[1]) >= first
  const of = SNAPSHOT_FILE.exec(name)
  return of !== null && number(of[1]) === snapshot
}

async function whole(path: string): Promise<Buffer> {
  try {
    const handle = await open(path, 'r')
    try {
      return await handle.readFile()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Moved(`${path} is being replaced`)
    throw error
  }
}

/** Links a file that no longer changes; false where the file system cannot. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw error
    return false
  }
}

/**
 * Copies a file as long as it is, but what is behind its last byte that is not zero as zeros. That end is looked for first: what is before it was
 * written before it, so that the copy has no hole where a write was still running.
 */
async function copy(handle: FileHandle, to: string, signal: AbortSignal): Promise<void> {
  const { size } = await handle.stat()
  const end = await writtenEnd(handle, size)
  const target = await open(to, 'wx', 0o600)
  try {
    const piece = Buffer.allocUnsafe(PIECE)
    for (let at = 0; at < end;) {
      signal.throwIfAborted()
      const { bytesRead } = await handle.read(piece, 0, Math.min(PIECE, end - at), at)
      if (bytesRead === 0) break
      await target.write(piece, 0, bytesRead, at)
      at += bytesRead
    }
    await target.truncate(size)
  } finally {
    await target.close()
  }
}

async function writtenEnd(handle: FileHandle, size: number): Promise<number> {
  const piece = Buffer.allocUnsafe(PIECE)
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - PIECE)
    const { bytesRead } = await handle.read(piece, 0, end - start, start)
    for (let at = bytesRead - 1; at >= 0; at--) if (piece[at] !== 0) return start + at + 1
    end = start
  }
  return 0
}
