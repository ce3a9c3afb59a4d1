// The declarations as CommonJS sees them.

import { expectTypeOf } from 'expect-type'
import moltendb = require('../index.js')

expectTypeOf(moltendb.Database.open).returns.resolves.toEqualTypeOf<moltendb.Database>()

declare const db: moltendb.Database
const users = db.collection<{ _id: number; name: string; tags: string[] }>('users')
const filter: moltendb.Filter<{ name: string }> = { name: /x/ }
void filter
expectTypeOf(users.findOne({ _id: 1, tags: /x/ })).resolves.toEqualTypeOf<moltendb.WithId<{ _id: number; name: string; tags: string[] }> | null>()
expectTypeOf(users.updateOne({}, { $push: { tags: 'x' } })).resolves.toHaveProperty('upsertedId').toEqualTypeOf<number | null>()
// @ts-expect-error no number there
void users.updateOne({}, { $inc: { name: 1 } })
// @ts-expect-error an _id of another type
void users.findOne({ _id: 'x' })
expectTypeOf(new moltendb.ObjectId('0123456789abcdef01234567').toHexString()).toEqualTypeOf<string>()
