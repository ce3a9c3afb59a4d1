// 81 wrong lines, each refused unless it stands under "accepted"; checked by the compiler, never run. types-right.test-d.ts is its other half.

import type { Collection, Filter, UpdateFilter } from '../index.js'
import { type User, db, deeps, events, id, n, now, open, text, trees, user, users } from './types-model.js'

// Filters
// @ts-expect-error
void users.find({ nme: 'x' })
// @ts-expect-error
void users.find({ name: 5 })
// @ts-expect-error
void users.find({ age: '5' })
// @ts-expect-error
void users.find({ age: { $gt: 'x' } })
// @ts-expect-error
void users.find({ age: { $gte: now } })
// @ts-expect-error
void users.find({ role: 'owner' })
// @ts-expect-error
void users.find({ role: { $in: ['owner'] } })
// @ts-expect-error
void users.find({ role: { $ne: 'owner' } })
// @ts-expect-error
void users.find({ 'address.citty': 'x' })
// @ts-expect-error
void users.find({ 'address.geo.lat': 'x' })
// @ts-expect-error
void users.find({ 'address.geo.lng': 5 })
// @ts-expect-error
void users.find({ 'lines.skuu': 'x' })
// @ts-expect-error
void users.find({ 'lines.qty': 'x' })
// @ts-expect-error
void users.find({ 'lines.0.qty': 'x' })
// @ts-expect-error
void users.find({ 'lines.variant.colour': 'x' })
// @ts-expect-error
void users.find({ age: { $bigger: 5 } })
// @ts-expect-error
void users.find({ age: { $regex: 'x' } })
// @ts-expect-error
void users.find({ name: { $size: 3 } })
// @ts-expect-error
void users.find({ age: { $elemMatch: { $gt: 1 } } })
// @ts-expect-error
void users.find({ lines: { $elemMatch: { skuu: 'x' } } })
// @ts-expect-error
void users.find({ lines: { $elemMatch: { qty: 'x' } } })
// @ts-expect-error
void users.find({ scores: { $elemMatch: { $gt: 'x' } } })
// @ts-expect-error
void users.find({ tags: { $all: [5] } })
// @ts-expect-error
void users.find({ tags: 5 })
// @ts-expect-error
void users.find({ tags: { $in: [5] } })
// @ts-expect-error
void users.find({ deletedAt: 'never' })
// @ts-expect-error
void users.find({ active: 'yes' })
// @ts-expect-error
void users.find({ _id: 'abc' })
// @ts-expect-error
void users.find({ $or: { name: 'x' } })
// @ts-expect-error
void users.find({ $or: [{ nme: 'x' }] })
// @ts-expect-error
void users.find({ $and: [{ age: 'x' }] })
// @ts-expect-error
void users.find({ $foo: 1 })
// @ts-expect-error
void users.find({ 'settings.theme': 'blue' })
// @ts-expect-error
void users.find({ 'counts.k': 'x' })
// @ts-expect-error
void users.find({ name: { $exists: 'yes' } })
// @ts-expect-error
void users.find({ age: { $type: 'integer' } })
// @ts-expect-error
void users.find({ age: /5/ })
// @ts-expect-error
void users.find({ name: { $not: 'x' } })
// @ts-expect-error
void events.find({ kind: 'clik' })
// @ts-expect-error
void deeps.find({ 'a.b.c.d.e.f.g.h': 'x' })
// @ts-expect-error
void deeps.find({ 'a.b.c.d.e.f.g.i': 5 })
// @ts-expect-error
void deeps.find({ 'l.m.n.o.p.z': 'x' })
// @ts-expect-error
void trees.find({ 'children.nam': 'x' })
// @ts-expect-error
const wrongFilter: Filter<User> = { name: { $in: 'x' } }

// Updates
// @ts-expect-error
void users.updateOne({ _id: id }, { $set: { nme: 'x' } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $set: { age: 'x' } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $set: { role: 'owner' } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $set: { 'address.citty': 'x' } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $set: { 'address.city': 5 } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $set: { 'lines.0.qty': 'x' } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $set: { _id: id } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $inc: { name: 1 } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $inc: { age: 'x' } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $push: { name: 'x' } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $push: { tags: 5 } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $push: { lines: { sku: 5, qty: 1, price: 1 } } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $addToSet: { tags: { $each: [5] } } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $pull: { tags: 5 } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $pull: { lines: { skuu: 'x' } } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $unset: { nme: '' } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $sett: { name: 'x' } })
// @ts-expect-error
void users.updateOne({ _id: id }, { name: 'x' })
// @ts-expect-error
void users.updateOne({ _id: id }, { $currentDate: { name: true } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $setOnInsert: { nme: 'x' } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $set: { 'lines.$.qtyy': 5 } })
// @ts-expect-error
void users.updateOne({ _id: id }, { $inc: { 'lines.$[x].qtyy': 5 } })
// @ts-expect-error
const wrongUpdate: UpdateFilter<User> = { $pop: { tags: 5 } }

// The rest
// @ts-expect-error
void users.insertOne({ name: 'x' })
// @ts-expect-error
void users.insertOne({ ...user, extra2: 5 })
// @ts-expect-error
void users.find().sort({ nme: 1 })
// @ts-expect-error
void users.find({}, { sort: { nme: 1 } })
// @ts-expect-error
void users.find().filter({ nme: 'x' })
// @ts-expect-error
void users.distinct('nme')
// @ts-expect-error
void users.createIndex({ nme: 1 })
// @ts-expect-error
void users.findOneAndUpdate({ _id: id }, { $set: { name: 'x' } }, { returnDocument: 'both' })
// @ts-expect-error
void users.find({}, { limit: '5' })

// Accepted, although wrong: a required field that is unset, or undefined, which is left out; values at `$` paths; projections and pipelines,
// which compute fields of any name
void users.updateOne({ _id: id }, { $set: { 'lines.$[].qty': 'x' } })
void users.updateOne({ _id: id }, { $set: { name: undefined } })
void users.updateOne({ _id: id }, { $unset: { name: '' } })
void users.find({}, { projection: { nme: 1 } })
void users.aggregate([{ $match: { nme: 'x' } }])
export { wrongFilter, wrongUpdate, db, n, open, text, type Collection }
