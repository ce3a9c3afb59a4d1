import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: dirname(fileURLToPath(import.meta.url)),
  cacheDir: '../../../dist/vitest',
  test: {
    include: ['*.test.mjs'],
    projects: ['forks', 'threads', 'vmThreads', 'vmForks'].map((pool) => ({ extends: true, test: { name: pool, pool } }))
  }
})
