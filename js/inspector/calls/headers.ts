// The headers of every answer.

import { createHash } from 'node:crypto'

/** No page of elsewhere reads, frames or is told of anything here, and nothing is kept. There is no CORS header on purpose. */
export const HEADERS: { readonly [name: string]: string } = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY'
}

/** The policy of the page: its own style and script, known by their hashes, and requests to its own origin; no text becomes HTML (Trusted Types). */
export function policyOf(html: string): string {
  const hash = (tag: string): string => {
    const content = new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, 's').exec(html)?.[1] ?? ''
    return `'sha256-${createHash('sha256').update(content).digest('base64')}'`
  }
  return `default-src 'none'; script-src ${hash('script')}; style-src ${hash('style')}; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; ` +
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}
