// The server of an inspector: it listens on this machine only, checks each request before it looks at it, and ends with its database.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Database } from '../api/database.js'
import { written } from '../values/extended-json.js'
import { ValueError } from '../values/value-error.js'
import { bodyOf } from './calls/body.js'
import { type Call, Json } from './calls/call.js'
import { checkContentType, checkCookie, checkHost, checkKey, checkOrigin, cookieName, Refusal } from './calls/guard.js'
import { HEADERS, policyOf } from './calls/headers.js'
import { Keys, same } from './calls/keys.js'
import { EarlierStates } from './calls/states.js'
import { exportLines, fileOf, Tickets } from './routes/export.js'
import { routesWith } from './routes/table.js'

const LOOPBACK = '127.0.0.1'
/** Connections, and requests that run, at once; what is more is refused. */
const CONNECTIONS = 64
const RUNNING = 32
/** Bytes of a body: of a query, and of a document that is written. */
const BODY = 1 << 20
const DOCUMENT_BODY = 20 << 20
/** How long a client may take to send its headers, and its whole request, and an idle connection is kept, in milliseconds. */
const HEADERS_TIME = 10_000
const REQUEST_TIME = 30_000
const IDLE_TIME = 30_000
const CHECKED_EVERY = 1_000

export interface ServerSettings {
  port: number
  write: boolean
  readOnly: boolean
}

/** The two files that are sent. */
export interface Assets {
  page: string
  icon: string
}

export class InspectorServer {
  readonly #server: Server
  readonly #keys = new Keys()
  readonly #states: EarlierStates
  readonly #tickets = new Tickets()
  readonly #routes = routesWith(this.#tickets)
  readonly #stop = new AbortController()
  readonly #policy: string
  #running = new Set<Promise<void>>()
  #closed: Promise<void> | undefined

  constructor(private readonly db: Database, private readonly settings: ServerSettings, private readonly assets: Assets) {
    this.#states = new EarlierStates(db)
    this.#policy = policyOf(assets.page)
    this.#server = createServer(
      { maxHeaderSize: 16 << 10, headersTimeout: HEADERS_TIME, requestTimeout: REQUEST_TIME, keepAliveTimeout: IDLE_TIME, connectionsCheckingInterval: CHECKED_EVERY },
      (request, response) => {
        const answering = this.#answer(request, response).finally(() => this.#running.delete(answering))
        this.#running.add(answering)
      }
    )
    this.#server.maxConnections = CONNECTIONS
    // Neither the server nor a page that is open keeps the process alive.
    this.#server.unref()
    this.#server.on('connection', (socket) => socket.unref())
    this.#server.on('clientError', (_, socket) => socket.destroy())
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.settings.port, LOOPBACK, resolve)
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0
  }

  get token(): string {
    return this.#keys.token
  }

  /** Ends all connections and what runs for them. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }

  async #close(): Promise<void> {
    this.#stop.abort(new Refusal(503, 'the inspector was closed'))
    const ended = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await Promise.all([ended, ...this.#running])
    this.#states.close()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    const gone = new AbortController()
    response.on('close', () => gone.abort())
    // A client that goes away in the middle is no error of the process.
    response.on('error', () => {})
    request.on('error', () => {})
    try {
      checkHost(request, this.port)
      if (this.#running.size > RUNNING) throw new Refusal(503, 'too many requests at once')
      await this.#route(request, response, AbortSignal.any([gone.signal, this.#stop.signal]))
    } catch (error) {
      fail(request, response, error)
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const { method } = request
    const path = request.url!
    const [, kind, name] = /^\/(api|download)\/([\w-]{1,64})$/.exec(path) ?? []
    if (kind === 'api') {
      checkMethod(request, response, 'POST')
      checkOrigin(request)
      checkContentType(request)
      return name === 'session' ? this.#session(request, response) : this.#api(name!, request, response, signal)
    }
    checkMethod(request, response, 'GET', 'HEAD')
    if (kind === 'download') {
      checkOrigin(request)
      if (method !== 'GET') throw new Refusal(405, 'a download is a GET')
      checkCookie(request, this.port, this.#keys)
      return this.#download(name!, response, signal)
    }
    if (path === '/') {
      response.setHeader('content-security-policy', this.#policy)
      return send(request, response, 'text/html; charset=utf-8', this.assets.page)
    }
    if (path === '/icon.svg') return send(request, response, 'image/svg+xml', this.assets.icon)
    throw new Refusal(404, 'there is no such page')
  }

  /** Gives the cookie and the key for the token. */
  async #session(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request, BODY)
    if (!same(body.text('token'), this.#keys.token)) throw new Refusal(401, 'the token is wrong; open the URL that the inspector was started with')
    response.setHeader('set-cookie', `${cookieName(this.port)}=${this.#keys.cookie}; Path=/; HttpOnly; SameSite=Strict`)
    send(request, response, 'application/json', JSON.stringify({ key: this.#keys.key }))
  }

  async #api(name: string, request: IncomingMessage, response: ServerResponse, signal: AbortSignal): Promise<void> {
    checkCookie(request, this.port, this.#keys)
    checkKey(request, this.#keys)
    const route = this.#routes.get(name)
    if (route === undefined) throw new Refusal(404, 'there is no such call')
    if (route.writes && !this.settings.write) throw new Refusal(403, 'this inspector only reads; start it with --write, or with { write: true }')
    const body = await bodyOf(request, route.writes ? DOCUMENT_BODY : BODY)
    signal.throwIfAborted()
    const { db } = this
    const { readOnly, write: writes } = this.settings
    const call: Call = { db, states: this.#states, body, signal, readOnly, writes, send: sender(response, signal, 'application/x-ndjson') }
    const answer = await route.run(call)
    if (route.streams) response.end()
    else send(request, response, 'application/json', answer instanceof Json ? answer.text : written(answer))
  }

  async #download(ticket: string, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const asked = this.#tickets.take(ticket)
    response.setHeader('content-disposition', `attachment; filename="${fileOf(asked.body.needed('collection'))}"`)
    const lines = sender(response, signal, 'application/x-ndjson')
    await exportLines({ ...asked, signal, send: lines })
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.end()
  }
}

function checkMethod(request: IncomingMessage, response: ServerResponse, ...methods: string[]): void {
  if (methods.includes(request.method!)) return
  response.setHeader('allow', methods.join(', '))
  throw new Refusal(405, `this takes ${methods.join(' and ')} only`)
}

function send(request: IncomingMessage, response: ServerResponse, type: string, text: string): void {
  response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(text) })
  response.end(request.method === 'HEAD' ? undefined : text)
}

/** Sends lines, and waits for a client that reads slowly. */
function sender(response: ServerResponse, signal: AbortSignal, type: string): (line: string) => Promise<void> {
  return async (line) => {
    signal.throwIfAborted()
    if (!response.headersSent) response.writeHead(200, { 'content-type': type })
    if (response.write(`${line}\n`)) return
    await new Promise<void>((resolve, reject) => {
      const stopped = (): void => reject(signal.reason as Error)
      signal.addEventListener('abort', stopped, { once: true })
      response.once('drain', () => {
        signal.removeEventListener('abort', stopped)
        resolve()
      })
    })
  }
}

/** Answers with an error; of an answer that has begun, only its end can tell. */
function fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const { status, body } = failureOf(error)
  // What was not read of the body would be taken for the next request.
  if (!request.complete) response.setHeader('connection', 'close')
  response.removeHeader('content-disposition')
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ error: body }), () => {
    if (!request.complete) request.destroy()
  })
}

function failureOf(error: unknown): { status: number; body: { message: string; kind?: string } } {
  if (error instanceof Refusal) return { status: error.status, body: { message: error.message } }
  const { message, kind } = error as { message?: unknown; kind?: unknown }
  const text = String(message ?? error)
  if (typeof kind === 'string') return { status: kind === 'CLOSED' ? 503 : 400, body: { message: text, kind } }
  return { status: error instanceof ValueError || error instanceof TypeError ? 400 : 500, body: { message: text } }
}
