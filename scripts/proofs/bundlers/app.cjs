// A program to bundle: it writes to disk, reads after opening again, and sees an error of the package.

const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')

const { Database, MoltenError } = require('moltendb-node')

async function main() {
  const folder = mkdtempSync(join(tmpdir(), 'moltendb-bundled-'))
  try {
    const db = await Database.open(join(folder, 'db'))
    await db.collection('c').insertOne({ _id: 1, at: new Date(5) })
    await db.close()
    const again = await Database.open(join(folder, 'db'))
    const found = await again.collection('c').find({ at: { $gt: new Date(0) } }).toArray()
    const error = await again.collection('c').insertOne({ _id: 1 }).catch((thrown) => thrown)
    await again.close()
    if (found.length !== 1 || !(error instanceof MoltenError)) throw new Error('the answers are wrong')
    console.log('ok')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

main().catch(({ message }) => {
  console.error(message)
  process.exitCode = 1
})
