// The fields that the documents of a sample have.

import { useCall } from '../lib/server.js'
import { target, useShown } from '../lib/shown.js'
import { grouped, inline, read, several } from '../lib/values.js'
import { Empty, Loaded } from '../parts/states.js'

interface Field {
  path: string
  documents: number
  types: [type: string, count: number][]
  examples: [value: unknown, count: number][]
  distinct: number
  least?: unknown
  greatest?: unknown
}

export function Schema() {
  const { place } = useShown()
  const found = useCall('schema', target(place))
  return (
    <Loaded called={found}>{({ documents, fields, left }) => (documents === 0 ? <Empty>This collection is empty.</Empty> : (
      <>
        <p class="bar"><span>{several((fields as Field[]).length, 'field')} in a sample of {several(documents, 'document')}</span>
          <button type="button" onClick={found.again}>Sample again</button></p>
        <div class="scroll" tabIndex={0} role="region" aria-label="Fields">
          <table class="list schema">
            <thead><tr><th scope="col">Field</th><th scope="col">In</th><th scope="col">Types</th><th scope="col">Frequent values</th><th scope="col">Range</th></tr></thead>
            <tbody>{(fields as Field[]).map((field) => <Row key={field.path} field={field} documents={documents as number} />)}</tbody>
          </table>
        </div>
        {left && <p class="note">Further fields are left out.</p>}
      </>
    ))}</Loaded>
  )
}

function Row({ field: { path, documents: count, types, examples, distinct, least, greatest }, documents }: { field: Field; documents: number }) {
  const all = types.reduce((sum, [, one]) => sum + one, 0)
  const isDifferent = distinct > 5 && examples.every(([, one]) => one === 1)
  return (
    <tr>
      <th scope="row">{path.slice(0, 200)}</th>
      <td class="amount">{Math.round((100 * count) / documents)}%</td>
      <td class="types">
        <span class="share" aria-hidden="true">{types.map(([type, one]) => <i key={type} class={`b-${type}`} style={{ width: `${(100 * one) / all}%` }} />)}</span>
        {types.map(([type, one]) => <span key={type} class={`t-${type}`}>{type}{types.length > 1 && ` ${Math.round((100 * one) / all)}%`}</span>)}
      </td>
      <td class="examples">{examples.slice(0, isDifferent ? 2 : 5).map(([value, one]) => <code key={inline(value)}>{exampleText(value)}{one > 1 && <small> {grouped(one)}</small>}</code>)}
        {isDifferent && <span class="note">and others</span>}</td>
      <td>{least !== undefined && <>{rangeText(least)} to {rangeText(greatest)}</>}</td>
    </tr>
  )
}

function exampleText(value: unknown): string {
  const { kind, text } = read(value)
  return kind === 'date' ? text : inline(value, 60)
}

/** The day of a date is enough. */
function rangeText(value: unknown): string {
  const { kind, text } = read(value)
  return kind === 'date' ? text.slice(0, 10) : text
}
