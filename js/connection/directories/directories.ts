// What is done to a directory that need not be open: verifying, recovering, giving it another key; and the keys for it.

import type { MomentNumbers } from '../../arguments/moment.js'
import { keyOf, spending } from '../../arguments/encryption-key.js'
import { pathBeside } from '../../arguments/open-options.js'
import { native, type NativeProgress } from '../../transport/native.js'
import type { EncryptionKey, LongOperationOptions, OperationOptions, RecoverToOptions, VerifyOptions } from '../../types/index.js'
import type { Limits } from '../../request/time-limit.js'
import { untilGivenUp } from '../deadline.js'
import { errorOfNative } from '../failures.js'
import { reporting, ThrownByCallback } from '../progress.js'

/** The bytes of a key. A function that takes long is not waited for when the call is given up. Without a key nothing may be waited for: a path may be relative. */
export function keyWithin(where: string, name: string, given: EncryptionKey, limits: Limits): Promise<Uint8Array | undefined> {
  return untilGivenUp(where, keyOf(where, name, given), limits)
}

/** Makes a new database of a moment of a directory; resolves with the result as JSON. */
export async function recoverNative(
  where: string, [path, destination]: readonly [string, string], { lsn, time }: MomentNumbers, allowPartial: boolean, limits: RecoverToOptions
): Promise<string> {
  const { signal } = limits
  const given = limits.encryptionKey
  const [from, to] = [pathBeside(given, path, where), pathBeside(given, destination, where)]
  const key = given === undefined ? undefined : await keyWithin(where, 'option encryptionKey', given, limits)
  const stop = new (native().NativeProgress)()
  // Given up, it is waited for: then no directory is left, and the one that it reads is free; or it was complete before.
  let isGivenUp = false
  const made = spending([key], () => native().NativeDatabase.recoverTo(from, to, lsn === null ? [0, time!] : [lsn], allowPartial, stop, key))
  try {
    return await untilGivenUp(where, made, limits, () => {
      isGivenUp = true
      stop.stop()
    })
  } catch (error) {
    const complete = isGivenUp ? await made.catch(() => undefined) : undefined
    if (complete !== undefined) return complete
    throw signal?.aborted && error === signal.reason ? error : errorOfNative(where, error)
  }
}

/** Runs work that is ended by the object of its progress. Given up, it is waited for: then nothing half made is left, or it was complete before. */
export async function stoppableNative(where: string, start: (progress: NativeProgress) => Promise<string>, limits: LongOperationOptions): Promise<string> {
  const { signal, onProgress } = limits
  let progress: NativeProgress | undefined
  let made: Promise<string> | undefined
  let isGivenUp = false
  const run = (own?: NativeProgress): Promise<string> => (made = start((progress = own ?? new (native().NativeProgress)())))
  const stop = (): void => {
    isGivenUp = true
    progress?.stop()
  }
  try {
    return await untilGivenUp(where, reporting(run, onProgress, stop), limits, stop)
  } catch (error) {
    const complete = isGivenUp ? await made?.catch(() => undefined) : undefined
    if (error instanceof ThrownByCallback) throw error.error
    if (complete !== undefined) return complete
    throw signal?.aborted && error === signal.reason ? error : errorOfNative(where, error)
  }
}

/** Verifies a directory; resolves with the report as JSON. */
export async function verifyNative(where: string, path: string, limits: VerifyOptions): Promise<string> {
  const { signal, onProgress } = limits
  const given = limits.encryptionKey
  const from = pathBeside(given, path, where)
  const key = given === undefined ? undefined : await keyWithin(where, 'option encryptionKey', given, limits)
  try {
    return await untilGivenUp(where, reporting((progress) => spending([key], () => native().NativeDatabase.verify(from, progress, key)), onProgress), limits)
  } catch (error) {
    throw signal?.aborted && error === signal.reason ? error : errorOfNative(where, error)
  }
}

/** Makes another key that of a directory; resolves with what was written again as JSON. */
export async function rekeyNative(where: string, path: string, keys: readonly [EncryptionKey, EncryptionKey], reencrypt: boolean, limits: OperationOptions): Promise<string> {
  const { signal } = limits
  const at = pathBeside(keys[0], path, where)
  const old = await keyWithin(where, 'oldKey', keys[0], limits)
  const key = await keyWithin(where, 'newKey', keys[1], limits)
  try {
    return await untilGivenUp(where, spending([old, key], () => native().NativeDatabase.rekey(at, old!, key!, reencrypt)), limits)
  } catch (error) {
    throw signal?.aborted && error === signal.reason ? error : errorOfNative(where, error)
  }
}
