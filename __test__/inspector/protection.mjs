// What a browser makes of the inspector's protection: documents are text whatever they hold, its policy stops code, and other pages reach nothing.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'

import { Database } from '../../index.mjs'
import { launch, pageOf } from './browser.mjs'

const EVIL = ['<script>globalThis.evil = 1', '<img src=x onerror="globalThis.evil = 1">', '"><svg onload="globalThis.evil = 1">', 'javascript:globalThis.evil=1', '{{constructor.constructor("globalThis.evil=1")()}}', '\u202e<b>']

let db, browser, inspector, attacker, attackerUrl

before(async () => {
  db = await Database.open(':memory:')
  for (const name of EVIL.filter((one) => !/[/\\$]/.test(one))) await db.collection(name).insertOne({ _id: name, [name.replaceAll('.', '')]: name, list: [name, { [name.replaceAll('.', '')]: name }] })
  let deep = { end: 'of it' }
  for (let depth = 0; depth < 90; depth++) deep = { d: deep }
  await db.collection('odd').insertMany([{ _id: 'long', text: 'x'.repeat(200_000) }, { _id: 'deep', deep }, { _id: 'wide', ...Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`k${i}`, i])) }, { _id: 'list', list: Array.from({ length: 50_000 }, (_, i) => i) }])
  inspector = await db.inspect({ write: true })
  browser = await launch()
  attacker = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>x</title><h1>elsewhere</h1>'))
  await new Promise((resolve) => attacker.listen(0, '127.0.0.1', resolve))
  attackerUrl = `http://localhost:${attacker.address().port}/`
})

after(async () => {
  await browser?.close()
  attacker?.close()
  await db?.close()
})

test('names and values that are markup are shown as text', async () => {
  const { page, context, faults } = await pageOf(browser, { url: inspector.url })
  const names = (await db.listCollections().toArray()).map(({ name }) => name).filter((name) => name !== 'odd')
  assert.ok(names.length >= 4)
  for (const name of names) {
    for (const tab of ['documents', 'documents?view=json', 'schema', 'indexes', 'explain', `documents?id=${encodeURIComponent(JSON.stringify(name))}`, `aggregation?pipeline=${encodeURIComponent('[{ $limit: 1 }]')}`]) {
      await page.evaluate((to) => {
        location.hash = to
      }, `#/in/memory/${encodeURIComponent(name)}/${tab}`)
      await page.waitForFunction((text) => document.querySelector('h1')?.textContent === `memory.${text}`, name)
      await page.waitForFunction(() => document.querySelector('.loading, [aria-busy="true"]') === null)
    }
  }
  assert.equal(await page.evaluate(() => globalThis.evil), undefined)
  assert.equal(await page.evaluate(() => document.querySelectorAll('main img, main svg, main script, main b, .sidebar img').length), 0)
  assert.deepEqual(faults, [])
  await context.close()
})

test('long, deep and wide documents do not stop the page', async () => {
  const { page, context, faults } = await pageOf(browser, { url: inspector.url })
  for (const view of ['', '?view=json', ...['long', 'deep', 'wide', 'list'].map((id) => `?id=%22${id}%22`)]) {
    const began = performance.now()
    await page.evaluate((to) => {
      location.hash = to
    }, `#/in/memory/odd/documents${view}`)
    await page.locator('.grid, .trees').waitFor()
    await page.waitForFunction(() => document.querySelector('.loading, [aria-busy="true"]') === null)
    assert.ok(performance.now() - began < 5000, view)
    assert.ok(await page.evaluate(() => document.querySelectorAll('*').length) < 12_000, view)
    assert.ok(await page.evaluate(() => document.body.innerText.length) < 60_000, view)
  }
  assert.deepEqual(faults, [])
  await context.close()
})

test('the policy stops scripts, styles, handlers, connections and markup from text', async () => {
  const { page, context } = await pageOf(browser, { url: inspector.url })
  const result = await page.evaluate(async () => {
    const broken = []
    addEventListener('securitypolicyviolation', (event) => broken.push(event.effectiveDirective))
    const { body } = document
    const add = (tag, given) => body.append(Object.assign(document.createElement(tag), given))
    const tried = {}
    // oxlint-disable-next-line no-eval, no-new-func, typescript/no-implied-eval
    const evaluating = { eval: () => (0, eval)('globalThis.evil = 2'), fun: () => new Function('globalThis.evil = 2')() }
    for (const [name, run] of Object.entries({
      ...evaluating, html: () => add('div', { innerHTML: '<b>x</b>' }), text: () => add('script', { textContent: 'globalThis.evil = 2' }), handler: () => document.body.setAttribute('onclick', 'globalThis.evil = 2')
    })) {
      // In a task of its own: what runs here may evaluate.
      await new Promise((resolve) => setTimeout(() => {
        try {
          run()
          tried[name] = 'ran'
        } catch (error) {
          tried[name] = error.name
        }
        resolve()
      }))
    }
    add('style', { textContent: 'body { display: none }' })
    document.body.click()
    add('img', { src: 'https://evil.example/x.png' })
    const fetched = await fetch('https://evil.example/').then(() => 'sent', () => 'stopped')
    await new Promise((resolve) => setTimeout(resolve, 200))
    return { tried, broken: [...new Set(broken)].toSorted(), fetched, evil: globalThis.evil, display: getComputedStyle(document.body).display }
  })
  assert.deepEqual(result.tried, { html: 'TypeError', text: 'TypeError', eval: 'EvalError', fun: 'EvalError', handler: 'TypeError' })
  assert.deepEqual([result.evil, result.fetched, result.display], [undefined, 'stopped', 'block'])
  for (const directive of ['connect-src', 'img-src', 'require-trusted-types-for', 'style-src-elem']) assert.ok(result.broken.includes(directive), `${directive} of ${result.broken}`)
  await context.close()
})

test('a page of another origin reads nothing, writes nothing, and frames nothing', async () => {
  // The same browser has a session.
  const { page, context } = await pageOf(browser, { url: inspector.url })
  const documents = await db.collection('odd').countDocuments()
  const evil = await context.newPage()
  for (const from of [attackerUrl, attackerUrl.replace('localhost', '127.0.0.1')]) {
    await evil.goto(from)
    const origin = new URL(inspector.url).origin
    const result = await evil.evaluate(async (target) => {
      const attempt = (path, options) => fetch(target + path, { credentials: 'include', ...options }).then(({ status, type }) => `${type} ${status}`, () => 'refused')
      const body = JSON.stringify({ collection: 'odd', document: '{ _id: "evil" }' })
      return {
        page: await attempt('/'), json: await attempt('/api/insert', { method: 'POST', body, headers: { 'content-type': 'application/json' } }),
        text: await attempt('/api/insert', { method: 'POST', body, headers: { 'content-type': 'text/plain' } }), blind: await attempt('/api/insert', { method: 'POST', body, mode: 'no-cors' }),
        keyed: await attempt('/api/overview', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', 'x-inspector-key': 'x' } })
      }
    }, origin)
    assert.deepEqual([result.page, result.json, result.text, result.keyed], ['refused', 'refused', 'refused', 'refused'])
    await evil.evaluate((target) => {
      const frame = Object.assign(document.createElement('iframe'), { src: target, name: 'framed' })
      document.body.append(frame)
      const form = Object.assign(document.createElement('form'), { method: 'post', action: `${target}/api/insert`, enctype: 'text/plain', target: 'posted' })
      form.append(Object.assign(document.createElement('input'), { name: '{"collection":"odd","document":"{ _id: 1 }","x":"', value: '"}' }))
      document.body.append(Object.assign(document.createElement('iframe'), { name: 'posted' }), form)
      form.submit()
    }, origin)
    await evil.waitForTimeout(400)
    const framed = evil.frames().map((frame) => frame.url())
    assert.ok(!await Promise.all(evil.frames().slice(1).map((frame) => frame.evaluate(() => document.querySelector('#app') !== null).catch(() => false))).then((all) => all.includes(true)), framed.join())
  }
  assert.equal(await db.collection('odd').countDocuments(), documents)
  await page.getByRole('link', { name: 'odd' }).first().waitFor()
  await context.close()
})

test('a browser without the token sees nothing, and one with a wrong token neither', async () => {
  for (const url of [inspector.url.replace(/#.*/, ''), inspector.url.replace(/=.{4}/, '=AAAA')]) {
    const { page, context } = await pageOf(browser, { url })
    await page.getByRole('alert').waitFor()
    const text = await page.locator('body').innerText()
    assert.match(text, /open the URL that the inspector was started with/)
    assert.doesNotMatch(text, /odd/)
    await context.close()
  }
})
