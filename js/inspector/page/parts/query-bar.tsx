// The filter, the sort and the projection of a query.

import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'

import { FILTERS } from '../lib/completion.js'
import { withQuery } from '../lib/location.js'
import { pathsOf, useShown } from '../lib/shown.js'
import { Editor } from './editor.js'

const PARTS = [
  { name: 'filter', label: 'Filter', placeholder: '{ age: { $gte: 18 } }', operators: FILTERS },
  { name: 'sort', label: 'Sort', placeholder: '-age, name', operators: [] },
  { name: 'projection', label: 'Fields', placeholder: 'name, -_id', operators: [] }
]

export function QueryBar({ verb, children, onSame }: { verb: string; children?: ComponentChildren; onSame(): void }) {
  const { place, open } = useShown()
  const { query } = place
  const asked = PARTS.map(({ name }) => query[name] ?? '')
  const [texts, setTexts] = useState(asked)
  const [fields, setFields] = useState<string[]>([])
  const key = JSON.stringify([place.database, place.collection, asked])
  useEffect(() => setTexts(asked), [key])
  useEffect(() => setFields([]), [place.database, place.collection])

  function ask(): void {
    const next = withQuery(place, { ...Object.fromEntries(PARTS.map(({ name }, at) => [name, texts[at]!.trim()])), page: '', id: '' })
    if (JSON.stringify(next.query) === JSON.stringify({ ...query, page: '', id: '', filter: asked[0], sort: asked[1], projection: asked[2] })) onSame()
    open(next)
  }

  return (
    <form class="query" role="search" onSubmit={(event) => {
      event.preventDefault()
      ask()
    }}>
      {PARTS.map(({ name, label, placeholder, operators }, at) => (
        <label key={name} class={`part ${name}`}>
          <span>{label}</span>
          <Editor
            label={label} value={texts[at]!} placeholder={placeholder} fields={fields} operators={operators} onSubmit={ask}
            onFocus={() => {
              if (fields.length === 0) pathsOf(place).then(setFields)
            }}
            onInput={(value) => setTexts(texts.with(at, value))}
          />
        </label>
      ))}
      <div class="buttons">
        <button type="submit" class="primary">{verb}</button>
        <button type="button" onClick={() => open(withQuery(place, { filter: '', sort: '', projection: '', page: '', id: '' }))}>Reset</button>
        {children}
      </div>
    </form>
  )
}
