// The edits of documents and indexes. Each is shown as the command that it runs.

import { useState } from 'preact/hooks'

import { call } from '../lib/server.js'
import { target, useShown } from '../lib/shown.js'
import { indented, inline, parsed } from '../lib/values.js'
import { commandOf, Dialog } from '../parts/dialog.js'
import { Editor } from '../parts/editor.js'

interface Edit {
  onDone(): void
  onClose(): void
}

/** What a dialog needs of its place; when it is done, the counts are asked for again. */
function useEdit({ onDone, onClose }: Edit) {
  const { place, overview, refresh } = useShown()
  const of = { database: place.database, collection: place.collection, home: overview['database'] as string }
  const done = (): void => {
    onClose()
    onDone()
    refresh()
  }
  return { of, body: target(place), done }
}

export function Insert(edit: Edit) {
  const { of, body, done } = useEdit(edit)
  const [text, setText] = useState('{\n  \n}')
  return (
    <Dialog title="Insert a document" verb="Insert" command={commandOf(of, 'insertOne', text.trim())} onClose={edit.onClose} onDone={done} run={() => call('insert', { ...body, document: text })}>
      <Editor label="Document" value={text} isLong onInput={setText} />
    </Dialog>
  )
}

export function Replace({ id, document, version, ...edit }: Edit & { id: string; document: unknown; version: number }) {
  const { of, body, done } = useEdit(edit)
  const [text, setText] = useState(() => indented(document))
  const command = commandOf(of, 'replaceOne', `{ _id: ${inline(parsed(id))} }`, text.trim(), `{ ifVersion: ${version} }`)
  return (
    <Dialog title="Replace the document" verb="Replace" command={command} isDangerous onClose={edit.onClose} onDone={done} run={() => call('replace', { ...body, id, version, document: text })}>
      <Editor label="Document" value={text} isLong onInput={setText} />
    </Dialog>
  )
}

export function Delete({ id, ...edit }: Edit & { id: string }) {
  const { of, body, done } = useEdit(edit)
  return <Dialog title="Delete the document" verb="Delete" isDangerous command={commandOf(of, 'deleteOne', `{ _id: ${inline(parsed(id))} }`)} onClose={edit.onClose} onDone={done} run={() => call('delete', { ...body, id })} />
}

export function CreateIndex({ keys, ...edit }: Edit & { keys: string }) {
  const { of, body, done } = useEdit(edit)
  const [key, setKey] = useState(keys)
  const [options, setOptions] = useState('')
  const command = commandOf(of, 'createIndex', key.trim() || '{}', ...(options.trim() === '' ? [] : [options.trim()]))
  return (
    <Dialog title="Create an index" verb="Create" command={command} onClose={edit.onClose} onDone={done} run={() => call('createIndex', { ...body, key, options })}>
      <label class="field"><span>Keys</span><Editor label="Keys" value={key} placeholder="{ name: 1 }" onInput={setKey} /></label>
      <label class="field"><span>Options</span><Editor label="Options" value={options} placeholder="{ unique: true }" onInput={setOptions} /></label>
    </Dialog>
  )
}

export function DropIndex({ name, ...edit }: Edit & { name: string }) {
  const { of, body, done } = useEdit(edit)
  return <Dialog title="Drop the index" verb="Drop" isDangerous command={commandOf(of, 'dropIndex', JSON.stringify(name))} onClose={edit.onClose} onDone={done} run={() => call('dropIndex', { ...body, name })} />
}
