// The secrets of an inspector, and their comparison.

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** 256 bits that fit into a URL, a header and a cookie. */
export function fresh(): string {
  return randomBytes(32).toString('base64url')
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Whether two texts are the same, in a time that tells nothing of where they differ. */
export function same(given: unknown, secret: string): boolean {
  if (typeof given !== 'string') return false
  return timingSafeEqual(digest(given), digest(secret))
}

/**
 * The token is in the fragment of the URL, which browsers send to nobody; the page exchanges it for the other two. A cookie alone would not do: it is
 * sent to every port of the host, so that another program that listens there would learn it. The key is kept by the page, whose storage is that of
 * its origin, with its port.
 */
export class Keys {
  readonly token = fresh()
  readonly cookie = fresh()
  readonly key = fresh()
}
