// The examples of README.md and docs/api.md run as they stand.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)

for (const file of ['README.md', 'docs/api.md']) {
  const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8').replaceAll('\r\n', '\n')
  const examples = [...text.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map((match) => match[1])

  test(`${file} has examples`, (t) => {
    t.true(examples.length > 0)
  })

  for (const [index, code] of examples.entries()) {
    test(`example ${index + 1} of ${file} runs`, async (t) => {
      await t.notThrowsAsync(run(process.execPath, ['--input-type=module', '--eval', code], { cwd: root, timeout: 60_000 }))
    })
  }
}
