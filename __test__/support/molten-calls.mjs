// Payloads of MoltenDB in an order, and what db.molten answers to each, without times. scripts/proofs/molten.mjs asks the real MoltenDB the same;
// `differs` says why an answer is another one on purpose, `release` which release alone knows the payload.

const PRODUCTS = {
  p1: { type: 'fruit', name: 'Apple', price: 1.5, tags: ['red', 'sweet'], specs: { size: { cm: 8 } }, vendor: 'v1' },
  p2: { type: 'fruit', name: 'banana', price: 1, tags: ['yellow'], vendor: 'v2' },
  p3: { type: 'vegetable', name: 'Carrot', price: 0.8, specs: { size: { cm: 20 } }, vendor: null },
  p4: { type: 'vegetable', name: 'broccoli', price: 1.2, stock: 0, on: false }
}
const of = (...keys) => keys.map((key) => ({ ...PRODUCTS[key], _v: 1, _key: key }))
const get = (payload, answer, more = {}) => ({ call: 'get', payload: { collection: 'products', ...payload }, answer, ...more })
const where = (clause, ...keys) => get({ where: clause }, of(...keys))

/** Of the newest first, as db.molten answers without a sort. */
export const CALLS = [
  { call: 'set', payload: { collection: 'products', data: PRODUCTS }, answer: { status: 'ok', count: 4 } },
  { call: 'set', payload: { collection: 'vendors', data: { v1: { name: 'Verde', city: { name: 'Rome' } } } }, answer: { status: 'ok', count: 1 } },
  { call: 'set', payload: { collection: 'logs', data: [{ n: 1 }, { n: 2 }] }, answer: { status: 'ok', count: 2 } },
  // By key.
  get({ keys: 'p1' }, { ...PRODUCTS.p1, _v: 1 }),
  get({ keys: 'none' }, null),
  get({ keys: ['p2', 'p1', 'none'] }, of('p2', 'p1')),
  get({ keys: 'p1', fields: ['name'] }, { name: 'Apple', _v: 1 }),
  get({}, of('p4', 'p3', 'p2', 'p1')),
  { call: 'get', payload: { collection: 'nowhere' }, answer: [] },
  // Conditions, each by all of its names.
  where({ type: 'fruit' }, 'p2', 'p1'),
  where({ type: { $eq: 'fruit' } }, 'p2', 'p1'),
  where({ type: { $equals: 'FRUIT' } }, 'p2', 'p1'),
  where({ name: 'BANANA' }, 'p2'),
  where({ price: 1 }, 'p2'),
  where({ stock: 0 }, 'p4'),
  where({ on: false }, 'p4'),
  where({ price: { $gt: 1.1 } }, 'p4', 'p1'),
  where({ price: { $greaterThan: 1.1 } }, 'p4', 'p1'),
  where({ price: { $gte: 1.2 } }, 'p4', 'p1'),
  where({ price: { $lt: 1 } }, 'p3'),
  where({ price: { $lessThan: 1 } }, 'p3'),
  where({ price: { $lte: 1 } }, 'p3', 'p2'),
  where({ price: { $gte: 1, $lt: 1.5 } }, 'p4', 'p2'),
  where({ price: { $gt: 1 }, type: 'fruit' }, 'p1'),
  where({ type: { $ne: 'fruit' } }, 'p4', 'p3'),
  where({ type: { $notEquals: 'Fruit' } }, 'p4', 'p3'),
  where({ name: { $in: ['apple', 'CARROT'] } }, 'p3', 'p1'),
  where({ name: { $oneOf: ['apple'] } }, 'p1'),
  where({ name: { $nin: ['apple', 'carrot'] } }, 'p4', 'p2'),
  where({ name: { $notIn: ['apple', 'carrot', 'banana'] } }, 'p4'),
  where({ name: { $contains: 'AN' } }, 'p2'),
  where({ name: { $ct: 'rr' } }, 'p3'),
  where({ tags: { $contains: 'red' } }, 'p1'),
  where({ 'specs.size.cm': { $gt: 10 } }, 'p3'),
  where({ 'specs.size.cm': 8 }, 'p1'),
  where({ $or: [{ name: 'apple' }, { price: { $lt: 1 } }] }, 'p3', 'p1'),
  where({ $and: [{ type: 'fruit' }, { price: { $lt: 1.2 } }] }, 'p2'),
  where({ $or: [{ name: 'nothing' }] }),
  get({ where: [{ type: 'fruit' }, { name: 'apple' }] }, of('p1'), { release: '1.0' }),
  get({ where: { price: { $greaterThanOrEqual: 1.2 } } }, of('p4', 'p1'), { release: '1.0' }),
  get({ where: { price: { $lessThanOrEqual: 1 } } }, of('p3', 'p2'), { release: '1.0' }),
  get({ where: { vendor: null } }, of('p3'), { release: '0.6' }),
  get({ where: { vendor: { $eq: null } } }, of('p4', 'p3'), { release: '0.6' }),
  get({ where: { stock: { $ne: 0 } } }, of('p3', 'p2', 'p1'), { release: '0.6' }),
  get({ where: { tags: 'red' } }, []),
  get({ where: { name: { $gt: 'b' } } }, of('p4', 'p2'), { differs: 'texts are compared too, where MoltenDB finds nothing' }),
  // Orders and parts.
  get({ sort: [{ field: 'price', order: 'asc' }], count: 2 }, of('p3', 'p2')),
  get({ sort: [{ field: 'price', order: 'desc' }], offset: 1, count: 2 }, of('p4', 'p2')),
  get({ sort: ['name'] }, of('p1', 'p3', 'p2', 'p4'), { release: '0.6' }),
  get({ sort: ['name'] }, of('p1', 'p3', 'p2', 'p4'), { release: '1.0', differs: 'MoltenDB 1.0 finds nothing when it sorts by text' }),
  get({ sort: [{ field: 'type' }, { field: 'price', order: 'desc' }] }, of('p1', 'p2', 'p4', 'p3')),
  get({ sort: ['stock'], count: 1 }, of('p4')),
  get({ order: 'asc' }, of('p1', 'p2', 'p3', 'p4'), { release: '1.0' }),
  get({ order: 'desc', count: 2, offset: 1 }, of('p3', 'p2'), { release: '1.0' }),
  get({ where: { type: 'fruit' }, count: 1 }, of('p2'), { release: '1.0' }),
  get({ count: 0 }, []),
  get({ offset: 9 }, []),
  // Fields.
  get({ where: { name: 'apple' }, fields: ['name', 'specs.size.cm'] }, [{ name: 'Apple', specs: { size: { cm: 8 } }, _v: 1, _key: 'p1' }]),
  get({ where: { name: 'carrot' }, fields: ['specs', 'specs.size', 'none'] }, [{ specs: { size: { cm: 20 } }, _v: 1, _key: 'p3' }]),
  get({ where: { name: 'apple' }, excludedFields: ['tags', 'specs.size.cm', 'vendor', '_v'] }, [{ type: 'fruit', name: 'Apple', price: 1.5, _v: 1, _key: 'p1' }]),
  // Joins.
  get({ where: { name: 'apple' }, fields: ['name'], joins: [{ seller: { from: 'vendors', on: 'vendor', fields: ['city.name'] } }] }, [{ name: 'Apple', seller: { city: { name: 'Rome' } }, _v: 1, _key: 'p1' }]),
  get({ fields: ['name'], joins: [{ seller: { from: 'vendors', on: 'vendor', fields: ['name'] } }], sort: ['price'] }, [
    { name: 'Carrot', _v: 1, _key: 'p3' }, { name: 'banana', _v: 1, _key: 'p2' }, { name: 'broccoli', _v: 1, _key: 'p4' }, { name: 'Apple', seller: { name: 'Verde' }, _v: 1, _key: 'p1' }
  ]),
  get({ where: { 'seller.name': 'verde' }, fields: ['name'], joins: [{ seller: { from: 'vendors', on: 'vendor', fields: ['name'] } }] }, [{ name: 'Apple', seller: { name: 'Verde' }, _v: 1, _key: 'p1' }]),
  // Copies of other documents.
  { call: 'set', payload: { collection: 'copies', data: { c1: { own: 1, extends: { vendor: 'vendors.v1', none: 'vendors.v9' } } } }, answer: { status: 'ok', count: 1 } },
  { call: 'get', payload: { collection: 'copies', keys: 'c1', fields: ['own', 'vendor.name'] }, answer: { own: 1, vendor: { name: 'Verde' }, _v: 1 } },
  // Versions.
  { call: 'update', payload: { collection: 'products', data: { p1: { price: 2, specs: { new: true } }, none: { a: 1 } } }, answer: { status: 'ok', updated: 1 } },
  get({ keys: 'p1' }, { ...PRODUCTS.p1, price: 2, specs: { new: true }, _v: 2 }),
  { call: 'update', payload: { collection: 'products', data: { p1: { price: 3, _v: 2 } } }, answer: { status: 'ok', updated: 1 } },
  { call: 'update', payload: { collection: 'products', data: { p1: { price: 4, _v: 2 } } }, differs: 'a conflict is an error' },
  get({ keys: 'p1', fields: ['price'] }, { price: 3, _v: 3 }),
  { call: 'set', payload: { collection: 'products', data: { p2: { name: 'plum' } } }, answer: { status: 'ok', count: 1 } },
  get({ keys: 'p2' }, { name: 'plum', _v: 2 }),
  { call: 'set', payload: { collection: 'products', data: { p2: { name: 'pear', _v: 3 } } }, answer: { status: 'ok', count: 1 }, release: '0.6' },
  { call: 'set', payload: { collection: 'products', data: { p2: { name: 'fig', _v: 3 } } }, differs: 'a conflict is an error', release: '0.6' },
  // Deleting.
  { call: 'delete', payload: { collection: 'products', keys: 'p3' }, answer: { status: 'ok', deleted: 1 } },
  { call: 'delete', payload: { collection: 'products', keys: 'p3' }, answer: { status: 'ok', deleted: 0 }, differs: 'counts what was there; MoltenDB answers 1' },
  { call: 'delete', payload: { collection: 'products', keys: ['p4', 'none'] }, answer: { status: 'ok', deleted: 1 }, differs: 'counts what was there; MoltenDB answers 2' },
  { call: 'delete', payload: { collection: 'logs', count: 1 }, answer: { status: 'ok', deleted: 1 }, release: '1.0' },
  { call: 'get', payload: { collection: 'logs', fields: ['n'] }, answer: [{ n: 2, _v: 1 }], release: '1.0' },
  { call: 'delete', payload: { collection: 'logs', where: { n: { $gte: 1 } } }, answer: { status: 'ok', deleted: 1 }, release: '1.0' },
  { call: 'delete', payload: { collection: 'products', drop: true }, answer: { status: 'ok', dropped: true } },
  get({}, [])
]
