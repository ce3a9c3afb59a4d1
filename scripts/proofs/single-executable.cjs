// The program of a single executable: it carries the addon as an asset, writes it to a file and names that to the package, before the first database
// is opened. Node.js cannot load an addon from memory.

const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { getRawAsset, isSea } = require('node:sea')

const { Database } = require('moltendb-node')

async function main() {
  if (!isSea()) throw new Error('this is no single executable')
  const folder = mkdtempSync(join(tmpdir(), 'moltendb-sea-'))
  const addon = join(folder, 'moltendb-node.node')
  writeFileSync(addon, Buffer.from(getRawAsset('addon')))
  process.env.MOLTENDB_NATIVE_PATH = addon
  try {
    const db = await Database.open(join(folder, 'db'))
    await db.collection('c').insertOne({ _id: 1 })
    if ((await db.collection('c').get(1))._id !== 1) throw new Error('not found')
    await db.close()
    console.log('ok')
  } finally {
    // Windows keeps the file of a loaded addon.
    rmSync(folder, { recursive: true, force: process.platform === 'win32' })
  }
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
