// Chromium, and the pages of an inspector in it.

import chromiumFiles from '@sparticuz/chromium'
import { chromium } from 'playwright-core'

/** Only what a machine without a screen needs: what the package would switch off for speed is what is tested here. */
const ARGS = ['--headless=shell', '--no-sandbox', '--no-zygote', '--disable-gpu', '--hide-scrollbars', '--font-render-hinting=none', '--disable-dev-shm-usage']

export async function launch() {
  return chromium.launch({ executablePath: await chromiumFiles.executablePath(), args: ARGS, ignoreDefaultArgs: ['--headless'] })
}

/** A page that remembers what went wrong in it: errors, messages of the console, violations of its policy. */
export async function pageOf(browser, { url, dark = false, width = 1200, height = 800 }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light', acceptDownloads: true, timezoneId: 'UTC', locale: 'en-GB' })
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  const faults = []
  page.on('pageerror', (error) => faults.push(String(error.stack ?? error)))
  page.on('console', (message) => {
    // An answer that refuses is said in the page.
    if (['error', 'warning'].includes(message.type()) && !/^Failed to load resource: .* status of 4\d\d/.test(message.text())) faults.push(message.text())
  })
  if (url !== undefined) {
    await page.goto(url)
    await page.getByRole('heading', { level: 1 }).waitFor()
  }
  return { page, context, faults }
}
