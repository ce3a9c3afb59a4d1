const { ClassicLevel } = require('classic-level')
async function main() {
  const db = new ClassicLevel(process.argv[2], { valueEncoding: 'json' })
  await db.put('u1', { name: 'Ada' })
  if ((await db.get('u1')).name !== 'Ada') throw new Error('wrong answer')
  await db.close()
}
main()
