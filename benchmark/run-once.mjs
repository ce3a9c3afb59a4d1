import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** One peer, one run; rejects when the child fails or dies. */
export function runOnce(peer, { documents, seed, works }) {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL('child.mjs', import.meta.url)), { execArgv: ['--expose-gc'] })
    let answer = null
    child.on('message', (message) => (answer = message))
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (answer?.figures !== undefined) resolve(answer)
      else reject(new Error(answer?.error ?? `the process of ${peer} ended with ${signal ?? `code ${code}`}`))
    })
    child.send({ peer, directory: fileURLToPath(new URL(`data/${peer}`, import.meta.url)), documents, seed, wanted: works })
  })
}
