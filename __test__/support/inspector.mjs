// A client of an inspector: the calls of its page, and bytes as they are.

import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'

/** Starts an inspector and its session. */
export async function inspecting(t, db, options) {
  const inspector = await db.inspect(options)
  t.teardown(() => inspector.close())
  return clientOf(inspector.url)
}

/** The session that a page of this URL has. */
export async function clientOf(url) {
  const { port, origin, hash } = new URL(url)
  const token = hash.slice('#token='.length)
  const client = { port: Number(port), origin, token, cookie: '', key: '' }
  const began = await post(client, 'session', { token })
  if (began.status !== 200) throw new Error(began.text)
  client.cookie = began.headers['set-cookie'][0].split(';')[0]
  client.setCookie = began.headers['set-cookie'][0]
  client.key = JSON.parse(began.text).key
  /** The answer of a call, which must succeed. */
  client.call = async (name, body = {}) => {
    const { status, text } = await post(client, name, body)
    if (status !== 200) throw Object.assign(new Error(JSON.parse(text).error.message), { status, kind: JSON.parse(text).error.kind })
    return JSON.parse(text)
  }
  return client
}

/** The headers that a page sends. */
export function headersOf({ origin, cookie, key }) {
  return { 'content-type': 'application/json', origin, 'sec-fetch-site': 'same-origin', ...(cookie && { cookie }), ...(key && { 'x-inspector-key': key }) }
}

export function post(client, name, body, headers = headersOf(client)) {
  return send(client, { method: 'POST', path: `/api/${name}`, headers }, typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body))
}

/** A request of Node.js, without what fetch adds or forbids. */
export function send({ port }, options, body) {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, agent: false, ...options }, (response) => {
      const pieces = []
      response.on('data', (piece) => pieces.push(piece))
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(pieces).toString() }))
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** Sends bytes and answers all that comes until the connection ends. */
export function raw({ port }, bytes, { end = false, wait = 30_000 } = {}) {
  return new Promise((resolve) => {
    const pieces = []
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(bytes)
      if (end) socket.end()
    })
    const timer = setTimeout(() => socket.destroy(), wait)
    socket.on('data', (piece) => pieces.push(piece))
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(Buffer.concat(pieces).toString('latin1'))
    })
  })
}

/** The lines of a call that goes on: `next` answers the next one with content. */
export function lines(client, name, body = {}) {
  const waiting = []
  const read = []
  let ended = false
  const end = () => {
    ended = true
    for (const resolve of waiting.splice(0)) resolve(undefined)
  }
  const request = httpRequest({ host: '127.0.0.1', port: client.port, agent: false, method: 'POST', path: `/api/${name}`, headers: headersOf(client) }, (response) => {
    let rest = ''
    response.setEncoding('utf8')
    response.on('data', (text) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop()
      for (const part of parts) {
        const value = JSON.parse(part)
        if (Object.keys(value).length === 0) continue
        if (waiting.length > 0) waiting.shift()(value)
        else read.push(value)
      }
    })
    response.on('close', end)
    response.on('error', end)
  })
  request.on('error', end)
  request.end(JSON.stringify(body))
  return {
    next: () => (read.length > 0 || ended ? Promise.resolve(read.shift()) : new Promise((resolve) => waiting.push(resolve))),
    close: () => request.destroy()
  }
}
