// Settings as docs/bundling.md gives them: what the page shows is what is run.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { root } from '../../steps.mjs'

const page = readFileSync(join(root, 'docs', 'bundling.md'), 'utf8')

/** The block of the page whose first line is this comment. */
export function settings(title) {
  for (const [, source] of page.matchAll(/^```js parse\n(.*?)^```$/gms)) {
    if (source.startsWith(`// ${title}\n`)) return source
  }
  throw new Error(`docs/bundling.md has no block // ${title}`)
}

/** A command that the page names, word by word; a quoted one may contain blanks. */
export function command(text) {
  if (!page.includes(text)) throw new Error(`docs/bundling.md does not name the command ${text}`)
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word)
}
