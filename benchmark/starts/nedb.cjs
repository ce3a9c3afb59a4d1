const Datastore = require('@seald-io/nedb')
async function main() {
  const db = new Datastore()
  await db.insertAsync({ _id: 'u1', name: 'Ada' })
  if ((await db.findOneAsync({ _id: 'u1' })).name !== 'Ada') throw new Error('wrong answer')
}
main()
