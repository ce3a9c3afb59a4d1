// Holds a database open until its standard input ends: node holder.mjs <directory>.

import { Database } from '../../index.mjs'

const db = await Database.open(process.argv[2])
process.stdout.write('open')
process.stdin.resume().on('end', () => db.close())
