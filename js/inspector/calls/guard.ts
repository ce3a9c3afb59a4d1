// What a request must have before it is looked at: its host, its origin, its cookie and key, its content type.

import type { IncomingMessage } from 'node:http'

import { type Keys, same } from './keys.js'

/** A refused request: the status and a sentence. */
export class Refusal extends Error {
  constructor(readonly status: number, message: string) {
    super(message)
  }
}

export const KEY_HEADER = 'x-inspector-key'

/** The name has the port: a cookie belongs to all ports of a host, and two inspectors would overwrite each other's. */
export function cookieName(port: number): string {
  return `moltendb-inspector-${port}`
}

/**
 * Refuses what was not sent to this server by one of its names. A page of elsewhere whose name has been made to lead here (DNS rebinding) has its own
 * name in Host.
 */
export function checkHost(request: IncomingMessage, port: number): void {
  const hosts = valuesOf(request, 'host')
  const own = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `${name}:${port}`)
  if (hosts.length !== 1 || !own.includes(hosts[0]!.toLowerCase())) throw new Refusal(403, 'this is not the host of the inspector; open the URL that it was started with')
  if (!request.url!.startsWith('/')) throw new Refusal(400, 'the target of the request must be a path')
}

/** Refuses what a page of another origin has sent. Browsers set both headers themselves, and no page can change them. */
export function checkOrigin(request: IncomingMessage): void {
  const { origin, host } = request.headers
  const site = request.headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin') throw new Refusal(403, 'the request comes from another site')
  if (origin !== undefined ? valuesOf(request, 'origin').length !== 1 || origin.toLowerCase() !== `http://${host!.toLowerCase()}` : site === undefined) {
    throw new Refusal(403, 'the request comes from another origin')
  }
}

/** Refuses a body that a form, or a page without leave, could send. */
export function checkContentType(request: IncomingMessage): void {
  const type = request.headers['content-type'] ?? ''
  if (!/^application\/json(?:\s*;\s*charset=utf-8)?$/i.test(type)) throw new Refusal(415, 'the content type must be application/json')
  if (request.headers['content-encoding'] !== undefined) throw new Refusal(415, 'the body must not be encoded')
}

/** Refuses who has not shown the token: the cookie that was given for it is demanded. */
export function checkCookie(request: IncomingMessage, port: number, keys: Keys): void {
  const name = `${cookieName(port)}=`
  const found = (request.headers.cookie ?? '').split(/;\s*/).find((cookie) => cookie.startsWith(name))
  if (!same(found?.slice(name.length), keys.cookie)) throw new Refusal(401, 'the session is unknown; open the URL that the inspector was started with')
}

/** Refuses who has the cookie only. */
export function checkKey(request: IncomingMessage, keys: Keys): void {
  if (!same(request.headers[KEY_HEADER], keys.key)) throw new Refusal(401, 'the session is unknown; open the URL that the inspector was started with')
}

/** All values of a header, also where the parsed headers keep the first only. */
function valuesOf({ rawHeaders }: IncomingMessage, name: string): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]!.toLowerCase() === name)
}
