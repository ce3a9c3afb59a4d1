// How a database is opened in the core.

import { spending } from '../arguments/encryption-key.js'
import type { Settings } from '../arguments/open-options.js'
import { MoltenError } from '../errors.js'
import { failureOf, native, type NativeDatabase, type NativeProgress } from '../transport/native.js'
import type { OpenOptions } from '../types/index.js'
import { abortable } from './abort.js'
import { errorOfNative } from './failures.js'
import { reporting, ThrownByCallback } from './progress.js'

/** A second opening in the process joins the first: what the first was given holds where the second is given nothing. */
export function joiningOptions(error: unknown, options: OpenOptions | undefined): OpenOptions | undefined {
  if (!(error instanceof MoltenError) || error.kind !== 'LOCKED') return undefined
  const { openWith } = failureOf(error.cause)
  if (openWith === 'readOnly') return options?.readOnly === undefined ? { ...options, readOnly: true } : undefined
  return openWith !== undefined && options?.storage === undefined ? { ...options, storage: openWith } : undefined
}

/** Opens a database; the signal and an error of `onProgress` end that. */
export async function openNative(settings: Settings, path: string, key?: Uint8Array): Promise<NativeDatabase> {
  let opening: Promise<NativeDatabase>
  try {
    const open = (progress?: NativeProgress): Promise<NativeDatabase> => {
      const called = () => native().NativeDatabase.open(path, settings.core, progress, key)
      return (opening = Promise.resolve(key === undefined ? called() : spending([key], called)))
    }
    return await abortable(reporting(open, settings.onProgress), settings.signal)
  } catch (error) {
    if (error instanceof ThrownByCallback) {
      opening!.then((database) => database.close()).catch(() => {})
      throw error.error
    }
    if (settings.signal?.aborted && error === settings.signal.reason) {
      opening!.then((database) => database.close()).catch(() => {})
      throw error
    }
    throw errorOfNative('Database.open', error)
  }
}
