const { Database } = require('../../index.js')
async function main() {
  const db = await Database.open(':memory:')
  const users = db.collection('users')
  await users.insertOne({ _id: 'u1', name: 'Ada' })
  if ((await users.get('u1')).name !== 'Ada') throw new Error('wrong answer')
  await db.close()
}
main()
