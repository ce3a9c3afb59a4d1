// 127 right lines, as programs for the mongodb driver have them; checked by the compiler, never run. types-wrong.test-d.ts is its other half.

import type { AbstractCursor, AggregationCursor, AnyBulkWriteOperation, BulkWriteOptions, Collection, CountDocumentsOptions, Db, DeleteResult, Document, Filter, FindCursor, FindOneAndUpdateOptions, FindOptions, InsertOneResult, Join, MatchKeysAndValues, ModifyResult, MongoError, MongoServerError, NestedPaths, OptionalId, OptionalUnlessRequiredId, PropertyType, PullOperator, PushOperator, ReplaceOptions, ReturnDocument, SetFields, Sort, StrictFilter, StrictUpdateFilter, UpdateFilter, UpdateOptions, UpdateResult, WithId, WithoutId, Abortable, DbOptions, IndexSpecification, CreateIndexesOptions } from '../index.js'
import { type Base, type Deep, type Event, type Line, type Role, type Tree, type User, db, deeps, events, flag, id, loose, maybe, n, now, open, role, text, trees, user, users } from './types-model.js'
export type Used = [AbstractCursor, AggregationCursor, BulkWriteOptions, DeleteResult, Event, Tree, Line, ModifyResult, WithoutId<User>, Deep, Role]

// Filters
void users.find({})
void users.find({ name: text })
void users.find({ _id: id })
void users.find({ _id: { $in: [id, id] } })
void users.find({ age: { $gte: 18, $lt: 65 }, active: true })
void users.find({ role: { $in: ['admin', role] } })
void users.find({ role: { $nin: ['admin'] }, email: { $exists: true } })
void users.find({ name: /^a/i, tags: /x/ })
void users.find({ name: { $regex: text, $options: 'i' } })
void users.find({ tags: 'x', scores: { $gt: 5 } })
void users.find({ tags: { $all: ['a', 'b'] }, scores: { $size: 3 } })
void users.find({ scores: { $elemMatch: { $gt: 5, $lt: 9 } } })
void users.find({ lines: { $elemMatch: { sku: 'x', qty: { $gt: 1 } } } })
void users.find({ lines: { $elemMatch: { $or: [{ sku: 'x' }, { 'variant.color': 'red' }] } } })
void users.find({ 'address.city': text, 'address.geo.lat': { $gt: n } })
void users.find({ 'lines.sku': 'x', 'lines.0.qty': 5, 'lines.variant.size': { $in: [1, 2] } })
void users.find({ 'meta.key': 'x', 'counts.k': { $gt: 2 } })
void users.find({ deletedAt: null, updatedAt: { $exists: false } })
void users.find({ email: null })
void users.find({ createdAt: { $gte: now, $lt: new Date() } })
void users.find({ $or: [{ name: 'a' }, { age: 5 }], $and: [{ active: true }, { $nor: [{ age: 1 }] }] })
void users.find({ $expr: { $gt: ['$age', '$scores.0'] } })
void users.find({ age: { $not: { $gt: 5 } }, name: { $not: /x/ } })
void users.find({ 'settings.theme': 'dark', 'settings.notify.push': true })
void users.find({ extra: 5, 'extra.deep.path': 'x', 'anything.at.all': { $gt: 1 } })
void users.find({ matrix: [1, 2], 'matrix.0': [1], 'matrix.0.1': 5 })
void users.find({ value: 5, big: { $gt: 5n }, parent: id })
void users.find({ value: { $in: ['a', 1] } })
void users.find({ address: { street: 'a', city: 'b', geo: { lat: 1, lon: 2 } } })
void users.find({ [`meta.${text}`]: 'x' })
void users.find({ ['address.' + text]: 'x' })
void users.find({ [text]: 1, name: 'x' })
void deeps.find({ 'a.b.c.d.e.f.g.h': 5 })
void deeps.find({ 'l.m.n.o.p.q': 'x', 'l.0.m.1.n.2.o.3.p.4.q': 'y' })
void deeps.find({ 'u.v.w.x': 1, 'r.key.x.y': 2 })
void trees.find({ 'children.children.name': 'x', 'parent.parent.name': text })
void open.find({ a: 1, 'b.c': { $gt: 2 }, $or: [{ d: 1 }] })
void loose.find({ a: 1, 'b.c': { $gt: 2 } })
void events.find({ kind: 'click', x: { $gt: 1 } })
void events.find({ kind: { $in: ['click', 'key'] }, at: { $gt: now }, mods: 'ctrl' })

// Built up
const filter: Filter<User> = {}
filter.name = text
if (flag) filter['address.city'] = { $in: [text] }
filter.$or = [{ age: n }, { 'lines.sku': text }]
const byRole = (r: Role): Filter<User> => ({ role: r, $and: [filter] })
const spread: Filter<User> = { ...filter, ...(maybe ? { email: maybe } : {}), age: { $gt: n } }
const strict: StrictFilter<User> = { name: text }
const conditional: Filter<User> = flag ? { name: text } : { 'address.zip': text }
void users.findOne(byRole('admin')); void users.countDocuments(spread); void users.deleteMany(strict); void users.find(conditional)

// Updates
void users.updateOne({ _id: id }, { $set: { name: text, age: n, email: maybe } })
void users.updateOne({ _id: id }, { $set: { 'address.city': text, 'address.geo.lat': n } })
void users.updateOne({ _id: id }, { $set: { 'lines.0.qty': 5, 'lines.$.price': 1, 'lines.$[].qty': 2, 'lines.$[x].qty': 3 } })
void users.updateOne({ _id: id }, { $set: { 'lines.$.variant.size': 5, 'lines.$[x].tags.$[y]': 'z', 'lines.$[]': user.lines[0], 'matrix.$.0': 1, 'matrix.$[].$[x]': 1 } })
void users.updateOne({ _id: id }, { $inc: { 'scores.$': 1, [`lines.$[${text}].qty`]: 1 }, $unset: { 'lines.$.tags': 1, 'lines.$[x].variant.color': 1 } })
void trees.updateOne({}, { $set: { 'children.$[x].children.$[y].name': 'z' } })
void deeps.updateOne({}, { $set: { 'l.$[a].m.$[b].n.0.o.$.p.0.q': 'x' } })
void users.updateOne({ _id: id }, { $set: { deletedAt: null, updatedAt: now, role: 'admin' } })
void users.updateOne({ _id: id }, { $set: { [`meta.${text}`]: 'x' } })
void users.updateOne({ _id: id }, { $set: { ['address.' + text]: 'x', name: 'y' } })
void users.updateOne({ _id: id }, { $unset: { [`meta.${text}`]: '' } })
void users.updateOne({ _id: id }, { $inc: { [`counts.${text}`]: 1 } })
void users.updateOne({ _id: id }, { $unset: { email: '', 'settings.notify.push': 1, updatedAt: true } })
void users.updateOne({ _id: id }, { $inc: { age: 1, 'lines.0.qty': -1, 'counts.k': 2, 'lines.$.qty': 1 } })
void users.updateOne({ _id: id }, { $mul: { age: 2 }, $min: { age: 5 }, $max: { createdAt: now } })
void users.updateOne({ _id: id }, { $push: { tags: 'x', lines: { sku: 'a', qty: 1, price: 2 } } })
void users.updateOne({ _id: id }, { $push: { tags: { $each: ['a'], $slice: -5, $sort: 1, $position: 0 }, scores: { $each: [1, 2] } } })
void users.updateOne({ _id: id }, { $addToSet: { tags: 'x', scores: { $each: [1] }, 'lines.0.tags': 'y' } })
void users.updateOne({ _id: id }, { $pull: { tags: 'x', lines: { sku: 'a', qty: { $gt: 1 } } } })
void users.updateOne({ _id: id }, { $pull: { lines: { 'variant.color': 'red' }, scores: { $in: [1, 2] } } })
void users.updateOne({ _id: id }, { $pull: { tags: { $in: ['a', /x/] } }, $pullAll: { scores: [1] }, $pop: { lines: 1 } })
void users.updateOne({ _id: id }, { $rename: { email: 'mail', 'settings.theme': 'settings.skin' } })
void users.updateOne({ _id: id }, { $currentDate: { updatedAt: true, createdAt: { $type: 'date' } } })
void users.updateOne({ _id: id }, { $bit: { age: { or: 4 } } })
void users.updateOne({ name: text }, { $setOnInsert: { createdAt: now, _id: id }, $set: { age: 1 } }, { upsert: true })
void users.updateOne({ _id: id }, { $set: { settings: { theme: 'dark', notify: { mail: true } }, 'settings.notify.mail': false } })
void users.updateOne({ _id: id }, { $set: { extra: { any: 'thing' }, 'extra.deep.path': 1, 'anything.at': 2 } })
void users.updateOne({ _id: id }, { $set: { matrix: [[1]], 'matrix.0.1': 5, value: 'x', big: 5n } })
void users.updateMany({ active: false }, [{ $set: { age: { $add: ['$age', 1] } } }])
void deeps.updateOne({}, { $set: { 'a.b.c.d.e.f.g.h': 5, 'l.0.m.0.n.0.o.0.p.0.q': 'x', 'u.x.y': 1, 'r.k.x.y': 2 } })
void events.updateOne({ kind: 'click' }, { $set: { x: 5 }, $push: { mods: 'ctrl' } })
void trees.updateOne({}, { $push: { children: { _id: 'a', name: 'x', children: [] } }, $set: { 'children.0.name': 'y' } })
void open.updateOne({ a: 1 }, { $set: { b: 1, 'c.d': 2 }, $push: { list: 5 }, $unset: { x: '' } })
void loose.updateOne({}, { $inc: { n: 1 }, $set: { 'a.b': 1 } })
const patch: Partial<User> = { name: text }
void users.updateOne({ _id: id }, { $set: patch })
const update: UpdateFilter<User> = { $set: {} }
update.$set = { ...update.$set, name: text }
update.$inc = { age: 1 }
void users.findOneAndUpdate({ _id: id }, update, { returnDocument: 'after', upsert: true, sort: { age: -1 }, projection: { name: 1 } })
void users.replaceOne({ _id: id }, { ...user }, { upsert: true })
void users.bulkWrite([{ insertOne: { document: user } }, { updateOne: { filter: { _id: id }, update: { $set: { name: 'x' } }, upsert: true } }, { deleteMany: { filter: { age: 5 } } }])
const operations: AnyBulkWriteOperation<User>[] = [{ replaceOne: { filter: { _id: id }, replacement: user } }]

// Type arguments and results
void users.findOne<Pick<User, 'name'>>({ _id: id }, { projection: { name: 1 } }).then((u) => u?.name.length)
void users.find<{ name: string }>({ age: 5 }, { projection: { name: 1, _id: 0 } }).toArray().then((list) => list[0]?.name)
const page: Promise<WithId<User>[]> = users.find({}).sort({ createdAt: -1, 'address.city': 1 }).skip(5).limit(5).project<WithId<User>>({ name: 1 }).toArray()
const inserted: Promise<InsertOneResult<User>> = users.insertOne(user)
const named: FindCursor<string> = users.find().map((u) => u.name)
const updated: Promise<UpdateResult<User>> = users.updateMany({}, { $set: { active: true } }, { upsert: true } satisfies UpdateOptions)
void users.distinct('role').then((roles) => roles.includes('admin'))
void users.distinct('address.city', { age: 5 }).then((cities) => cities.map((c) => c.toUpperCase()))
void users.aggregate<{ _id: string; total: number }>([{ $match: { age: 5 } }, { $group: { _id: '$role', total: { $sum: 1 } } }]).toArray().then((rows) => rows[0]?.total)
void users.createIndex({ name: 1, 'address.city': -1 }, { unique: true }); void users.createIndex('email'); void users.createIndex([['age', 1], ['name', -1]] satisfies IndexSpecification)
const find: FindOptions<User> & Abortable = { projection: { name: 1, 'address.city': 1, lines: { $slice: 5 } }, sort: { age: -1 }, limit: 5 }
const sort: Sort = { [text]: -1 }
void users.find({}, find).sort(sort).sort('name', -1).sort([['age', 'desc']]).filter({ age: 5 })
async function loop() { for await (const u of users.find({ age: { $gt: n } })) void u.address.geo.lat.toFixed() }

// Generics
class Repository<T extends Base> { constructor(readonly c: Collection<T>) {}
  byId(key: string) { return this.c.findOne({ _id: key } as Filter<T>) }
  since(d: Date) { return this.c.find({ createdAt: { $gte: d }, owner: text } as Filter<T>).sort({ createdAt: -1 }).toArray() }
  patch(key: string, p: Partial<T>) { return this.c.updateOne({ _id: key } as Filter<T>, { $set: p } as UpdateFilter<T>) }
  touch(key: string) { return this.c.updateOne({ _id: key } as Filter<T>, { $set: { createdAt: new Date() }, $push: { tags: 'x' } } as UpdateFilter<T>) }
  add(d: OptionalUnlessRequiredId<T>) { return this.c.insertOne(d) }
  all(f: Filter<T> = {}, o?: FindOptions<T>) { return this.c.find(f, o).toArray() }
  many(f: Filter<T>[]) { return this.c.countDocuments({ $or: f } as Filter<T>) }
  column<K extends keyof T & string>(key: K) { return this.c.distinct(key) }
  first(): Promise<WithId<T> | null> { return this.c.findOne({}) }
  // @ts-expect-error the one that is refused: a number is not known to be 0 or 1
  fields<K extends keyof T>(...keys: K[]) { return this.c.findOne<Pick<T, K>>({}, { projection: Object.fromEntries(keys.map((k) => [k, 1])) }) } }
function save<T extends Document>(c: Collection<T>, d: OptionalId<T>) { return c.insertOne(d as OptionalUnlessRequiredId<T>) }
function typed<T extends Document>(d: Db, name: string): Collection<T> { return d.collection<T>(name) }

// Names of the driver
const set: MatchKeysAndValues<User> = { name: text, 'address.city': 'x' }
const pushes: PushOperator<User> = { tags: 'x' }, pulls: PullOperator<User> = { tags: 'x' }, adds: SetFields<User> = { tags: 'x' }
const strictUpdate: StrictUpdateFilter<User> = { $set: { name: 'x' } }
const city: PropertyType<User, 'address.city'> = 'x', joined: Join<['a', 'b'], '.'> = 'a.b'
const returning: ReturnDocument = 'after', replacing: ReplaceOptions = { upsert: true }, counting: CountDocumentsOptions = { limit: 1 }, dbOptions: DbOptions = {}
const modify: FindOneAndUpdateOptions = { returnDocument: returning, sort: { age: 1 } }, indexing: CreateIndexesOptions = { unique: true }
const paths: Join<NestedPaths<User, []>, '.'> = 'address.city'
function failed(e: MongoError | MongoServerError) { return e.code === 11000 && e.message }
export { Repository, failed, paths, loop, save, typed, set, pushes, pulls, adds, strictUpdate, city, joined, replacing, counting, dbOptions, modify, indexing, operations, page, inserted, named, updated, db }
