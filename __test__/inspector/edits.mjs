// Edits in the page: each is shown as the command that it runs, and nothing runs before it is confirmed.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { launch, pageOf } from './browser.mjs'
import { shop } from './data.mjs'

const { SCREENSHOTS } = process.env

let data, browser, page, faults

before(async () => {
  data = await shop()
  const { url } = await data.db.inspect({ write: true })
  browser = await launch()
  ;({ page, faults } = await pageOf(browser, { url }))
})

after(async () => {
  await browser?.close()
  await data?.close()
})

async function go(fragment) {
  await page.evaluate((to) => {
    location.hash = to
  }, fragment)
  await page.locator('main h1').waitFor()
}

const dialog = () => page.getByRole('dialog')

test('a document is inserted', async () => {
  await go('#/in/shop/customers/documents')
  await page.getByRole('button', { name: 'Insert' }).click()
  const text = dialog().getByRole('textbox', { name: 'Document' })
  await text.fill('{ _id: "new", name: "Niklaus W.", born: ISODate("1934-02-15T00:00:00Z") }')
  assert.equal(await dialog().locator('.command').innerText(), 'db.collection("customers").insertOne({ _id: "new", name: "Niklaus W.", born: ISODate("1934-02-15T00:00:00Z") })')
  await dialog().getByRole('button', { name: 'Insert' }).click()
  await dialog().waitFor({ state: 'detached' })
  assert.deepEqual(await data.customers.findOne({ _id: 'new' }), { _id: 'new', name: 'Niklaus W.', born: new Date('1934-02-15T00:00:00Z') })
  await page.getByText('of 1,201').waitFor()
  await page.locator('.sidebar').getByText('1,201').waitFor()
})

test('a document is replaced, unless another writer was quicker', async () => {
  await go('#/in/shop/customers/documents?' + new URLSearchParams({ filter: '{ _id: "new" }', id: '"new"' }))
  await page.getByRole('button', { name: 'Edit' }).click()
  const text = dialog().getByRole('textbox', { name: 'Document' })
  assert.match(await text.inputValue(), /^\{\n {2}_id: "new",\n {2}name: "Niklaus W\.",\n {2}born: ISODate\("1934-02-15T00:00:00\.000Z"\)\n\}$/)
  await text.fill('{ name: "N. Wirth" }')
  assert.match(await dialog().locator('.command').innerText(), /^db\.collection\("customers"\)\.replaceOne\(\{ _id: "new" \}, \{ name: "N\. Wirth" \}, \{ ifVersion: 1 \}\)$/)
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, 'inspector-edit.png') })
  await data.customers.updateOne({ _id: 'new' }, { $set: { seen: true } })
  await dialog().getByRole('button', { name: 'Replace' }).click()
  await dialog().getByRole('alert').waitFor()
  assert.deepEqual(Object.keys(await data.customers.findOne({ _id: 'new' })), ['_id', 'name', 'born', 'seen'])
  await dialog().getByRole('button', { name: 'Cancel' }).click()
  await dialog().waitFor({ state: 'detached' })
  await page.reload()
  await page.getByRole('button', { name: 'Edit' }).click()
  await text.fill('{ name: "N. Wirth" }')
  await dialog().getByRole('button', { name: 'Replace' }).click()
  await dialog().waitFor({ state: 'detached' })
  assert.deepEqual(await data.customers.findOne({ _id: 'new' }), { _id: 'new', name: 'N. Wirth' })
})

test('a document is deleted only after its command was confirmed', async () => {
  await go('#/in/shop/customers/documents?' + new URLSearchParams({ id: '"new"', filter: '{ _id: "new" }' }))
  await page.getByRole('button', { name: 'Delete' }).click()
  assert.equal(await dialog().locator('.command').innerText(), 'db.collection("customers").deleteOne({ _id: "new" })')
  await page.keyboard.press('Escape')
  await dialog().waitFor({ state: 'detached' })
  assert.ok(await data.customers.has('new'))
  await page.getByRole('button', { name: 'Delete' }).click()
  await dialog().getByRole('button', { name: 'Delete' }).click()
  await page.getByText('No document matches this query.').waitFor()
  assert.ok(!await data.customers.has('new'))
})

test('an index that would help is created from the plan, and dropped', async () => {
  await go('#/in/shop/orders/explain?' + new URLSearchParams({ filter: '{ customer: 17 }' }))
  await page.getByRole('link', { name: 'Create it' }).click()
  assert.equal(await dialog().locator('.command').innerText(), 'db.collection("orders").createIndex({"customer":1})')
  await dialog().getByRole('textbox', { name: 'Options' }).fill('{ name: "of customers" }')
  await dialog().getByRole('button', { name: 'Create' }).click()
  const row = page.locator('tr', { hasText: 'of customers' })
  await row.waitFor()
  assert.deepEqual((await data.orders.indexes({ full: true })).map(({ name }) => name), ['_id_', 'of customers'])
  await row.getByRole('button', { name: 'Drop' }).click()
  assert.equal(await dialog().locator('.command').innerText(), 'db.collection("orders").dropIndex("of customers")')
  await dialog().getByRole('button', { name: 'Drop' }).click()
  await row.waitFor({ state: 'detached' })
  assert.equal((await data.orders.indexes({ full: true })).length, 1)
})

test('an earlier state and a view have nothing to edit', async () => {
  const { lastLsn } = await data.db.stats()
  await go(`#/in/shop/orders/documents?at=${lastLsn - 1}&id=1007`)
  await page.getByRole('complementary', { name: 'Document' }).getByText('"filters"').waitFor()
  for (const name of ['Insert', 'Edit', 'Delete']) assert.equal(await page.getByRole('button', { name, exact: true }).count(), 0, name)
  await go('#/in/shop/active%20customers/documents?id=2')
  await page.getByRole('complementary', { name: 'Document' }).waitFor()
  for (const name of ['Insert', 'Edit', 'Delete']) assert.equal(await page.getByRole('button', { name, exact: true }).count(), 0, name)
  assert.deepEqual(faults, [])
})
