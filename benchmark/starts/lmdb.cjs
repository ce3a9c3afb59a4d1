const { open } = require('lmdb')
async function main() {
  const db = open({ path: process.argv[2] })
  await db.put('u1', { name: 'Ada' })
  if (db.get('u1').name !== 'Ada') throw new Error('wrong answer')
  await db.close()
}
main()
