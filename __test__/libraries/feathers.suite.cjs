// Feathers' tests of adapters, over services of a collection: for mocha.

const assert = require('node:assert')

const { adapterTests } = require('@feathersjs/adapter-tests')
const errors = require('@feathersjs/errors')
const { feathers } = require('@feathersjs/feathers')
const { MongoDBService } = require('@feathersjs/mongodb')
const { after, before, describe, it } = require('mocha')
const { ObjectId } = require('mongodb')

const { Database } = require('../../index.js')

describe('Feathers service', () => {
  const app = feathers()
  before(async () => {
    const db = await Database.open(':memory:', { ObjectId, pkFactory: { createPk: () => new ObjectId() } })
    const events = ['testing']
    app.use('people', new MongoDBService({ Model: db.collection('people'), events }), { events })
    app.use('people-customid', new MongoDBService({ Model: db.collection('people-customid'), id: 'customid', events }), { events })
    app.set('db', db)
  })
  after(() => app.get('db').close())

  it('is there', () => assert.ok(app.service('people')))
  const { names } = require('./feathers-names.cjs')
  adapterTests(names)(app, errors, 'people', '_id')
  adapterTests(names)(app, errors, 'people-customid', 'customid')
})
