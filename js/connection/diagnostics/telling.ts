// Tells of operations on the channels, and of those that take long.

import { plainName } from '../../arguments/namespace.js'
import { explaining } from '../../request/explain.js'
import type { Request } from '../../request/request.js'
import { native } from '../../transport/native.js'
import { Opcode } from '../../transport/opcodes.js'
import { now } from '../../transport/scheduling.js'
import type { CommandContext, SlowOperation } from '../../types/results.js'
import type { Document } from '../../types/documents.js'
import { command, slow, type Told } from './channels.js'

const { start, end, asyncStart, asyncEnd, error: failed } = command

/** The names of operations, where they are not those of their opcodes. */
const NAMES: { readonly [opcode: number]: string } = {
  [Opcode.More]: 'getMore',
  [Opcode.CloseCursor]: 'killCursors',
  [Opcode.DeleteId]: 'delete',
  [Opcode.FindOneAnd]: 'findAndModify',
  [Opcode.Bulk]: 'bulkWrite',
  [Opcode.Begin]: 'startTransaction',
  [Opcode.Commit]: 'commitTransaction',
  [Opcode.Abort]: 'abortTransaction',
  [Opcode.RollBack]: 'rollbackTo',
  ...Object.fromEntries([Opcode.Release, Opcode.Barrier].map((opcode) => [opcode, 'snapshot']))
}

const OPERATIONS = new Map<number, string>(
  Object.entries(Opcode).map(([name, opcode]) => [opcode, NAMES[opcode] ?? name.charAt(0).toLowerCase() + name.slice(1)])
)

/** Operations of which nothing is told: a wait for changes lasts as long as there are none. */
const UNTOLD: ReadonlySet<number> = new Set([Opcode.Changes, Opcode.Unwatch, Opcode.Release, Opcode.Barrier])

/** Reads whose plan can be asked for again: nothing of the program is called for it. */
const PLANNED: ReadonlySet<number> = new Set([Opcode.Find, Opcode.Count, Opcode.Distinct, Opcode.Aggregate])

/** Whether an operation is told of. */
export function isTold(opcode: number): boolean {
  return !UNTOLD.has(opcode)
}

/** The context of an operation on a collection, by its full name; the empty plain name stands for the database. */
export function contextOf(told: Told, where: string, name: string, operation: number | string, sync: boolean, signal: AbortSignal | undefined): CommandContext {
  const plain = plainName(name)
  const database = name.length > plain.length ? name.slice(0, name.length - plain.length - 1) : told.database
  return {
    operation: typeof operation === 'string' ? operation : (OPERATIONS.get(operation) ?? 'unknown'),
    method: where,
    namespace: plain === '' ? database : `${database}.${plain}`,
    database,
    collection: plain === '' ? undefined : plain,
    sync,
    signal
  }
}

/** Runs an operation and tells of it. */
export function toldPromise<T>(told: Told, context: CommandContext, request: Request<T> | undefined, run: () => Promise<T>): Promise<T> {
  const began = now()
  const settle = (): void => {
    context.durationMs = now() - began
    asyncStart.publish(context)
    asyncEnd.publish(context)
    if (told.slowMs !== undefined && context.durationMs >= told.slowMs) tellSlow(told, context, request)
  }
  return start.runStores(context, () => {
    try {
      const promise = run()
      return promise.then(
        (value) => {
          context.documents = documentsOf(context.operation, value)
          settle()
          return value
        },
        (error: unknown) => {
          context.error = error
          failed.publish(context)
          settle()
          throw error
        }
      )
    } catch (error) {
      context.error = error
      failed.publish(context)
      throw error
    } finally {
      end.publish(context)
    }
  })
}

/** Runs a static method of Database on a directory and tells of it, by the name that its database has or would have. */
export function tellOfDirectory<T>(where: string, database: string, signal: AbortSignal | null | undefined, run: () => Promise<T>): Promise<T> {
  const told: Told = { slowMs: undefined, database, run: () => Promise.reject(new Error('a directory has no plans')) }
  return toldPromise(told, contextOf(told, where, '', where.slice(where.lastIndexOf('.') + 1), false, signal ?? undefined), undefined, run)
}

/** Runs an operation that blocks this thread and tells of it. */
export function toldCall<T>(told: Told, context: CommandContext, run: () => T): T {
  const began = now()
  return start.runStores(context, () => {
    try {
      const value = run()
      context.documents = documentsOf(context.operation, value)
      return value
    } catch (error) {
      context.error = error
      failed.publish(context)
      throw error
    } finally {
      context.durationMs = now() - began
      end.publish(context)
      if (told.slowMs !== undefined && context.durationMs >= told.slowMs) tellSlow(told, context, undefined)
    }
  })
}

function tellSlow(told: Told, context: CommandContext, request: Request<any> | undefined): void {
  const operation = { ...context } as SlowOperation
  const { documents } = operation
  native().noteSlow(operation.method, operation.namespace, operation.durationMs, documents ?? null)
  if (!slow.hasSubscribers) return
  if (request === undefined || request.session || !PLANNED.has(request.opcode)) return slow.publish(operation)
  const name = operation.database === told.database ? (operation.collection ?? '') : `${operation.database}\0${operation.collection ?? ''}`
  const plan = told.run(name, explaining(operation.method, request, 'queryPlanner'))
  const publish = (explanation?: Document): void => {
    operation.planSummary = explanation && summaryOf(explanation)
    slow.publish(operation)
  }
  plan.then(publish, () => publish())
}

/** The scans of a plan, as MongoDB's log has them. */
function summaryOf(explanation: Document): string | undefined {
  const scans: string[] = []
  const visit = (stage: unknown): void => {
    if (typeof stage !== 'object' || stage === null) return
    if (Array.isArray(stage)) return stage.forEach(visit)
    const { stage: name, keyPattern } = stage as { stage?: unknown; keyPattern?: object }
    if (typeof name === 'string' && (name.endsWith('SCAN') || name === 'IDHACK')) {
      const fields = Object.entries(keyPattern ?? {}).map(([path, direction]) => `${path}: ${String(direction)}`)
      scans.push(fields.length > 0 ? `${name} { ${fields.join(', ')} }` : name)
    }
    for (const [field, part] of Object.entries(stage)) if (field !== 'rejectedPlans') visit(part)
  }
  visit(explanation)
  return scans.length > 0 ? [...new Set(scans)].join(', ') : undefined
}

/** How many documents a result tells of; undefined where that is not what the operation does. */
function documentsOf(operation: string, value: unknown): number | undefined {
  switch (operation) {
    case 'find':
    case 'getMore':
    case 'aggregate':
      return Array.isArray(value) ? value.length : value === null ? 0 : 1
    case 'get':
      return value === null ? 0 : 1
    case 'getMany':
      return Array.isArray(value) ? value.filter((one) => one !== null).length : undefined
    case 'insert':
    case 'update':
    case 'replace':
    case 'delete':
    case 'bulkWrite':
    case 'set':
    case 'findAndModify':
      return changedOf(value)
    default:
      return undefined
  }
}

/** How many documents a result of a write tells of. */
function changedOf(value: unknown): number | undefined {
  if (typeof value === 'boolean') return Number(value)
  if (Array.isArray(value)) return value.length
  if (value === null || value === undefined) return value === null ? 0 : 1
  if (typeof value !== 'object') return 1
  const counts = value as { [name: string]: unknown }
  const known = ['insertedCount', 'modifiedCount', 'upsertedCount', 'deletedCount'].map((name) => counts[name]).filter((count) => typeof count === 'number')
  return known.length > 0 ? known.reduce((sum, count) => sum + count, 0) : 1
}
