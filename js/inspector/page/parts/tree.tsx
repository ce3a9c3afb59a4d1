// A value as a tree whose branches open and close.

import { useState } from 'preact/hooks'

import { inline, read } from '../lib/values.js'

/** Fields of a branch, and letters of a value, that are shown before more are asked for. */
const FIELDS = 100
const LETTERS = 2000

export function Tree({ value, depth = 1 }: { value: unknown; depth?: number }) {
  return <ul class="tree"><Branches value={value} depth={depth} /></ul>
}

function Branches({ value, depth }: { value: unknown; depth: number }) {
  const [limit, setLimit] = useState(FIELDS)
  const { kind, fields } = read(value)
  if (fields === undefined) return <li><Leaf value={value} /></li>
  return (
    <>
      {fields.slice(0, limit).map(([name, one]) => <Field key={name} name={name} isIndex={kind === 'array'} value={one} depth={depth} />)}
      {fields.length > limit && <li><button type="button" class="link" onClick={() => setLimit(limit + FIELDS * 10)}>{fields.length - limit} more</button></li>}
    </>
  )
}

function Field({ name, isIndex, value, depth }: { name: string; isIndex: boolean; value: unknown; depth: number }) {
  const { kind, fields } = read(value)
  const [isOpen, setOpen] = useState(depth > 0 && (fields?.length ?? 0) <= 30)
  const label = <span class={isIndex ? 'index' : 'key'}>{name}</span>
  if (fields === undefined || fields.length === 0) return <li>{label}<Leaf value={value} /></li>
  return (
    <li>
      <button type="button" class="branch" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>{label}<span class={`t-${kind}`}>{isOpen ? read(value).text : inline(value, 60)}</span></button>
      {isOpen && <ul><Branches value={value} depth={depth - 1} /></ul>}
    </li>
  )
}

function Leaf({ value }: { value: unknown }) {
  const [limit, setLimit] = useState(LETTERS)
  const { kind, text } = read(value)
  const shown = kind === 'array' ? '[]' : kind === 'object' ? '{}' : kind === 'string' ? JSON.stringify(text.slice(0, limit)) : text
  return (
    <>
      <span class={`value t-${kind}`} title={kind}>{shown}</span>
      {kind === 'string' && text.length > limit && <button type="button" class="link" onClick={() => setLimit(Infinity)}>all {text.length} letters</button>}
    </>
  )
}
