// An application of Electron that keeps a database in its main process and in a utility process, and reloads its window meanwhile.

const assert = require('node:assert/strict')
const { join } = require('node:path')
const { app, BrowserWindow, utilityProcess } = require('electron')

const { Database } = require('moltendb-node')

/** Runs a program in a utility process, which has to end well. */
function inUtilityProcess(program) {
  return new Promise((resolve, reject) => {
    const child = utilityProcess.fork(join(__dirname, program), [], { stdio: 'inherit' })
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code} in a utility process`))))
  })
}

async function main() {
  await app.whenReady()
  const db = await Database.open(join(app.getPath('temp'), `moltendb-electron-${process.pid}`), { storage: 'sync' })
  const events = db.collection('events')
  await events.insertOne({ _id: 'before', bytes: Buffer.from([1, 2, 3]) })
  const window = new BrowserWindow({ show: false })
  await window.loadURL('data:text/html,<p>a window')
  const loaded = new Promise((resolve) => window.webContents.once('did-finish-load', resolve))
  const written = events.insertMany(Array.from({ length: 1_000 }, (_, at) => ({ _id: at, bytes: Buffer.alloc(100, at) })))
  window.reload()
  await Promise.all([loaded, written])
  assert.equal(await events.countDocuments({}), 1_001)
  assert.deepEqual([...(await events.get('before')).bytes], [1, 2, 3])
  await inUtilityProcess('smoke.cjs')
  await db.close()
  console.log(`Electron ${process.versions.electron}: main process, reload, utility process, ${__dirname.includes('.asar') ? 'asar archive' : 'plain folder'}`)
}

main().then(() => app.exit(0), (error) => {
  console.error(error)
  app.exit(1)
})
