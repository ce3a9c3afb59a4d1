// The channels of node:diagnostics_channel on which operations are told of.
//
// Nobody listens as a rule: then an operation costs the check of a few properties.

import { channel, tracingChannel } from 'node:diagnostics_channel'

import type { Request } from '../../request/request.js'
import type { CommandContext } from '../../types/results.js'

export const command = tracingChannel<object, CommandContext>('moltendb:command')
export const slow = channel('moltendb:slow')

const { start, end, asyncStart, asyncEnd, error: failed } = command

/** Whether somebody listens for operations. */
export function isWatched(): boolean {
  return start.hasSubscribers || asyncEnd.hasSubscribers || end.hasSubscribers || failed.hasSubscribers || asyncStart.hasSubscribers
}

/** What is told of the operations of a connection. */
export interface Told {
  /** From how many milliseconds on an operation is slow. */
  readonly slowMs: number | undefined
  /** The name of the default database. */
  readonly database: string
  /** Runs another operation, of which nothing is told. */
  run<T>(collection: string, request: Request<T>): Promise<T>
}
