import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

import { defineConfig } from 'vitest/config'

export default defineConfig({
  root: dirname(fileURLToPath(import.meta.url)),
  cacheDir: '../../../dist/vitest',
  test: {
    include: ['*.test.mjs'],
    // A slow machine is no failure.
    testTimeout: 60_000,
    projects: ['forks', 'threads', 'vmThreads', 'vmForks'].map((pool) => ({ extends: true, test: { name: pool, pool } }))
  }
})
