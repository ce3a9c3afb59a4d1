// The requests of change streams.

import { batchOf, checkFields, countOf, eachOf, flagOf, wrongArgument } from '../arguments/arguments.js'
import { refuseCollation } from '../arguments/option-check.js'
import { encodeValue } from '../codec/encode.js'
import { MoltenError } from '../errors.js'
import { Opcode } from '../transport/opcodes.js'
import type { ChangeStreamOptions, ResumeToken } from '../types/changes.js'
import type { Document } from '../types/index.js'
import { writeField } from './bodies.js'
import { type Request, requestOf } from './request.js'

/** What a change stream watches. */
export type WatchScope = 'collection' | 'database' | 'everything'

/** The longest name of a consumer, in bytes: it is an _id. */
const LONGEST_CONSUMER = 512

const FULL = ['default', 'updateLookup', 'whenAvailable', 'required'] as const
const BEFORE = ['off', 'whenAvailable', 'required'] as const
const BEGINS = ['resumeAfter', 'startAfter', 'startAtOperationTime'] as const

/** A change stream as it is asked for. */
export interface Watching {
  /** What is sent to the core. */
  readonly options: Document
  readonly batch: number
  /** How long `tryNext` waits, in milliseconds. */
  readonly await: number
  /** The name of the reader, if it has one. */
  readonly consumer: string | undefined
  /** The time limit of the opening, in milliseconds. */
  readonly maxTimeMS: number | undefined
}

/** The events that one read has brought: the number of the stream, 0 when it has ended, the events, and the place after them. */
export type ChangesAnswer = [stream: number, events: unknown[], token: string]

/** Checks the arguments of `watch`. */
export function watchingOf(where: string, scope: WatchScope, pipeline: unknown, given: ChangeStreamOptions): Watching {
  refuseCollation(where, given, 'the stages of a change stream compare strings by their bytes')
  const stages = pipeline === undefined ? [] : pipeline
  if (!Array.isArray(stages)) throw wrongArgument(where, 'pipeline', 'an array of stages', pipeline)
  eachOf(stages, (stage, n) => checkFields(where, `pipeline[${n}]`, stage))
  const options: Document = { scope, pipeline: [...stages] }
  const fullDocument = oneOf(where, 'fullDocument', given.fullDocument, FULL)
  if (fullDocument !== undefined) options['fullDocument'] = fullDocument
  const before = oneOf(where, 'fullDocumentBeforeChange', given.fullDocumentBeforeChange, BEFORE)
  if (before !== undefined) options['fullDocumentBeforeChange'] = before
  if (flagOf(where, 'showExpandedEvents', given.showExpandedEvents)) options['expanded'] = true
  const begins = BEGINS.filter((name) => given[name] !== undefined && given[name] !== null)
  if (begins.length > 1) throw new TypeError(`${where}: options ${begins.join(' and ')} are given; a change stream begins at one of them`)
  const begin = begins[0]
  if (begin === 'startAtOperationTime') options['startAt'] = momentOf(where, given.startAtOperationTime)
  else if (begin !== undefined) options[begin] = dataOf(where, `option ${begin}`, given[begin])
  const consumer = consumerOf(where, given.consumer)
  if (consumer !== undefined && begin !== undefined) {
    throw new TypeError(`${where}: options consumer and ${begin} are given; a consumer begins after what it has acknowledged`)
  }
  return { options, batch: batchOf(where, given.batchSize), await: countOf(where, 'option maxAwaitTimeMS', given.maxAwaitTimeMS), consumer, maxTimeMS: given.maxTimeMS }
}

function consumerOf(where: string, name: unknown): string | undefined {
  if (name === undefined || name === null) return undefined
  if (typeof name !== 'string' || name === '' || !name.isWellFormed() || Buffer.byteLength(name) > LONGEST_CONSUMER) {
    throw wrongArgument(where, 'option consumer', `a name of 1 to ${LONGEST_CONSUMER} bytes of UTF-8`, name)
  }
  return name
}

/** The text of a resume token. */
export function tokenOf(where: string, name: string, token: unknown): ResumeToken {
  return { _data: dataOf(where, name, token as ResumeToken) }
}

function oneOf<V extends string>(where: string, name: string, value: unknown, values: readonly V[]): V | undefined {
  if (value === undefined || value === null) return undefined
  const known = values.find((one) => one === value)
  if (known === undefined) throw wrongArgument(where, `option ${name}`, values.map((one) => `'${one}'`).join(' or '), value)
  return known
}

function dataOf(where: string, name: string, token: ResumeToken | undefined): string {
  checkFields(where, name, token)
  const data: unknown = token['_data']
  if (typeof data !== 'string') throw wrongArgument(where, name, 'a resume token: the _id of an event, or the resumeToken of a change stream', token)
  return data
}

function momentOf(where: string, moment: unknown): Date | { t: number; i: number } {
  if (moment instanceof Date || Object.prototype.toString.call(moment) === '[object Date]') {
    if (Number.isNaN((moment as Date).getTime())) throw wrongArgument(where, 'option startAtOperationTime', 'a valid Date', moment)
    return moment as Date
  }
  const given = moment as { _bsontype?: unknown; high?: unknown; low?: unknown; t?: unknown; i?: unknown }
  const [t, i] = given._bsontype === 'Timestamp' ? [Number(given.high) >>> 0, Number(given.low) >>> 0] : [given.t, given.i]
  if (!isCount(t) || !isCount(i)) throw wrongArgument(where, 'option startAtOperationTime', 'a Date, or the clusterTime of an event', moment)
  return { t, i }
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffffffff
}

/** Opens a change stream: its number, no events, and the place where it begins, as far as that is known. */
export function watchRequest({ options, maxTimeMS }: Watching): Request<ChangesAnswer> {
  const request = requestOf<ChangesAnswer>(Opcode.Watch, 0, null, (out) => encodeValue(out, options, 'pipeline'), (answer) => answer)
  request.maxTimeMS = maxTimeMS
  return request
}

/** The next events; `wait` is how long there may be none, in milliseconds, or null. */
export function changesRequest(stream: number, batch: number, wait: number | null): Request<ChangesAnswer> {
  return requestOf<ChangesAnswer>(
    Opcode.Changes,
    0,
    null,
    (out) => {
      writeField(out, stream)
      writeField(out, batch)
      writeField(out, wait)
    },
    (answer) => answer
  )
}

/** Closes a change stream. */
export function unwatchRequest(stream: number): Request<void> {
  return requestOf<void>(Opcode.Unwatch, 0, null, (out) => writeField(out, stream), () => {})
}

/** The error for the use of a stream that is closed. */
export function streamClosed(where: string): MoltenError {
  return new MoltenError('CLOSED', `${where}: the change stream is closed; open another with watch, after its resumeToken`)
}
