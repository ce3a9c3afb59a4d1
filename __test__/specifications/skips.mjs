// Which tests are not run, and why. The first reason that applies is the one that is counted.

import { isKnown } from './operations.mjs'

/** The server that this package is compared with: a replica set of one member. */
const SERVER = { version: '8.0.0', topology: 'replicaset' }

/** Operations of the runner that only say what commands were sent, or where to. */
const OF_COMMANDS = new Set([
  'assertDifferentLsidOnLastTwoCommands', 'assertSameLsidOnLastTwoCommands', 'assertSessionDirty', 'assertSessionNotDirty', 'assertSessionPinned',
  'assertSessionUnpinned'
])
const FAILPOINTS = new Set(['failPoint', 'targetedFailPoint'])

/** Compares versions of servers. */
function compare(a, b) {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number))
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** Why a requirement is not met; undefined when it is. */
function unmet({ minServerVersion, maxServerVersion, topologies, auth, serverless, csfle, serverParameters }) {
  if (topologies !== undefined && !topologies.includes(SERVER.topology)) return 'another topology'
  if (auth === true || serverless === 'require') return 'users'
  if (csfle !== undefined && csfle !== false) return 'encryption by the driver'
  if (serverParameters !== undefined) return 'parameters of a server'
  if (minServerVersion !== undefined && compare(SERVER.version, minServerVersion) < 0) return 'another version of the server'
  if (maxServerVersion !== undefined && compare(SERVER.version, maxServerVersion) > 0) return 'another version of the server'
  return undefined
}

/** Why none of the requirements is met: the reason of the last, as another of them may be about another topology. */
function unmetOf(requirements) {
  if (requirements === undefined) return undefined
  const reasons = requirements.map(unmet)
  return reasons.includes(undefined) ? undefined : reasons.at(-1)
}

/** All operations of a test, with those of callbacks. */
export function operationsOf(operations) {
  return operations.flatMap((operation) => [operation, ...operationsOf(operation.arguments?.callback ?? [])])
}

/** Why a test is not run; undefined when it is. */
export function skipOf(file, test) {
  const reason = unmetOf(file.runOnRequirements) ?? unmetOf(test.runOnRequirements)
  if (reason !== undefined) return reason
  if (test.skipReason !== undefined) return 'the specification skips it'
  const operations = operationsOf(test.operations)
  const named = (names) => operations.some(({ object, name }) => object === 'testRunner' && names.has(name))
  if (named(FAILPOINTS)) return 'failpoint'
  if (named(OF_COMMANDS)) return 'commands alone'
  const made = operations.filter(({ object, name }) => object === 'testRunner' && name === 'createEntities').flatMap((each) => each.arguments.entities)
  const entities = [...(file.createEntities ?? []), ...made]
  const types = new Map(entities.flatMap((each) => Object.entries(each).map(([type, { id }]) => [id, type])))
  for (const operation of operations) {
    if (operation.object !== 'testRunner' && !isKnown(operation, types.get(operation.object))) return `no ${operation.name} of a ${types.get(operation.object)}`
  }
  if (entities.some(({ session }) => session?.sessionOptions?.snapshot === true)) return 'snapshot sessions'
  const expects = test.outcome !== undefined || operations.some(({ object, name, expectResult, expectError }) => {
    return expectResult !== undefined || expectError !== undefined || (object === 'testRunner' && name.startsWith('assert'))
  })
  return expects ? undefined : 'commands alone'
}
