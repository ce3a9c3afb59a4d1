// Filters and updates whose types are not literals at the call: interfaces, unions of documents, generic code. Checked by the compiler,
// never run.

import type { Collection, Database, Filter, OptionalId, UpdateFilter, UpdateOperators } from '../index.js'

declare const db: Database
declare const word: string

// Values whose type is an interface: a search form, a patch, a whole document. An interface has no index signatures, so it cannot be
// assigned to a type with patterns among its keys, as the positions of arrays and the keys of Records are.
interface User {
  _id: string
  name: string
  age: number
  tags: string[]
  flags?: Record<string, boolean>
  homes: { city: string; zip?: number }[]
}
interface Form {
  name?: string
  age?: number
}
interface Patch {
  name?: string
  tags?: string[]
  homes?: User['homes']
}
interface Search {
  name: { $regex: string }
  'homes.city': string
}
interface WrongForm {
  age: string
}
interface OtherForm {
  title: string
}
declare const [user, form, patch, search, wrong, other]: [User, Form, Patch, Search, WrongForm, OtherForm]
const users = db.collection<User>('users')

void users.find(form)
void users.findOne(user)
void users.find(search)
void users.deleteMany({ $or: [form, { 'tags.0': 'x' }, { 'flags.on': true }] })
void users.updateOne(form, { $set: patch, $setOnInsert: { _id: 'u1', age: 1 } })
void users.updateOne(form, { $set: { ...patch, 'homes.0.city': 'x', 'tags.$[]': 'x', 'flags.on': false }, $min: patch, $unset: { flags: 1 } })
void users.findOneAndUpdate(user, { $set: user })
void users.bulkWrite([{ updateOne: { filter: form, update: { $set: patch } } }, { deleteOne: { filter: user } }])
const where: Filter<User> = form
const operators: UpdateOperators<User> = { $set: patch }
void [where, operators]
// @ts-expect-error a field of another type
void users.find(wrong)
// @ts-expect-error no field of these documents
void users.find(other)
// @ts-expect-error a field of another type
void users.updateOne({}, { $set: wrong })
// @ts-expect-error no field of these documents
void users.updateOne({}, { $set: other })
// @ts-expect-error a filter of another type, joined
void users.find({ $and: [wrong] })
// @ts-expect-error no such field in a position
void users.find({ 'homes.0.town': 'x' })
// @ts-expect-error another type in a position
void users.updateOne({}, { $set: { 'homes.0.city': 5 } })
// @ts-expect-error another type below a Record
void users.updateOne({}, { $set: { 'flags.on': 'x' } })
// @ts-expect-error no numbers below the Record
void users.updateOne({}, { $inc: { 'flags.on': 1 } })
// @ts-expect-error an _id of another type
void users.updateOne({}, { $setOnInsert: { _id: 5 } })

// Documents without arrays and Records, and with only an _id
const plain = db.collection<{ _id: number; name: string }>('plain')
void plain.updateOne({ _id: 1 }, { $set: { name: 'x' } })
// @ts-expect-error no such field
void plain.updateOne({ _id: 1 }, { $set: { nam: 'x' } })
// @ts-expect-error no number there
void plain.updateOne({ _id: 1 }, { $inc: { name: 1 } })
// @ts-expect-error no array there
void plain.updateOne({ _id: 1 }, { $push: { name: 'x' } })
const bare = db.collection<{ _id: number }>('bare')
void bare.findOne({ _id: 1 })
// @ts-expect-error no such field
void bare.findOne({ name: 1 })
// @ts-expect-error no such field
void bare.updateOne({}, { $set: { name: 1 } })

// Unions: the fields of any member, each with its type there
type Event =
  | { type: 'visit'; pages: number; log: string[]; at: Date; from?: { host: string; hits: number } }
  | { type: 'sale'; sum: number; lines: { sku: string; amount: number }[]; note: string | number[] }
const events = db.collection<Event>('events')
void events.find({ type: 'visit', pages: { $gt: 1 }, 'from.host': 'x' })
void events.updateOne({ type: 'visit' }, { $set: { pages: 1, 'from.host': 'x' } })
void events.updateOne({}, { $inc: { pages: 1, sum: 2, 'lines.0.amount': 1, 'from.hits': 1, 'lines.$[].amount': 1 } })
void events.updateOne({}, { $mul: { sum: 2 }, $currentDate: { at: true }, $bit: { pages: { and: 1 } } })
void events.updateOne({}, { $push: { log: 'x', lines: { $each: [{ sku: 'x', amount: 1 }] }, note: 1 }, $addToSet: { log: 'x' } })
void events.updateOne({}, { $pull: { log: { $in: ['x'] }, lines: { amount: { $gt: 1 } } }, $pullAll: { log: ['x'] }, $pop: { log: 1 } })
// @ts-expect-error a string in neither member
void events.updateOne({}, { $set: { pages: 'x' } })
// @ts-expect-error text where a number stands
void events.find({ pages: 'x' })
// @ts-expect-error a number in no member
void events.updateOne({}, { $inc: { type: 1 } })
// @ts-expect-error elements of another type
void events.updateOne({}, { $push: { log: 5 } })
// @ts-expect-error an array in no member
void events.updateOne({}, { $addToSet: { pages: 1 } })
// @ts-expect-error a field of no member
void events.updateOne({}, { $pull: { logs: 'x' } })
// @ts-expect-error a path of no member
void events.updateOne({}, { $set: { 'from.port': 1 } })

// Code that is generic over its documents asserts what the compiler cannot see
interface Base {
  _id: string
  owner: string
  createdAt: Date
}
export class Repository<T extends Base> {
  constructor(private readonly collection: Collection<T>) {}
  byId(id: string) {
    return this.collection.findOne({ _id: id } as Filter<T>)
  }
  since(date: Date) {
    return this.collection.find({ createdAt: { $gte: date }, owner: word } as Filter<T>).toArray()
  }
  either(date: Date) {
    return this.collection.countDocuments({ $or: [{ createdAt: { $gte: date } }, { owner: word }] } as Filter<T>)
  }
  touch(id: string) {
    return this.collection.updateOne({ _id: id } as Filter<T>, { $set: { createdAt: new Date() } } as UpdateFilter<T>)
  }
  count(id: string) {
    return this.collection.updateOne({ _id: id } as Filter<T>, { $inc: { visits: 1 }, $push: { log: 'x' } } as UpdateFilter<T>, { upsert: true })
  }
  add(owner: string) {
    return this.collection.insertOne({ owner, createdAt: new Date() } as OptionalId<T>)
  }
  // Without an assertion the compiler still refuses what it cannot see.
  unseen(id: string) {
    // @ts-expect-error not known to be a filter of every T
    return this.collection.findOne({ owner: id, no: 1 })
  }
}
