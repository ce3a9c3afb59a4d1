// A pipeline, with what each of its stages makes.

import { useEffect, useState } from 'preact/hooks'

import { EXPRESSIONS, FILTERS, STAGES } from '../lib/completion.js'
import { fragmentOf, kept, withQuery } from '../lib/location.js'
import { useCall } from '../lib/server.js'
import { pathsOf, target, useShown } from '../lib/shown.js'
import { inline } from '../lib/values.js'
import { Editor } from '../parts/editor.js'
import { Grid } from '../parts/grid.js'
import { Empty, Failure, Loaded } from '../parts/states.js'

const OPERATORS = [...new Set([...STAGES, ...EXPRESSIONS, ...FILTERS])]
const LIMIT = 200

export function Aggregation() {
  const { place, open } = useShown()
  const pipeline = place.query['pipeline'] ?? ''
  const [text, setText] = useState(pipeline)
  const [fields, setFields] = useState<string[]>([])
  useEffect(() => setText(pipeline), [pipeline, place.database, place.collection])
  const body = pipeline === '' ? undefined : { ...target(place), pipeline }
  const previews = useCall('preview', body)
  const results = useCall('aggregate', body && { ...body, limit: LIMIT })

  function run(): void {
    if (text.trim() === pipeline) {
      previews.again()
      results.again()
    } else open(withQuery(place, { pipeline: text.trim() }))
  }

  return (
    <div class="aggregation">
      <form onSubmit={(event) => {
        event.preventDefault()
        run()
      }}>
        <Editor
          label="Pipeline" value={text} isLong fields={fields} operators={OPERATORS} onInput={setText} onSubmit={run}
          placeholder={'[\n  { $match: { active: true } },\n  { $group: { _id: "$plan", n: { $sum: 1 } } }\n]'}
          onFocus={() => {
            if (fields.length === 0) pathsOf(place).then(setFields)
          }}
        />
        <div class="buttons">
          <button type="submit" class="primary">Run</button>
          {pipeline !== '' && <a class="button" href={fragmentOf({ ...place, tab: 'explain', query: { ...kept(place.query), pipeline } })}>Explain</a>}
          <span class="note">Ctrl-Enter runs it</span>
        </div>
      </form>
      {pipeline === '' ? <Empty>A pipeline is an array of stages. Each stage is shown with the first documents that it makes.</Empty> : (
        <>
          <Loaded called={previews}>{({ stages, previews: shown }) => <Stages stages={stages as unknown[]} previews={shown as Preview[]} />}</Loaded>
          <Loaded called={results}>{({ documents, more, took }) => (
            <section class="results">
              <h2>Result <span class="took">{(documents as unknown[]).length}{more ? ' or more documents' : ' documents'}, {took} ms</span></h2>
              {(documents as unknown[]).length === 0 ? <Empty>The pipeline makes no document.</Empty> : <Grid documents={documents as unknown[]} label="Result of the pipeline" />}
            </section>
          )}</Loaded>
        </>
      )}
    </div>
  )
}

interface Preview {
  documents?: unknown[]
  more?: boolean
  took?: number
  error?: string
}

/** The documents of the collection, and then those behind each stage. */
function Stages({ stages, previews }: { stages: unknown[]; previews: Preview[] }) {
  return (
    <ol class="stages">
      {previews.map(({ documents = [], more, took, error }, at) => {
        const [name, content] = at === 0 ? ['Collection', undefined] : Object.entries(stages[at - 1] as object)[0] ?? ['', undefined]
        return (
          <li key={at} class={error === undefined ? '' : 'failed'}>
            <header><strong>{name}</strong>{content !== undefined && <code title={inline(content, 2000)}>{inline(content, 160)}</code>}</header>
            {error !== undefined ? <Failure message={error} /> : (
              <>
                <p class="note">{documents.length === 0 ? 'nothing' : `${more ? 'the first ' : ''}${documents.length} ${documents.length === 1 ? 'document' : 'documents'}`}, {took} ms</p>
                <ul tabIndex={0} aria-label={`Documents of ${name}`}>{documents.map((document, row) => <li key={row}><code>{inline(document, 160)}</code></li>)}</ul>
              </>
            )}
          </li>
        )
      })}
    </ol>
  )
}
