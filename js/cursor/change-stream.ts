// Change streams: events one after the other, by next, by an async iterator, or by listeners.

import { EventEmitter } from 'node:events'
import type { Readable } from 'node:stream'

import { checkFields, wrongArgument } from '../arguments/arguments.js'
import { checkNames } from '../arguments/option-check.js'
import { CURSOR, FOLLOWERS } from '../arguments/option-table.js'
import { onAbort } from '../connection/abort.js'
import type { CollectionState } from '../connection/collection-state.js'
import type { Connection } from '../connection/connection.js'
import { CODES, MoltenError } from '../errors.js'
import { type ChangesAnswer, changesRequest, streamClosed, tokenOf, unwatchRequest, type Watching, watchRequest } from '../request/changes.js'
import type { AcknowledgeOptions, ChangeStreamDocument, ResumeToken } from '../types/changes.js'
import type { Document } from '../types/index.js'
import { disposeWith } from './dispose.js'
import { readableBy } from './streams.js'

/** The place of a named reader, which the database keeps. */
export interface ConsumerPlace {
  /** The place after what was acknowledged last, if there is one. Blocks. */
  load(): ResumeToken | undefined
  /** Ends the acknowledgements of earlier readers; resolves with the place, which is `begin` if there was none. */
  claim(begin: ResumeToken): Promise<ResumeToken>
  acknowledge(where: string, token: ResumeToken, session: AcknowledgeOptions['session']): Promise<void>
}

/** Where a stream comes from. */
export interface ChangeSource {
  connection: Connection
  /** The method that is called, for messages. */
  where: string
  target: CollectionState
  watching: Watching
  signal: AbortSignal | undefined
  consumer: ConsumerPlace | undefined
}

interface Opened {
  connection: Connection
  target: CollectionState
  id: number
}

/** Closes streams that the program dropped. */
const forgotten = new FinalizationRegistry<Opened>(({ connection, target, id }) => {
  if (connection.isOpen) connection.run('ChangeStream.close', target, unwatchRequest(id)).catch(() => {})
})

/**
 * The changes of a collection, of a database or of all, in the order of the commits, from the call of `watch` on. Read it with `for await`, with
 * `next`, or with listeners of `'change'`; not in two of these ways.
 *
 * A stream that is not read costs a position, not memory: it goes on from the log. It keeps the process alive only while an event is awaited.
 *
 * @example
 * for await (const event of users.watch([{ $match: { operationType: 'insert' } }])) console.log(event.fullDocument)
 */
export class ChangeStream<T extends Document = Document, C extends Document = ChangeStreamDocument<T>> extends EventEmitter implements AsyncIterable<C> {
  readonly #source: ChangeSource
  #id = 0
  /** Why it could not be opened, or cannot go on. */
  #failure: { error: unknown } | undefined
  #events: C[] = []
  #at = 0
  /** The place after the events that were fetched. */
  #fetched: ResumeToken | null = null
  #token: ResumeToken | null = null
  #closed = false
  /** Whether the core has nothing more. */
  #ended = false
  #mode: 'iterator' | 'listeners' | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #unwatch: (() => void) | undefined
  #pumping = false
  #isClaimed = false
  /** Whether a read waits for an event, however long that takes. */
  #isWaiting = false
  #pausing: Promise<void> | undefined

  /** @internal */
  constructor(source: ChangeSource) {
    super()
    this.#source = source
    const { signal, consumer } = source
    try {
      this.#open(consumer?.load())
    } catch (error) {
      // The first read rejects with it, as with the driver.
      this.#failure = { error: labelled(error) }
    }
    if (signal) {
      const reference = new WeakRef(this)
      if (signal.aborted) this.#fail(signal.reason)
      else {
        this.#unwatch = onAbort(signal, (reason) => {
          const stream = reference.deref()
          if (stream) stream.#fail(reason)
        })
      }
    }
    this.on('newListener', (name) => {
      if (name === 'change') this.#listen()
    })
    this.on('removeListener', (name) => {
      if (name === 'change' && this.listenerCount('change') === 0) this.#pause()
    })
  }

  /** Opens it in the core, after this place or where it is told to begin. */
  #open(after: ResumeToken | undefined): void {
    const { connection, where, target, watching } = this.#source
    const options = after ? { ...watching.options, startAfter: after._data } : watching.options
    const [id, , token] = connection.callNow(where, target, watchRequest({ ...watching, options }))
    this.#id = id
    this.#token = token === '' ? null : { _data: token }
    forgotten.register(this, { connection, target, id }, this)
  }

  /** Takes over the place of a named reader, before anything is read. */
  async #claim(): Promise<void> {
    const { consumer } = this.#source
    if (!consumer || this.#isClaimed || this.#token === null) return
    const place = await consumer.claim(this.#token)
    this.#isClaimed = true
    if (place._data === this.#token._data || this.#closed) return
    // The reader before has acknowledged more since.
    const id = this.#id
    forgotten.unregister(this)
    this.#open(place)
    const { connection, target } = this.#source
    await connection.run('ChangeStream.close', target, unwatchRequest(id))
  }

  /** Whether it was closed, or has ended. */
  get closed(): boolean {
    return this.#closed
  }

  /** The place after the event that was read last; at first where the stream begins, or null where that is a time. */
  get resumeToken(): ResumeToken | null {
    return this.#token
  }

  /** Resolves with the next event, as soon as there is one. Rejects with `HISTORY_LOST` (code 286) when it is no longer kept. */
  next(): Promise<C> {
    return this.#inTurn('next', async (where) => {
      const event = await this.#take(where, null)
      if (event === null) throw streamClosed(where)
      return event
    })
  }

  /** Resolves with the next event if there is one, or one comes within `maxAwaitTimeMS`, otherwise with null. */
  tryNext(): Promise<C | null> {
    // What comes belongs to the next that waits.
    if (this.#isWaiting && this.#mode === 'iterator') return Promise.resolve(null)
    return this.#inTurn('tryNext', (where) => this.#take(where, this.#source.watching.await))
  }

  /** Resolves with true as soon as there is another event, and with false when the stream ends. */
  hasNext(): Promise<boolean> {
    return this.#inTurn('hasNext', (where) => this.#fill(where, null))
  }

  /**
   * Moves the place of the consumer behind this event, or behind what was read last: the next reader of that name goes on after it. With the
   * session of a transaction it moves when that commits, so that an event is processed exactly once.
   *
   * Rejects with `CONFLICT` (code 112) when another reader has taken over.
   */
  async acknowledge(event?: { _id: ResumeToken }, options?: AcknowledgeOptions): Promise<void> {
    const where = this.#where('acknowledge')
    const { consumer } = this.#source
    if (!consumer) throw new TypeError(`${where}: the change stream has no consumer; give watch the option consumer`)
    if (options) checkNames(where, options, FOLLOWERS.acknowledge)
    const token = event === undefined || event === null ? this.#token : tokenOf(where, 'event._id', event._id)
    if (token) await consumer.acknowledge(where, token, options?.session)
  }

  /** Closes the stream. A `next` that waits rejects with `CLOSED`; a loop over it ends. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#end()
    const { connection, target } = this.#source
    const id = this.#id
    this.#id = 0
    if (id !== 0 && connection.isOpen) await connection.run('ChangeStream.close', target, unwatchRequest(id))
    this.emit('close')
  }

  /** The events as an object stream; a function may transform each. */
  stream(options?: { transform?: (event: C) => unknown }): Readable {
    const where = this.#where('stream')
    if (options !== undefined && options !== null) {
      checkFields(where, 'options', options)
      checkNames(where, options, CURSOR.stream)
    }
    const transform = options?.transform
    if (transform !== undefined && typeof transform !== 'function') throw wrongArgument(where, 'option transform', 'a function', transform)
    const next = async (): Promise<unknown> => {
      const event = await this.#nextOrEnd()
      return event !== null && transform ? transform(event) : event
    }
    return readableBy(next, () => this.close())
  }

  /** Yields each event until the stream ends or the loop is left, which closes it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<C, void, void> {
    try {
      while (!this.#closed) {
        const event = await this.#nextOrEnd()
        if (event === null) return
        yield event
      }
    } finally {
      await this.close()
    }
  }

  /** Closes at the end of an `await using`. */
  declare [Symbol.asyncDispose]: () => Promise<void>

  /** The next event; null at the end. */
  #nextOrEnd(): Promise<C | null> {
    return this.#inTurn('next', (where) => this.#take(where, null)).catch((error: unknown) => {
      // It was closed while this waited.
      if (this.#closed && !this.#failure) return null
      throw error
    })
  }

  #where(method: string): string {
    return `ChangeStream.${method}`
  }

  /** Runs a read after those before it. */
  #inTurn<R>(method: string, read: (where: string) => Promise<R>): Promise<R> {
    const where = this.#where(method)
    if (this.#mode === 'listeners') {
      return Promise.reject(new MoltenError('NOT_SUPPORTED', `${where}: the change stream is, or was, read by listeners of 'change'; read it in one way, or open another one`))
    }
    this.#mode = 'iterator'
    const result = this.#turn.then(() => read(where))
    this.#turn = result.catch(() => {})
    return result
  }

  /** The next event; null when there is none within the time, or none any more. */
  async #take(where: string, wait: number | null, isWanted?: () => boolean): Promise<C | null> {
    if (!(await this.#fill(where, wait, isWanted))) return null
    // Listeners that have left meanwhile leave it to those that come.
    if (isWanted && !isWanted()) return null
    const event = this.#events[this.#at]!
    this.#at += 1
    const isLast = this.#at === this.#events.length
    if (isLast) {
      this.#events = []
      this.#at = 0
    }
    this.#move(isLast ? (this.#fetched ?? event['_id']) : event['_id'])
    return event
  }

  /** Fetches until there is an event; false when there is none within the time, or none any more. */
  async #fill(where: string, wait: number | null, isWanted = () => true): Promise<boolean> {
    for (;;) {
      await this.#pausing
      if (!isWanted()) return false
      if (this.#failure) throw this.#failure.error
      if (this.#at < this.#events.length) return true
      if (this.#closed) throw streamClosed(where)
      if (this.#ended) {
        this.#finish()
        return false
      }
      await this.#fetch(where, wait)
      if (wait !== null && this.#events.length === 0 && !this.#failure && !this.#closed) return false
    }
  }

  async #fetch(where: string, wait: number | null): Promise<void> {
    const { connection, target, watching } = this.#source
    connection.checkOpen(where)
    try {
      await this.#claim()
      if (this.#closed) return
      this.#isWaiting = wait === null
      const answer = await connection.run(where, target, changesRequest(this.#id, watching.batch, wait))
      this.#isWaiting = false
      if (!this.#closed) this.#receive(answer)
    } catch (error) {
      this.#isWaiting = false
      // What has closed the stream tells the reader why.
      if (this.#closed && !this.#failure) throw streamClosed(where)
      this.#failure ??= { error: labelled(error) }
      this.#end()
      throw this.#failure.error
    }
  }

  /** Takes what a read has brought. */
  #receive([id, events, token]: ChangesAnswer): void {
    this.#events = [...this.#events.slice(this.#at), ...(events as C[])]
    this.#at = 0
    if (id === 0) this.#ended = true
    if (token !== '') this.#fetched = { _data: token }
    if (this.#events.length === 0 && this.#fetched) this.#move(this.#fetched)
  }

  /** Ends the wait of listeners that are gone: a read that does not wait takes its place, and keeps what it brings. */
  #pause(): void {
    if (!this.#isWaiting || this.#pausing || this.#closed || this.#id === 0) return
    const { connection, target, watching } = this.#source
    if (!connection.isOpen) return
    const read = connection.run(this.#where('off'), target, changesRequest(this.#id, watching.batch, 0))
    this.#pausing = read.then(
      (answer) => {
        if (!this.#closed) this.#receive(answer)
      },
      () => {}
    ).finally(() => (this.#pausing = undefined))
  }

  #move(token: ResumeToken): void {
    if (token._data === this.#token?._data) return
    this.#token = token
    if (this.listenerCount('resumeTokenChanged') > 0) this.emit('resumeTokenChanged', token)
  }

  /** It has ended by itself. */
  #finish(): void {
    this.#id = 0
    this.#end()
    this.emit('end')
    this.emit('close')
  }

  #end(): void {
    this.#closed = true
    this.#unwatch?.()
    this.#unwatch = undefined
    forgotten.unregister(this)
  }

  #fail(error: unknown): void {
    if (this.#closed) return
    this.#failure = { error }
    const id = this.#id
    const { connection, target } = this.#source
    this.#id = 0
    this.#end()
    if (id !== 0 && connection.isOpen) connection.run('ChangeStream.close', target, unwatchRequest(id)).catch(() => {})
  }

  /** Reads for listeners, as long as there are any. */
  #listen(): void {
    if (this.#mode === 'iterator') {
      throw new MoltenError('NOT_SUPPORTED', `${this.#where('on')}: the change stream is read with next or an iterator; read it in one way`)
    }
    this.#mode = 'listeners'
    if (this.#pumping) return
    this.#pumping = true
    void this.#pump()
  }

  async #pump(): Promise<void> {
    // The listener is added after this call.
    await undefined
    try {
      const isWanted = (): boolean => this.listenerCount('change') > 0
      while (!this.#closed && isWanted()) {
        const event = await this.#take(this.#where('on'), null, isWanted)
        if (event !== null) this.emit('change', event)
      }
    } catch (error) {
      if (this.#closed && !this.#failure) return
      this.#end()
      // Nobody has to listen for the end of the database, which closes its streams. Not within this promise: an error of an emitter is no rejection.
      const isTold = this.#source.connection.isOpen || this.listenerCount('error') > 0
      process.nextTick(() => {
        if (isTold) this.emit('error', error)
        this.emit('close')
      })
    } finally {
      this.#pumping = false
    }
  }
}

/** The codes of errors after which no stream goes on from where this one was. The server labels them. */
const FINAL: ReadonlySet<unknown> = new Set([CODES.ChangeStreamFatalError, CODES.ChangeStreamHistoryLost])

/** The error, with the server's label. */
function labelled(error: unknown): unknown {
  if (MoltenError.isMoltenError(error) && FINAL.has(error.code)) error.addErrorLabel('NonResumableChangeStreamError')
  return error
}

disposeWith(ChangeStream.prototype, function (this: ChangeStream<any, any>) {
  return this.close()
})

/** A change stream. */
export function changeStreamOf<T extends Document, C extends Document>(source: ChangeSource): ChangeStream<T, C> {
  return new ChangeStream<T, C>(source)
}
