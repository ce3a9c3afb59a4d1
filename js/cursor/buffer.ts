// The buffer of a cursor: the documents that were fetched and not read yet, and how the next ones are fetched.

import { wrongArgument } from '../arguments/arguments.js'
import { BATCH } from '../arguments/limits.js'
import type { Namespace } from '../arguments/namespace.js'
import type { Connection } from '../connection/connection.js'
import { MoltenError } from '../errors.js'
import type { Scope } from '../request/request.js'
import { RemoteCursor } from './remote-cursor.js'

/** The source of a cursor's documents. */
export interface CursorSource {
  connection: Connection
  /** Kept alive with the cursor, and so is the database. */
  owner: object
  namespace: Namespace
  /** The session, or the transaction, that its reads belong to. */
  session?: Scope | undefined
}

/** What one kind of cursor reads. */
export interface Reading {
  readonly source: CursorSource
  /** The method that made the cursor. */
  readonly method: 'find' | 'aggregate'
  /** What must be done before the first read, for messages. */
  readonly first: 'set options' | 'add stages'
  readonly settings: { readonly batch: number; readonly signal: AbortSignal | undefined }
  /** The batch size of toArray, which reads all documents. */
  readonly largeBatch: number
  /** Fetches the first batch; of a tailable cursor `wait` is how long there may be no document, in milliseconds, or null. */
  open(remote: RemoteCursor, where: string, batch: number, wait: number | null): Promise<unknown[]>
  /** How long tryNext waits, if the cursor waits for more documents; otherwise undefined. */
  patience?(): number | undefined
}

/** Closes cursors that the program dropped before their end. */
const abandoned = new FinalizationRegistry<RemoteCursor>((remote) => {
  remote.close().catch(() => {})
})

/**
 * The documents of a cursor. A pending read refers to them, so a cursor dropped meanwhile is closed only after that read.
 */
export class CursorBuffer {
  /** The functions of `map`, combined. */
  transform: ((document: any) => unknown) | undefined
  readonly #reading: Reading
  #remote: RemoteCursor | undefined
  #documents: unknown[] = []
  #at = 0
  #fetching: Promise<void> | undefined
  /** Whether it waits as long as it takes. */
  #isWaiting = false
  #started = false
  #exhausted = false
  #closed = false
  #closedByCaller = false
  #killed = false

  constructor(reading: Reading) {
    this.#reading = reading
  }

  /** Whether the cursor was closed, not only read to its end. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** Whether there is nothing more to read. */
  get hasEnded(): boolean {
    return this.#closed || (this.#exhausted && this.count === 0)
  }

  /** The number of buffered documents: fetched and not read yet. */
  get count(): number {
    return this.#documents.length - this.#at
  }

  where(method: string): string {
    const { source, method: made } = this.#reading
    return `${source.namespace.shown}.${made}().${method}`
  }

  checkOpen(method: string): string {
    const where = this.where(method)
    this.#reading.source.connection.checkOpen(where)
    // Its signal has ended it: it has no end to tell.
    if (this.#closed && !this.#closedByCaller && !this.#exhausted) this.#reading.settings.signal?.throwIfAborted()
    return where
  }

  /** Refuses to change a cursor that has started. */
  configure(method: string): void {
    if (this.#started || this.#closed) {
      throw new TypeError(`${this.where(method)}: the cursor has started; ${this.#reading.first} before the first read, or use clone()`)
    }
  }

  checkFunction(method: string, name: string, value: unknown): void {
    if (typeof value !== 'function') throw wrongArgument(this.where(method), name, 'a function', value)
  }

  /** Adds a function that is applied to each document. */
  map(transform: (document: any) => unknown): void {
    this.configure('map')
    this.checkFunction('map', 'transform', transform)
    const before = this.transform
    this.transform = before ? (document) => transform(before(document)) : transform
  }

  async next(method: string): Promise<any> {
    const where = this.checkOpen(method)
    if (this.#killed) throw new MoltenError('CLOSED', `${where}: the cursor was closed; use rewind() or a new ${this.#reading.method}()`)
    // Checked again after each wait: a concurrent next may have taken the documents.
    while (this.#at === this.#documents.length) {
      if (this.#closed || !(await this.#fill(where, BATCH))) return null
    }
    return this.#shape(where, this.#documents[this.#at++])
  }

  /** The next document; of a tailable cursor null where there is none within its patience. */
  async tryNext(): Promise<any> {
    const patience = this.#reading.patience?.()
    if (patience === undefined) return this.next('tryNext')
    const where = this.checkOpen('tryNext')
    if (this.#at === this.#documents.length && !this.hasEnded) {
      // What comes belongs to the next that waits.
      if (this.#isWaiting) return null
      await (this.#fetching ??= this.#fetch(where, BATCH, patience).finally(() => (this.#fetching = undefined)))
    }
    return this.#at === this.#documents.length ? null : this.next('tryNext')
  }

  async hasNext(): Promise<boolean> {
    const where = this.checkOpen('hasNext')
    return !this.#closed && this.#fill(where, BATCH)
  }

  async toArray(): Promise<any[]> {
    const where = this.checkOpen('toArray')
    let all: unknown[] = []
    try {
      while (!this.#closed && (await this.#fill(where, this.#reading.largeBatch))) {
        if (all.length === 0 && !this.transform) all = this.take(this.count)
        while (this.#at < this.#documents.length) all.push(this.#shape(where, this.#documents[this.#at++]))
      }
    } finally {
      await this.end()
    }
    return all
  }

  /** Takes buffered documents, at most this many. */
  take(count: number): unknown[] {
    const end = Math.min(this.#documents.length, this.#at + count)
    const documents = this.#documents.slice(this.#at, end)
    this.#at = end
    return documents
  }

  rewind(): void {
    this.#release().catch(() => {})
    this.#started = this.#exhausted = this.#closed = this.#closedByCaller = this.#killed = false
  }

  /** Closes the cursor, as its `close` does. */
  close(): Promise<void> {
    this.#closedByCaller = true
    return this.end()
  }

  /** Closes the cursor after a read to its end, or after one that failed. */
  async end(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#killed = this.#remote?.isLive ?? false
    await this.#release()
  }

  #shape(where: string, document: unknown): unknown {
    if (!this.transform) return document
    const shaped = this.transform(document)
    if (shaped === null) throw new TypeError(`${where}: the function given to map returned null, which means the end; return another value`)
    return shaped
  }

  /** Whether there is a document to read, after a fetch if needed. Concurrent reads share a fetch. */
  async #fill(where: string, batch: number): Promise<boolean> {
    while (this.#at === this.#documents.length) {
      if (this.#exhausted || this.#closed) return false
      this.#fetching ??= this.#fetch(where, batch).finally(() => (this.#fetching = undefined))
      await this.#fetching
    }
    return true
  }

  async #fetch(where: string, usual: number, wait: number | null = null): Promise<void> {
    const { source, settings } = this.#reading
    source.connection.checkOpen(where)
    this.#isWaiting = wait === null
    const batch = settings.batch || usual
    let remote = this.#remote
    let documents: unknown[]
    if (remote) {
      documents = await this.#orEnd(remote, remote.more(where, batch, wait))
    } else {
      remote = this.#remote = new RemoteCursor(source.connection, source.namespace.full, settings.signal, source.session)
      this.#started = true
      abandoned.register(this, remote, remote)
      documents = await this.#orEnd(remote, this.#reading.open(remote, where, batch, wait))
    }
    // Closed or rewound during the fetch: its documents are dropped.
    if (this.#remote !== remote) return remote.close()
    this.#documents = documents
    this.#at = 0
    this.#exhausted = !remote.isLive
  }

  /** What a fetch brings. A tailable cursor ends with an error: it has no more documents to wait for. That of its signal is told again. */
  async #orEnd(remote: RemoteCursor, fetched: Promise<unknown[]>): Promise<unknown[]> {
    const { patience, settings } = this.#reading
    try {
      return await fetched
    } catch (error) {
      if (patience?.() !== undefined && this.#remote === remote && !settings.signal?.aborted) this.#exhausted = true
      throw error
    } finally {
      this.#isWaiting = false
    }
  }

  /** Closes the core's cursor and drops the buffered documents. */
  async #release(): Promise<void> {
    const remote = this.#remote
    this.#remote = undefined
    this.#documents = []
    this.#at = 0
    if (!remote) return
    abandoned.unregister(remote)
    try {
      await remote.close()
    } catch (error) {
      // Closing the database has ended the cursor already.
      if (!(error instanceof MoltenError) || error.kind !== 'CLOSED') throw error
    }
  }
}
