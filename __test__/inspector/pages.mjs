// Every page of the inspector in Chromium, of a database that only is read: what it shows, and how it is used. Afterwards nothing may have gone wrong in the
// page, no rule of its policy been broken, and no rule of accessibility.

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'

import { Database } from '../../index.mjs'
import { launch, pageOf } from './browser.mjs'
import { shop } from './data.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const { SCREENSHOTS } = process.env

let data, browser, inspector, page, faults

before(async () => {
  if (SCREENSHOTS) mkdirSync(SCREENSHOTS, { recursive: true })
  data = await shop()
  inspector = await data.db.inspect()
  browser = await launch()
  ;({ page, faults } = await pageOf(browser, { url: inspector.url }))
})

after(async () => {
  await browser?.close()
  await data?.close()
})

afterEach(() => assert.deepEqual(faults.splice(0), []))

const query = (parts) => new URLSearchParams(parts).toString()
const customers = (tab = 'documents', parts = {}) => `#/in/shop/customers/${tab}?${query(parts)}`

/** Goes to a place of the page. */
async function go(fragment, in_ = page) {
  await in_.evaluate((to) => {
    location.hash = to
  }, fragment)
  await in_.locator('main h1').waitFor()
  await settled(in_)
}

async function settled(in_ = page) {
  await in_.waitForFunction(() => document.querySelector('.loading, [aria-busy="true"]') === null)
  await in_.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
}

async function picture(name, of = page) {
  if (!SCREENSHOTS) return
  await settled(of)
  await of.mouse.move(0, 0)
  await of.screenshot({ path: join(SCREENSHOTS, `inspector-${name}.png`) })
}

/** The violations that a checker of accessibility finds. */
async function accessible(in_ = page) {
  if (!await in_.evaluate(() => 'axe' in globalThis)) await in_.evaluate(axe)
  const found = await in_.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] })
    return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html, any }) => `${html.slice(0, 160)} ${any[0]?.message ?? ''}`).join(' | ')}`)
  })
  assert.deepEqual(found, [])
}

const hash = () => new URL(page.url()).hash
const rows = () => page.locator('.grid tbody tr:not([aria-hidden])')

test('the start lists the collections, and the token is out of the URL', async () => {
  assert.equal(hash(), '#/')
  const cells = await page.locator('main tbody tr').allInnerTexts()
  assert.deepEqual(cells.map((text) => text.split(/\s*\t\s*/).slice(0, 3).join('|')), ['shop|active customers|view of customers', 'shop|customers|1,200', 'shop|orders|2,999', 'archive|orders 2019|2'])
  assert.match(await page.locator('.sidebar').innerText(), /customers\s+1,200, [\d.]+ kB/)
  assert.equal(await page.locator('.mode').innerText(), 'read-only')
  await accessible()
  await picture('start')
  // The session is kept over a reload, and by other windows.
  await page.reload()
  await page.locator('main h1').waitFor()
  const other = await page.context().newPage()
  await other.goto(page.url())
  await other.getByRole('link', { name: 'customers', exact: true }).waitFor()
  await other.close()
})

test('documents are a grid whose rows are in the page only while they can be seen', async () => {
  await page.getByRole('link', { name: 'customers', exact: true }).click()
  await rows().first().waitFor()
  await settled()
  const heads = await page.locator('.grid thead th').allInnerTexts()
  assert.deepEqual(heads.slice(0, 9), ['_id', 'name', 'age', 'plan', 'city', 'active', 'joined', 'address.street', 'address.zip'])
  assert.match(await page.getByRole('status').first().innerText(), /^1 to 200 of 1,200/)
  assert.ok(await rows().count() < 60)
  assert.deepEqual(await rows().first().locator('td').evaluateAll((cells) => cells.slice(0, 7).map((cell) => cell.className)), ['t-number', 't-string', 't-number', 't-string', 't-string', 't-boolean', 't-date'])
  await accessible()
  await picture('documents')
  await page.locator('.grid').evaluate((grid) => {
    grid.scrollTop = grid.scrollHeight
  })
  await page.locator('#row-199').waitFor()
  assert.ok(await rows().count() < 60)
  assert.equal(await page.locator('#row-199 td').first().innerText(), '200')
  await page.getByRole('button', { name: 'Next' }).click()
  await page.getByText('201 to 400').waitFor()
  assert.match(hash(), /page=2/)
  assert.equal(await rows().first().locator('td').first().innerText(), '201')
  await page.goBack()
  await page.getByText('1 to 200').waitFor()
})

test('a query is typed with completions, is in the URL, and says what is wrong with it', async () => {
  await go(customers())
  const filter = page.getByRole('textbox', { name: 'Filter' })
  await filter.click()
  await page.waitForTimeout(300)
  await filter.pressSequentially('{ ag')
  assert.deepEqual(await page.getByRole('option').allInnerTexts(), ['age'])
  await page.keyboard.press('Tab')
  await filter.pressSequentially(': { $gt')
  await page.getByRole('option', { name: '$gte' }).waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await filter.pressSequentially(': 70 }, plan: "team" }')
  assert.equal(await filter.inputValue(), '{ age: { $gte: 70 }, plan: "team" }')
  await page.getByRole('textbox', { name: 'Sort' }).fill('-age, name')
  await page.getByRole('textbox', { name: 'Fields' }).fill('name, age, plan, -_id')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.querySelectorAll('.grid thead th').length === 3)
  await settled()
  assert.equal(new URLSearchParams(hash().split('?')[1]).get('filter'), '{ age: { $gte: 70 }, plan: "team" }')
  assert.deepEqual(await page.locator('.grid thead th').allInnerTexts(), ['name', 'age', 'plan'])
  const ages = await page.locator('.grid td:nth-child(2)').allInnerTexts()
  assert.ok(ages.length > 5 && ages.every((age) => Number(age) >= 70))
  assert.deepEqual(ages, ages.toSorted((a, b) => b - a))
  // A link to it shows the same.
  const other = await page.context().newPage()
  await other.goto(page.url())
  assert.equal(await other.getByRole('textbox', { name: 'Filter' }).inputValue(), '{ age: { $gte: 70 }, plan: "team" }')
  await other.close()
  await filter.fill('{ age: { $gte: } }')
  await filter.press('Enter')
  await page.getByRole('alert').waitFor()
  assert.match(await page.getByRole('alert').innerText(), /^The filter is not JSON: a value is expected at "\} \}"/)
  await page.getByRole('button', { name: 'Reset' }).click()
  await page.getByText('1 to 200').waitFor()
  await go(customers('documents', { filter: '{ age: 1000 }' }))
  await page.getByText('No document matches this query.').waitFor()
})

test('a document is opened with the keyboard, and shown as a tree with its version and times', async () => {
  await go(customers())
  await page.locator('.grid table').focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  const panel = page.getByRole('complementary', { name: 'Document' })
  await panel.getByText('"Clara O."').waitFor()
  assert.match(hash(), /id=3/)
  assert.match(await panel.innerText(), /Version\s+1\s+Created\s+2026-03-01T/)
  await panel.getByRole('button', { name: /^tags/ }).click()
  assert.equal(await panel.getByRole('button', { name: /^tags/ }).getAttribute('aria-expanded'), 'false')
  await page.keyboard.press('Tab')
  await accessible()
  await picture('document')
  await page.keyboard.press('Escape')
  await panel.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'JSON' }).click()
  await page.locator('.trees > li').first().waitFor()
  // The documents of the grid are shown until those of the tree, of which a page has fewer, are there.
  await page.locator('.trees > li').nth(50).waitFor({ state: 'detached' })
  assert.equal(await page.locator('.trees > li').count(), 50)
  assert.match(await page.locator('.trees > li').first().innerText(), /name\s*"Ada A\."/)
  await accessible()
})

test('a plan is a tree with what was examined, and a sentence about the index that is missing', async () => {
  await go(customers('explain', { filter: '{ plan: "team", city: "Porto" }', sort: '-balance' }))
  assert.match(await page.getByRole('group', { name: 'Plan' }).innerText(), /SORT[\s\S]*FETCH[\s\S]*IXSCAN[\s\S]*plan_1_city_1/)
  await go(customers('explain', { filter: '{ $or: [{ plan: "team", city: "Porto" }, { age: { $lt: 20 } }] }', sort: '-balance' }))
  assert.match(await page.getByRole('group', { name: 'Plan' }).innerText(), /SORT[\s\S]*FETCH[\s\S]*OR[\s\S]*IXSCAN[\s\S]*plan_1_city_1[\s\S]*IXSCAN[\s\S]*age_1/)
  await accessible()
  await picture('explain')
  await go('#/in/shop/orders/explain?' + query({ filter: '{ customer: 17 }' }))
  assert.match(await page.getByRole('group', { name: 'Plan' }).innerText(), /COLLSCAN\s*reads every document/)
  assert.match(await page.locator('.figures').innerText(), /Returned\s+\d\s+Documents examined\s+(?:2,999|3,000)\s+Keys examined\s+0/)
  assert.match(await page.locator('.advice').innerText(), /an index \{"customer":1\} may save that/)
})

test('a pipeline shows what each stage makes, and where it fails', async () => {
  await go(customers('aggregation'))
  const pipeline = page.getByRole('textbox', { name: 'Pipeline' })
  await pipeline.fill('[\n  { $match: { active: true } },\n  { $group: { _id: "$city", customers: { $sum: 1 }, balance: { $avg: "$balance" } } },\n  { $sort: { customers: -1 } }\n]')
  await pipeline.press('Control+Enter')
  await page.getByRole('heading', { name: /^Result/ }).waitFor()
  await settled()
  assert.deepEqual(await page.locator('.stages > li > header > strong').allInnerTexts(), ['Collection', '$match', '$group', '$sort'])
  assert.deepEqual((await page.locator('.stages > li > .note').allInnerTexts()).map((text) => text.replace(/, \d+ ms/, '')), ['the first 20 documents', 'the first 20 documents', '6 documents', '6 documents'])
  assert.equal(await rows().count(), 6)
  await accessible()
  await picture('aggregation')
  await page.getByRole('link', { name: 'Explain' }).last().click()
  await page.getByRole('group', { name: 'Plan' }).waitFor()
  await go(customers('aggregation', { pipeline: '[{ $match: {} }, { $project: { x: { $divide: ["$name", 2] } } }, { $limit: 5 }]' }))
  assert.match(await page.locator('.stages > li.failed').innerText(), /\$project[\s\S]*\$divide/)
})

test('a schema is drawn from a sample', async () => {
  await go(customers('schema'))
  await page.getByText('in a sample of 1,000 documents').waitFor()
  const text = await page.locator('table.schema').innerText()
  assert.match(text, /plan\s+100%\s+string\s+"free" \d+\s*"team" \d+/)
  assert.match(text, /age\s+100%\s+number[\s\S]*?18 to 77/)
  assert.match(text, /note\s+11%\s+null \d+%\s*string \d+%|note\s+11%\s+string \d+%\s*null \d+%/)
  await accessible()
  await picture('schema')
})

test('indexes have their keys, properties, memory and uses', async () => {
  await go(customers('indexes'))
  const text = await page.locator('table').innerText()
  assert.match(text, /plan_1_city_1\s+\{ plan: 1, city: 1 \}\s+[\d.]+ kB\s+\d/)
  assert.match(text, /joined_-1\s+\{ joined: -1 \}\s+sparse/)
  assert.equal(await page.getByRole('button', { name: 'Create an index' }).count(), 0)
  await accessible()
  await go('#/in/shop/active%20customers/indexes')
  await page.getByText('A view has no indexes of its own').waitFor()
})

test('the versions of a document tell what each changed', async () => {
  await go('#/in/shop/orders/documents?id=1007')
  await page.getByRole('link', { name: 'History' }).first().click()
  await page.getByRole('list', { name: 'Versions' }).waitFor()
  assert.deepEqual(await page.locator('.timeline strong').allInnerTexts(), ['update', 'update', 'update', 'update', 'insert'])
  await page.locator('.timeline button').nth(1).click()
  assert.deepEqual((await page.locator('table.changes tbody tr').allInnerTexts()).map((row) => row.split('\t').map((cell) => cell.trim())), [['state', '"packed"', '"sent"'], ['carrier', '', '"post"']])
  await accessible()
  await picture('history')
  await page.getByRole('link', { name: /^Show the collection after commit/ }).click()
  await page.getByRole('group', { name: 'The moment that is looked at' }).waitFor()
  assert.match(hash(), /at=\d+/)
})

test('the slider goes back in time, and every page with it', async () => {
  await go('#/in/shop/orders/documents')
  await page.getByText(/of 2,999/).waitFor()
  await page.getByRole('button', { name: 'Now' }).click()
  const slider = page.getByRole('slider', { name: 'Commit' })
  const last = Number(await slider.getAttribute('max'))
  await slider.focus()
  for (let i = 0; i < 4; i++) {
    await page.keyboard.press('ArrowLeft')
    await settled()
  }
  await page.getByText(/of 3,000/).waitFor()
  assert.match(hash(), new RegExp(`at=${last - 4}`))
  assert.ok(await page.locator('.moment.past').isVisible())
  assert.equal(await page.locator('.sidebar').getByText('archive').count() > 0, true)
  await picture('moment')
  await accessible()
  await go(`#/?at=1`)
  assert.equal(await page.locator('main tbody tr').count(), 1)
  await page.getByRole('button', { name: 'Back to now' }).click()
  await page.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 4)
})

test('changes are told while they are committed', async () => {
  await go('#/changes')
  await page.locator('table.events tbody tr').first().waitFor()
  await data.customers.updateOne({ _id: 42 }, { $set: { plan: 'business' } })
  await page.locator('table.events tbody tr', { hasText: '{ plan: "business" }' }).waitFor()
  assert.match(await page.locator('table.events tbody tr').first().innerText(), /update\s+shop\.customers\s+42\s+\{ plan: "business" \}/)
  await accessible()
  await picture('changes')
  await page.getByRole('button', { name: 'Pause' }).click()
  await data.customers.updateOne({ _id: 43 }, { $set: { plan: 'paused' } })
  await page.waitForTimeout(600)
  assert.equal(await page.getByText('"paused"').count(), 0)
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.getByText('"paused"').waitFor()
})

test('the storage tells of files, the past and recovery, and why it cannot be verified', async () => {
  await go('#/storage')
  const text = await page.locator('main').innerText()
  for (const part of [/Garbage\s+about \d+%/, /Earlier states\s+from commit/, /The database was created by this opening/, /seg-0000000000000001\.log\s+segment of the log\s+[\d,]+/]) assert.match(text, part)
  await picture('storage')
  await page.getByRole('button', { name: 'Verify' }).click()
  await page.getByText('The database is open for writing').waitFor()
  await accessible()
})

test('a database that nobody writes is verified', async () => {
  await data.db.backup('data/copy')
  const copy = await Database.open('data/copy', { readOnly: true })
  const other = await pageOf(browser, { url: (await copy.inspect()).url })
  await go('#/storage', other.page)
  await other.page.getByRole('button', { name: 'Verify' }).click()
  await other.page.getByText('No damage; 4,201 documents can be read.').waitFor()
  await accessible(other.page)
  assert.deepEqual(other.faults, [])
  await other.context.close()
  await copy.close()
})

test('what a query selects is saved as JSON lines', async () => {
  await go(customers('documents', { filter: '{ age: 77 }', projection: 'name' }))
  const waiting = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export' }).click()
  const download = await waiting
  assert.equal(download.suggestedFilename(), 'customers.jsonl')
  const lines = readFileSync(await download.path(), 'utf8').trim().split('\n').map((line) => JSON.parse(line))
  assert.equal(lines.length, 20)
  assert.deepEqual(Object.keys(lines[0]), ['_id', 'name'])
})

test('it is dark where the system is, and can be used in a narrow window', async () => {
  const dark = await pageOf(browser, { dark: true, url: inspector.url })
  await go(customers('documents', { filter: '{ age: { $gte: 40 } }', sort: '-age', id: '59' }), dark.page)
  await dark.page.locator('.grid').waitFor()
  await accessible(dark.page)
  await picture('dark', dark.page)
  await dark.page.setViewportSize({ width: 420, height: 800 })
  await go(customers(), dark.page)
  assert.ok(await dark.page.locator('.grid').isVisible())
  assert.ok(await dark.page.evaluate(() => document.documentElement.scrollWidth <= 420))
  assert.deepEqual(dark.faults, [])
  await dark.context.close()
})

test('what does not exist is said, and the way back is there', async () => {
  await go('#/in/shop/nothing/documents')
  await page.getByText('there is no collection "nothing"').waitFor()
  await go('#/in/shop/customers/documents?at=99999')
  await page.getByRole('alert').first().waitFor()
  await go('#/')
  await page.getByRole('link', { name: 'customers', exact: true }).first().waitFor()
})

test('when the inspector is closed, the page says so', async () => {
  const second = await data.db.inspect()
  const other = await pageOf(browser, { url: second.url })
  await second.close()
  await other.page.getByRole('button', { name: 'Refresh' }).click()
  await other.page.getByText('The inspector does not answer').waitFor()
  await other.context.close()
})
