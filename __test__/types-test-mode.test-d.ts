// Types of snapshots, forks, clocks, and of what operations are told.

import { expectTypeOf } from 'expect-type'
import { type CommandContext, Database, type SlowOperation, type Snapshot } from '../index.mjs'
import { subscribe, tracingChannel } from 'node:diagnostics_channel'

const db = await Database.open(':memory:', { clock: () => new Date(0), slowMs: 100 })
await Database.open(':memory:', { clock: () => Date.now(), slowMs: false })
// @ts-expect-error a clock is a function
await Database.open(':memory:', { clock: 5 })
// @ts-expect-error
await Database.open(':memory:', { slowMs: 'always' })

expectTypeOf(db.snapshot()).toEqualTypeOf<Promise<Snapshot>>()
expectTypeOf(db.fork()).toEqualTypeOf<Promise<Database>>()
const snapshot = await db.snapshot({ maxTimeMS: 5 })
expectTypeOf(db.restore(snapshot)).toEqualTypeOf<Promise<void>>()
expectTypeOf(snapshot.isReleased).toEqualTypeOf<boolean>()
snapshot.release()
// @ts-expect-error a snapshot is what db.snapshot has made
void db.restore(5)

tracingChannel<object, CommandContext>('moltendb:command').asyncEnd.subscribe((message) => {
  const { operation, durationMs, documents } = message as CommandContext
  expectTypeOf(operation).toEqualTypeOf<string>()
  expectTypeOf(durationMs).toEqualTypeOf<number | undefined>()
  expectTypeOf(documents).toEqualTypeOf<number | undefined>()
})
subscribe('moltendb:slow', (message) => expectTypeOf((message as SlowOperation).planSummary).toEqualTypeOf<string | undefined>())
