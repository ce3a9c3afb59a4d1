// The test runners that runners.mjs tries, and how each is started.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'

import { binOf } from './fresh.mjs'

/** Of each runner: its package and version, its command, its modes by their arguments, and how many tests a report says to have passed. */
export const runners = {
  jest: {
    version: '30.5.2',
    command: (project, args) => [binOf(project, 'jest'), '--config', 'jest/jest.config.cjs', ...args],
    modes: [[], ['-i'], ['--workerThreads'], ['--resetModules'], ['--detectOpenHandles']],
    passed: /^Tests:\s+(\d+) passed, \1 total/m,
    // The line that opened what is left open.
    says: { '--detectOpenHandles': /at .*suite\.cjs:\d+/ }
  },
  vitest: {
    version: '4.1.12',
    command: (project, args) => [binOf(project, 'vitest'), 'run', '--config', 'vitest/vitest.config.mjs', ...args],
    modes: ['forks', 'threads', 'vmThreads', 'vmForks'].map((pool) => ['--project', pool]),
    passed: /^\s*Tests\s+(\d+) passed \(\1\)/m
  },
  ava: {
    version: '7.0.0',
    command: (project, args) => [binOf(project, 'ava'), ...args, 'ava/*.test.mjs'],
    modes: [['--worker-threads'], ['--no-worker-threads'], ['--serial']],
    passed: /^\s*(\d+) tests passed$/m
  },
  mocha: {
    version: '11.8.0',
    command: (project, args) => [binOf(project, 'mocha'), ...args, 'mocha/*.test.mjs'],
    modes: [[], ['--parallel']],
    passed: /^\s*(\d+) passing/m
  },
  node: {
    version: process.versions.node,
    command: (project, args) => ['--test', ...args, ...readdirSync(join(project, 'node')).map((name) => `node/${name}`)],
    // Without a process for each file; older versions have no such option.
    modes: [[], ...(Number.parseInt(process.versions.node, 10) >= 22 ? [['--test-isolation=none']] : [])],
    passed: /^. pass (\d+)$/m
  }
}
