// Values in Extended JSON, as the server sends them: their types, and how people read and write them.

export type Kind = 'string' | 'number' | 'long' | 'boolean' | 'null' | 'date' | 'objectId' | 'binary' | 'array' | 'object'

export interface Value {
  kind: Kind
  /** Of an array and an object: its fields. */
  fields?: [name: string, value: unknown][]
  /** As it is shown, without what an array or an object has. */
  text: string
}

const WRAPPER = /^\$+(?:oid|date|binary|numberLong|numberDouble|numberInt|numberDecimal|uuid|timestamp|regularExpression|undefined|minKey|maxKey|code|symbol|dbPointer)$/

/** The type and text of a value. */
export function read(value: unknown): Value {
  if (value === null || value === undefined) return { kind: 'null', text: 'null' }
  if (typeof value === 'string') return { kind: 'string', text: value }
  if (typeof value === 'number' || typeof value === 'boolean') return { kind: typeof value as Kind, text: String(value) }
  if (Array.isArray(value)) return { kind: 'array', fields: value.map((one, at) => [String(at), one]), text: `${value.length} ${value.length === 1 ? 'element' : 'elements'}` }
  const entries = Object.entries(value as object)
  const wrapped = entries.length === 1 ? unwrapped(entries[0]![0], entries[0]![1]) : undefined
  if (wrapped !== undefined) return wrapped
  // A first key that looks like a wrapper has one more dollar on its way.
  const fields = entries.map(([name, one], at): [string, unknown] => [at === 0 && WRAPPER.test(name) && name.startsWith('$$') ? name.slice(1) : name, one])
  return { kind: 'object', fields, text: `${fields.length} ${fields.length === 1 ? 'field' : 'fields'}` }
}

function unwrapped(name: string, content: any): Value | undefined {
  if (name === '$oid') return { kind: 'objectId', text: String(content) }
  if (name === '$numberLong') return { kind: 'long', text: String(content) }
  if (name === '$numberDouble') return { kind: 'number', text: String(content) }
  if (name === '$date') return { kind: 'date', text: dateText(content) }
  if (name === '$binary') return { kind: 'binary', text: `${Math.floor((String(content?.base64).replace(/=+$/, '').length * 3) / 4)} bytes` }
  return undefined
}

function dateText(content: any): string {
  const date = new Date(typeof content === 'object' && content !== null ? Number(content.$numberLong) : content)
  return Number.isNaN(date.getTime()) ? String(content?.$numberLong ?? content) : date.toISOString()
}

/** A value in one line, at most about so long, as it is typed in a filter. */
export function inline(value: unknown, limit = Infinity): string {
  const { kind, text, fields } = read(value)
  switch (kind) {
    case 'string': return JSON.stringify(text.length > limit ? `${text.slice(0, limit)}...` : text)
    case 'objectId': return `ObjectId("${text}")`
    case 'date': return `ISODate("${text}")`
    case 'long': return `NumberLong("${text}")`
    case 'binary': return limit === Infinity ? JSON.stringify(value) : text
    case 'array':
    case 'object': {
      const parts: string[] = []
      let length = 0
      for (const [at, [name, one]] of fields!.entries()) {
        if (length > limit) {
          parts.push('...')
          break
        }
        const part = kind === 'array' ? inline(one, limit) : `${keyText(name, at)}: ${inline(one, limit)}`
        length += part.length
        parts.push(part)
      }
      if (kind === 'array') return `[${parts.join(', ')}]`
      return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`
    }
    default: return text
  }
}

/** The same over several lines, for editors. */
export function indented(value: unknown, indent = ''): string {
  const { kind, fields } = read(value)
  if (kind !== 'array' && kind !== 'object') return inline(value)
  const short = inline(value, 60)
  if (short.length <= 60 && !short.includes('...')) return inline(value)
  const deeper = `${indent}  `
  const lines = fields!.map(([name, one], at) => `${deeper}${kind === 'array' ? '' : `${keyText(name, at)}: `}${indented(one, deeper)}`)
  return kind === 'array' ? `[\n${lines.join(',\n')}\n${indent}]` : `{\n${lines.join(',\n')}\n${indent}}`
}

/** A key as it is typed; one in front that looks like a wrapper gets one more dollar. */
function keyText(name: string, at: number): string {
  if (at === 0 && WRAPPER.test(name)) return JSON.stringify(`$${name}`)
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)
}

/** The fields of documents as columns: objects within are flattened with dots, arrays are one column. */
export function flattened(document: unknown, deepest = 3): Map<string, unknown> {
  const cells = new Map<string, unknown>()
  const add = (prefix: string, value: unknown, depth: number): void => {
    const { kind, fields } = read(value)
    if (kind === 'object' && fields!.length > 0 && depth < deepest) for (const [name, one] of fields!) add(prefix === '' ? name : `${prefix}.${name}`, one, depth + 1)
    else cells.set(prefix, value)
  }
  add('', document, 0)
  return cells
}

/** The columns of these documents, `_id` first, those of the first documents before those of later ones. */
export function columnsOf(rows: readonly Map<string, unknown>[], most: number): { columns: string[]; more: number } {
  const names = new Set<string>()
  for (const row of rows) for (const name of row.keys()) names.add(name)
  names.delete('_id')
  const all = [...(rows.some((row) => row.has('_id')) ? ['_id'] : []), ...names]
  return { columns: all.slice(0, most), more: Math.max(0, all.length - most) }
}

export function grouped(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',')
}

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  let [amount, unit] = [count / 1000, 0]
  for (; amount >= 999.95 && unit < units.length - 1; unit++) amount /= 1000
  return `${amount.toFixed(1)} ${units[unit]}`
}

export function several(count: number, one: string): string {
  return `${grouped(count)} ${one}${count === 1 ? '' : 's'}`
}

/** The value of an `_id` in the URL. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
