// Each link of a page to a file of the repository leads to one, and each link to a heading leads to that heading.

import { existsSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

import test from 'ava'

import { pages, root, textOf } from './support/pages.mjs'

/** A page without its code, in which brackets are no links. */
const prose = (page) => textOf(page).replace(/^```.*?^```$/gms, '').replace(/`[^`\n]*`/g, (code) => 'x'.repeat(code.length))

/** The names by which GitHub links the headings of a page. */
function anchorsOf(page) {
  const seen = new Map()
  const headings = [...textOf(page).replace(/^```.*?^```$/gms, '').matchAll(/^#{1,6} +(.*)$/gm)]
  return headings.map(([, heading]) => {
    const name = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-')
    const times = seen.get(name) ?? 0
    seen.set(name, times + 1)
    return times === 0 ? name : `${name}-${times}`
  })
}

const linksOf = (page) => [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link)

for (const page of pages) {
  test(`links of ${page}`, (t) => {
    for (const link of linksOf(page)) {
      if (/^[a-z]+:/.test(link)) continue
      const [path, anchor] = link.split('#')
      const target = path === '' ? page : normalize(join(dirname(page), path)).replaceAll('\\', '/')
      t.true(existsSync(join(root, target)), `${link} leads nowhere`)
      if (anchor === undefined) continue
      t.true(statSync(join(root, target)).isFile() && target.endsWith('.md'), `${link} names a heading of what is no page`)
      t.true(anchorsOf(target).includes(anchor), `${link} names no heading of ${target}`)
    }
    t.pass()
  })
}

test('docs/README.md links every page of docs/', (t) => {
  const linked = linksOf('docs/README.md').map((link) => normalize(join('docs', link.split('#')[0])).replaceAll('\\', '/'))
  const missing = pages.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md' && !linked.includes(page))
  t.deepEqual(missing, [])
})
