// Text on a terminal: how wide it is, what of it may be shown, and numbers for people.

/** Controls, and marks that change the direction of the text beside them: a document must not drive the terminal. */
// oxlint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g
const SHORT: { [letter: string]: string } = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** The text with what a terminal would not show as it is escaped. */
export function safe(text: string): string {
  return text.replace(UNSAFE, (letter) => SHORT[letter] ?? `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Whether a letter takes two places: those of East Asia, and most pictures. */
function isWide(code: number): boolean {
  return code >= 0x1100 && (code <= 0x115f || (code >= 0x2e80 && code <= 0xa4cf && code !== 0x303f) || (code >= 0xac00 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) || (code >= 0xffe0 && code <= 0xffe6) || (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd))
}

function widthOfLetter(letter: string): number {
  if (/^[\p{Mn}\p{Me}\p{Cf}]$/u.test(letter)) return 0
  return isWide(letter.codePointAt(0)!) ? 2 : 1
}

/** The places that a text takes. */
export function widthOf(text: string): number {
  // oxlint-disable-next-line no-control-regex
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length
  let width = 0
  for (const letter of text) width += widthOfLetter(letter)
  return width
}

/** The text in at most this many places; what is cut ends with dots. */
export function cut(text: string, width: number): string {
  // A letter has at least one unit, so a text that is much longer needs not be measured.
  if (text.length <= width * 4 && widthOf(text) <= width) return text
  const dots = width > 3 ? '...' : ''
  let kept = ''
  let places = 0
  for (const letter of text) {
    places += widthOfLetter(letter)
    if (places > width - dots.length) break
    kept += letter
    // Marks without width could go on for ever.
    if (kept.length > width * 8) break
  }
  return kept + dots
}

/** The text filled up with spaces. */
export function padded(text: string, width: number, toRight = false): string {
  const spaces = ' '.repeat(Math.max(0, width - widthOf(text)))
  return toRight ? spaces + text : text + spaces
}

/** A number with its thousands. */
export function grouped(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** Bytes in the unit that is easy to read. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`
  const units = ['kB', 'MB', 'GB', 'TB', 'PB']
  let amount = count / 1000
  let unit = 0
  while (amount >= 999.95 && unit < units.length - 1) {
    amount /= 1000
    unit += 1
  }
  return `${amount.toFixed(1)} ${units[unit]}`
}

/** A number of things, in words. */
export function several(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`
}

/** A time for people, in UTC. */
export function moment(millis: number): string {
  return Number.isNaN(new Date(millis).getTime()) ? String(millis) : new Date(millis).toISOString()
}
