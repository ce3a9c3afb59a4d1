// What keeps everybody but the person who started an inspector out of it: each line of the list in docs/guide/inspector.md, with bytes as they are sent.

import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout } from 'node:timers/promises'

import test from 'ava'

import { memory } from './support/database.mjs'
import { headersOf, inspecting, lines, post, raw, send } from './support/inspector.mjs'

async function start(t, options) {
  const db = await memory(t)
  await db.collection('users').insertMany([{ _id: 1, name: 'Ann' }, { _id: 2, name: 'Bob' }])
  const client = await inspecting(t, db, options)
  return { db, client }
}

/** The status of a request that is written byte by byte. */
async function statusOf(client, text) {
  const answer = await raw(client, text.replaceAll('\n', '\r\n'))
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0)
}

test('it listens on 127.0.0.1 only, at a port that is free unless one is named', async (t) => {
  const { db, client } = await start(t)
  t.true(client.port > 1023)
  const others = Object.values(networkInterfaces()).flat().filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address)
  for (const address of ['::1', ...others]) {
    const error = await new Promise((resolve) => connect(client.port, address, () => resolve()).on('error', resolve))
    t.truthy(error, `${address} answers`)
  }
  const other = await db.inspect()
  t.not(other.port, client.port)
  await other.close()
  const named = await db.inspect({ port: other.port })
  t.is(named.port, other.port)
  await t.throwsAsync(db.inspect({ port: other.port }), { code: 'EADDRINUSE' })
  await named.close()
})

test('the token has 256 bits, is in the fragment of the URL, and another one each time', async (t) => {
  const { db } = await start(t)
  const tokens = new Set()
  for (let i = 0; i < 5; i++) {
    const { url, close } = await db.inspect()
    const { hash, search, pathname } = new URL(url)
    t.deepEqual([search, pathname], ['', '/'])
    const token = hash.slice('#token='.length)
    t.is(Buffer.from(token, 'base64url').length, 32)
    tokens.add(token)
    await close()
  }
  t.is(tokens.size, 5)
})

test('the token gives an HttpOnly, SameSite=Strict cookie that is not the token, under a name of its port', async (t) => {
  const { client } = await start(t)
  t.regex(client.setCookie, new RegExp(`^moltendb-inspector-${client.port}=[\\w-]{43}; Path=/; HttpOnly; SameSite=Strict$`))
  t.false(client.setCookie.includes(client.token))
  t.false(client.setCookie.includes(client.key))
  t.not(client.key, client.token)
})

test('a wrong token, cookie or key is refused', async (t) => {
  const { client } = await start(t)
  const wrong = [undefined, '', 'x', 5, null, {}, client.token.slice(0, -1), `${client.token}x`, client.cookie.split('=')[1], client.key, client.token.toUpperCase()]
  for (const token of wrong) {
    const { status, headers } = await post(client, 'session', { token })
    t.true(status === 401 || status === 400, String(status))
    t.is(headers['set-cookie'], undefined)
  }
  const name = client.cookie.split('=')[0]
  const cookies = ['', `${name}=`, `${name}=${client.token}`, `${name}=${client.key}`, client.cookie.slice(0, -1), `x${client.cookie}`, client.cookie.replace(name, 'moltendb-inspector-1')]
  for (const cookie of cookies) t.is((await post(client, 'overview', {}, headersOf({ ...client, cookie }))).status, 401, cookie)
  for (const key of ['', 'x', client.token, client.cookie.split('=')[1], client.key.slice(1)]) t.is((await post(client, 'overview', {}, headersOf({ ...client, key }))).status, 401, key)
  // The cookie alone is sent to every port of the machine.
  t.is((await post(client, 'overview', {}, headersOf({ ...client, key: undefined }))).status, 401)
  t.is((await post(client, 'overview', {})).status, 200)
  t.is((await post(client, 'overview', {}, headersOf({ ...client, cookie: `a=b; ${client.cookie}; c=d` }))).status, 200)
})

test('a Host that is another name is refused before anything else, on every method and path', async (t) => {
  const { client } = await start(t)
  const { port } = client
  const wrong = ['evil.example', `evil.example:${port}`, '127.0.0.1', `127.0.0.1:${port + 1}`, `127.0.0.2:${port}`, `localhost.evil.example:${port}`, `0.0.0.0:${port}`, `[::]:${port}`, `127.0.0.1:${port}@evil.example`, `${port}`]
  for (const host of wrong) {
    for (const [method, path] of [['GET', '/'], ['GET', '/icon.svg'], ['HEAD', '/'], ['OPTIONS', '/api/find'], ['POST', '/api/overview'], ['POST', '/api/session'], ['DELETE', '/x'], ['GET', '/download/x']]) {
      t.is(await statusOf(client, `${method} ${path} HTTP/1.1\nHost: ${host}\nConnection: close\n\n`), 403, `${method} ${path} ${host}`)
    }
  }
  t.is(await statusOf(client, 'GET / HTTP/1.1\nConnection: close\n\n'), 400)
  t.is(await statusOf(client, 'GET / HTTP/1.0\n\n'), 403)
  t.is(await statusOf(client, `GET / HTTP/1.1\nHost: 127.0.0.1:${port}\nHost: evil.example\nConnection: close\n\n`), 403)
  t.is(await statusOf(client, `GET / HTTP/1.1\nHost: evil.example\nHost: 127.0.0.1:${port}\nConnection: close\n\n`), 403)
  t.is(await statusOf(client, `GET http://evil.example/ HTTP/1.1\nHost: 127.0.0.1:${port}\nConnection: close\n\n`), 400)
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`]) {
    t.is(await statusOf(client, `GET / HTTP/1.1\nHost: ${host}\nConnection: close\n\n`), 200, host)
  }
})

test('a request of another origin or site is refused, with the right cookie and key too', async (t) => {
  const { client } = await start(t)
  const right = headersOf(client)
  const without = (name) => Object.fromEntries(Object.entries(right).filter(([key]) => key !== name))
  const origins = ['http://evil.example', 'null', `http://127.0.0.1:${client.port + 1}`, `https://127.0.0.1:${client.port}`, `http://localhost:${client.port}`, `http://127.0.0.1:${client.port}.evil.example`, '']
  for (const origin of origins) {
    t.is((await post(client, 'overview', {}, { ...right, origin })).status, 403, origin)
    t.is((await post(client, 'session', { token: client.token }, { ...right, origin })).status, 403, origin)
    t.is((await post(client, 'overview', {}, { ...without('sec-fetch-site'), origin })).status, 403, origin)
  }
  for (const site of ['cross-site', 'same-site', 'none', '']) t.is((await post(client, 'overview', {}, { ...right, 'sec-fetch-site': site })).status, 403, site)
  const neither = Object.fromEntries(Object.entries(right).filter(([key]) => key !== 'origin' && key !== 'sec-fetch-site'))
  t.is((await post(client, 'overview', {}, neither)).status, 403)
  t.is((await post(client, 'overview', {}, without('origin'))).status, 200)
  t.is((await post(client, 'overview', {}, without('sec-fetch-site'))).status, 200)
})

test('there is no CORS header, also for a preflight, and every answer has the headers that protect it', async (t) => {
  const { client } = await start(t)
  const preflight = await send(client, { method: 'OPTIONS', path: '/api/find', headers: { origin: 'http://evil.example', 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-inspector-key' } })
  t.is(preflight.status, 405)
  const answers = [
    preflight, await send(client, { path: '/' }), await send(client, { path: '/icon.svg' }), await send(client, { path: '/none' }), await post(client, 'overview', {}), await post(client, 'none', {}),
    await post(client, 'overview', {}, {}), await post(client, 'find', '{'), await post(client, 'session', { token: client.token })
  ]
  for (const { headers } of answers) {
    t.deepEqual(Object.keys(headers).filter((name) => name.startsWith('access-control-')), [])
    t.is(headers['x-content-type-options'], 'nosniff')
    t.is(headers['referrer-policy'], 'no-referrer')
    t.is(headers['cache-control'], 'no-store')
    t.is(headers['x-frame-options'], 'DENY')
    t.is(headers['cross-origin-opener-policy'], 'same-origin')
    t.is(headers['cross-origin-resource-policy'], 'same-origin')
    t.regex(headers['content-security-policy'], /^default-src 'none';.*frame-ancestors 'none'/)
    t.is(headers['server'] ?? headers['x-powered-by'], undefined)
  }
})

test('the content type must be JSON, which no form sends and no page of elsewhere without leave', async (t) => {
  const { client } = await start(t)
  for (const type of ['', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain; application/json', 'application/json, text/plain', 'application/json; charset=utf-7', 'application/jsonx']) {
    t.is((await post(client, 'overview', '{}', { ...headersOf(client), 'content-type': type })).status, 415, type)
  }
  t.is((await post(client, 'overview', '{}', { ...headersOf(client), 'content-encoding': 'gzip' })).status, 415)
  t.is((await post(client, 'overview', '{}', { ...headersOf(client), 'content-type': 'application/json; charset=utf-8' })).status, 200)
})

test('calls are POST, files are GET, and there is nothing else', async (t) => {
  const { client } = await start(t)
  for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'PROPFIND']) t.is((await send(client, { method, path: '/api/overview', headers: headersOf(client) })).status, 405, method)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) t.is((await send(client, { method, path: '/', headers: headersOf(client) })).status, 405, method)
  t.is(await statusOf(client, `TRACE / HTTP/1.1\nHost: 127.0.0.1:${client.port}\nConnection: close\n\n`), 405)
})

test('the policy of the page has the hashes of its script and style, and its markup has no other code', async (t) => {
  const { client } = await start(t)
  const { text, headers } = await send(client, { path: '/' })
  const policy = headers['content-security-policy']
  for (const tag of ['script', 'style']) {
    const found = [...text.matchAll(new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, 'gs'))]
    t.is(found.length, 1)
    t.true(policy.includes(`${tag}-src 'sha256-${createHash('sha256').update(found[0][1]).digest('base64')}';`))
  }
  t.false(/unsafe|https?:|\*|data:|blob:/.test(policy), policy)
  for (const part of ["base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'", "connect-src 'self'"]) t.true(policy.includes(part), part)
  const markup = text.replace(/<script[^>]*>.*?<\/script>|<style>.*?<\/style>/gs, '')
  t.notRegex(markup, /\son\w+=|javascript:|<iframe|<base|https?:/i)
  const script = /<script[^>]*>(.*?)<\/script>/s.exec(text)[1]
  t.notRegex(script, /\beval\(|new Function|document\.write|https?:\/\/(?!www\.w3\.org)/)
})

test('no file but the page and its icon can be read, whatever the path', async (t) => {
  const { client } = await start(t)
  const paths = ['/..', '/../package.json', '/%2e%2e/%2e%2e/etc/passwd', '/....//etc/passwd', '/index.html', '//etc/passwd', '/./', '/?x', '/icon.svg/..', '/api', '/api/', '/api/overview/..', '/download/..%2f..%2fetc', '/\\..\\x', '/%00']
  for (const path of paths) {
    const status = await statusOf(client, `GET ${path} HTTP/1.1\nHost: 127.0.0.1:${client.port}\nSec-Fetch-Site: same-origin\nConnection: close\n\n`)
    t.true(status === 404 || status === 405, `${path} ${status}`)
  }
})

test('names of prototypes are no calls and no fields', async (t) => {
  const { client } = await start(t)
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf']) t.is((await post(client, name, {})).status, 404, name)
  const { status } = await post(client, 'find', '{"__proto__":{"collection":"users"}}')
  t.is(status, 400)
  t.is((await post(client, 'find', '{"collection":"users","__proto__":{"filter":"{name:\\"Ann\\"}"}}')).status, 200)
  t.is({}.collection, undefined)
})

test('a body beyond the limit is not read to its end', async (t) => {
  const { client } = await start(t, { write: true })
  t.is((await post(client, 'find', { collection: 'users', filter: `{ name: "${'x'.repeat((1 << 20) + 10)}" }` })).status, 413)
  // Without a length it is counted.
  const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
  const head = `POST /api/find HTTP/1.1\r\nHost: 127.0.0.1:${client.port}\r\n${Object.entries(headersOf(client)).map(([name, value]) => `${name}: ${value}\r\n`).join('')}Transfer-Encoding: chunked\r\n\r\n`
  t.regex(await raw(client, head + chunk.repeat(40)), /^HTTP\/1\.1 413 /)
  // Who has no session sends nothing at all.
  const huge = `POST /api/find HTTP/1.1\r\nHost: 127.0.0.1:${client.port}\r\nOrigin: ${client.origin}\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n`
  t.regex(await raw(client, huge), /^HTTP\/1\.1 401 /)
  t.is((await post(client, 'insert', { collection: 'users', document: `{ _id: 3, text: "${'x'.repeat(2 << 20)}" }` })).status, 200)
  for (const body of ['', '{', '[]', 'null', '"x"', '5', '{"collection":5}', '{"collection":["users"]}', '{"collection":"users","limit":-1}', '{"collection":"users","limit":"5"}', '{"collection":"users","filter":{}}', '\u0000', '{"a":1}{']) {
    t.is((await post(client, 'find', body)).status, 400, body)
  }
})

test('headers beyond the limit, junk and half a request end the connection', async (t) => {
  const { client } = await start(t)
  t.not(await statusOf(client, `GET / HTTP/1.1\nHost: 127.0.0.1:${client.port}\nX: ${'x'.repeat(40_000)}\n\n`), 200)
  for (const junk of ['\u0000\u0001\u0002', 'GET\r\n\r\n', 'HELO x\r\n\r\n', '\x16\x03\x01\x02', `${'A'.repeat(70_000)}`, 'GET / HTTP/9.9\r\n\r\n']) t.notRegex(await raw(client, junk, { end: true }), /^HTTP\/1\.1 200/)
  const both = `POST /api/find HTTP/1.1\r\nHost: 127.0.0.1:${client.port}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`
  t.notRegex(await raw(client, both, { wait: 3000 }), /^HTTP\/1\.1 200/)
  t.is((await post(client, 'overview', {})).status, 200)
})

test('a client that sends its headers too slowly is dropped', async (t) => {
  t.timeout(60_000)
  const { client } = await start(t)
  const began = performance.now()
  const answer = await raw(client, `GET / HTTP/1.1\r\nHost: 127.0.0.1:${client.port}\r\n`, { wait: 30_000 })
  t.true(performance.now() - began < 20_000)
  t.notRegex(answer, / 200 /)
})

test('many connections do not keep others out for long, nor the process from closing', async (t) => {
  const { db, client } = await start(t)
  const sockets = Array.from({ length: 300 }, () => connect(client.port, '127.0.0.1').on('error', () => {}))
  const open = () => sockets.filter(({ destroyed, readyState }) => !destroyed && readyState === 'open').length
  for (let waits = 0; open() > 64 && waits < 100; waits++) await setTimeout(50)
  t.true(open() <= 64)
  for (const socket of sockets) socket.destroy()
  await setTimeout(50)
  t.is((await post(client, 'overview', {})).status, 200)
  const half = Array.from({ length: 20 }, () => connect(client.port, '127.0.0.1', function () {
    this.write('POST /api/find HTTP/1.1\r\n')
  }).on('error', () => {}))
  await setTimeout(50)
  const began = performance.now()
  await db.close()
  t.true(performance.now() - began < 2000)
  for (const socket of half) socket.destroy()
})

test('a query ends at its time limit, and when the client goes away', async (t) => {
  t.timeout(60_000)
  const { db, client } = await start(t)
  await db.collection('many').insertMany(Array.from({ length: 20_000 }, (_, i) => ({ _id: i, text: `${'a'.repeat(50)}${i}` })))
  // Minutes of work.
  const slow = { collection: 'many', pipeline: '[{ $lookup: { from: "many", let: { t: "$text" }, pipeline: [{ $match: { $expr: { $eq: ["$text", { $concat: ["$$t", "x"] }] } } }], as: "all" } }, { $unwind: "$all" }]' }
  const body = JSON.stringify(slow)
  const socket = connect(client.port, '127.0.0.1')
  socket.write(`POST /api/aggregate HTTP/1.1\r\nHost: 127.0.0.1:${client.port}\r\n${Object.entries(headersOf(client)).map(([name, value]) => `${name}: ${value}\r\n`).join('')}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  const views = async () => (await db.stats()).views
  for (let waits = 0; await views() === 0 && waits < 100; waits++) await setTimeout(20)
  t.is(await views(), 1)
  socket.destroy()
  for (let waits = 0; await views() > 0 && waits < 100; waits++) await setTimeout(20)
  t.is(await views(), 0)
  const began = performance.now()
  const { previews } = await client.call('preview', slow)
  t.true(performance.now() - began < 9000)
  t.is(previews[0].documents.length, 20)
  t.regex(previews.at(-1).error, /maxTimeMS|time limit/)
})

test('without write every change is refused, whoever asks for it', async (t) => {
  const { db, client } = await start(t)
  const bodies = {
    insert: { collection: 'users', document: '{ _id: 9 }' }, replace: { collection: 'users', id: '1', version: 1, document: '{ a: 1 }' }, delete: { collection: 'users', id: '1' },
    createIndex: { collection: 'users', key: '{ name: 1 }' }, dropIndex: { collection: 'users', name: 'name_1' }
  }
  for (const [name, body] of Object.entries(bodies)) t.is((await post(client, name, body)).status, 403, name)
  for (const stage of ['{ $out: "x" }', '{ $merge: { into: "x" } }']) {
    for (const call of ['aggregate', 'preview', 'explain']) t.is((await post(client, call, { collection: 'users', pipeline: `[${stage}]` })).status, 403, stage)
    // Within another stage it is refused by the database.
    for (const within of [`{ $facet: { a: [${stage}] } }`, `{ $lookup: { from: "users", pipeline: [${stage}], as: "b" } }`, `{ $unionWith: { coll: "users", pipeline: [${stage}] } }`]) {
      for (const call of ['aggregate', 'explain']) t.is((await post(client, call, { collection: 'users', pipeline: `[${within}]` })).status, 400, within)
      t.true((await client.call('preview', { collection: 'users', pipeline: `[${within}]` })).previews.at(-1).error.length > 0)
    }
  }
  t.deepEqual((await db.listCollections().toArray()).map(({ name }) => name), ['users'])
  t.deepEqual(await db.collection('users').find().toArray(), [{ _id: 1, name: 'Ann' }, { _id: 2, name: 'Bob' }])
  t.is((await db.collection('users').indexes()).length, 1)
})

test('a filter is parsed and never evaluated', async (t) => {
  const { client } = await start(t)
  globalThis.evaluated = false
  for (const filter of ['(() => { globalThis.evaluated = true; return {} })()', '{ a: globalThis.evaluated = true }', '{ [globalThis.evaluated = true]: 1 }', '{ a: `${globalThis.evaluated = true}` }', '{ $where: "globalThis.evaluated = true" }', '{ a: new Function("x") }', '{ a: require("fs") }', 'process.exit()']) {
    t.is((await post(client, 'find', { collection: 'users', filter })).status, 400, filter)
  }
  t.false(globalThis.evaluated)
  delete globalThis.evaluated
})

test('a download needs the cookie and a ticket, which is good once', async (t) => {
  const { client } = await start(t)
  const { ticket } = await client.call('export', { collection: 'users' })
  const path = `/download/${ticket}`
  const headers = { cookie: client.cookie, 'sec-fetch-site': 'same-origin' }
  t.is((await send(client, { path, headers: { 'sec-fetch-site': 'same-origin' } })).status, 401)
  t.is((await send(client, { path, headers: { cookie: client.cookie } })).status, 403)
  t.is((await send(client, { path, headers: { cookie: client.cookie, 'sec-fetch-site': 'cross-site' } })).status, 403)
  t.is((await send(client, { path: '/download/other', headers })).status, 404)
  const { status, text, headers: answered } = await send(client, { path, headers })
  t.is(status, 200)
  t.is(text, '{"_id":1,"name":"Ann"}\n{"_id":2,"name":"Bob"}\n')
  t.is(answered['content-disposition'], 'attachment; filename="users.jsonl"')
  t.is((await send(client, { path, headers })).status, 404)
})

test('it ends with its database: its connections too, and what runs for them', async (t) => {
  const { db, client } = await start(t)
  const stream = lines(client, 'changes')
  await setTimeout(100)
  await db.close()
  t.is(await stream.next(), undefined)
  await t.throwsAsync(post(client, 'overview', {}), { code: 'ECONNREFUSED' })
})
