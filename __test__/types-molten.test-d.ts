// The types of MoltenDB's files and payloads.

import { expectTypeOf } from 'expect-type'

import { Database, type Document, type ExportMoltenResult, type ImportMoltenResult, type MoltenDocument } from '../index.js'

export async function payloads(db: Database): Promise<void> {
  expectTypeOf(await db.molten.get({ collection: 'users', keys: 'u1' })).toEqualTypeOf<Document | null>()
  expectTypeOf(await db.molten.get({ collection: 'users', keys: ['u1'] })).toEqualTypeOf<MoltenDocument[]>()
  expectTypeOf(await db.molten.get({ where: { age: { $gt: 5, $lessThan: 9 }, $or: [{ name: 'ada' }, { tags: { $contains: 'x' } }] }, sort: ['name', { field: 'age', order: 'desc' }] })).toEqualTypeOf<MoltenDocument[]>()
  await db.molten.get({ joins: [{ owner: { from: 'users', on: 'ownerId', fields: ['name'] } }], fields: ['title'], count: 10, offset: 5 })
  expectTypeOf((await db.molten.set({ data: [{ a: 1 }] })).ids).toEqualTypeOf<string[]>()
  expectTypeOf((await db.molten.set({ data: { k: { a: 1 } } })).count).toEqualTypeOf<number>()
  expectTypeOf((await db.molten.update({ data: { k: { a: 1 } } })).updated).toEqualTypeOf<number>()
  expectTypeOf((await db.molten.delete({ keys: 'k' })).deleted).toEqualTypeOf<number>()
  expectTypeOf((await db.molten.delete({ drop: true })).dropped).toEqualTypeOf<true>()
  // @ts-expect-error there is no such field
  await db.molten.get({ colection: 'users' })
  // @ts-expect-error an operand that cannot be compared
  await db.molten.get({ where: { age: { $gt: null } } })
  // @ts-expect-error an order is asc or desc
  await db.molten.get({ sort: [{ field: 'age', order: 'up' }] })
  // @ts-expect-error an update has no list
  await db.molten.update({ data: [{ a: 1 }] })
}

export async function files(db: Database): Promise<void> {
  expectTypeOf(await Database.importMolten('app.log', 'data/app', { password: new Uint8Array(32), rejects: new URL('file:///x') })).toEqualTypeOf<ImportMoltenResult>()
  expectTypeOf(await db.exportMolten('app.log', { password: 'secret', onProgress: ({ done }) => done })).toEqualTypeOf<ExportMoltenResult>()
  // @ts-expect-error a password is text or bytes
  await Database.importMolten('app.log', 'data/app', { password: 5 })
}
