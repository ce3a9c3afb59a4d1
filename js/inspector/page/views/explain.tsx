// How a query is executed, as a tree of stages with what each is about.

import { fragmentOf, kept, withQuery } from '../lib/location.js'
import { useCall } from '../lib/server.js'
import { queryOf, target, useShown } from '../lib/shown.js'
import { grouped, inline, several } from '../lib/values.js'
import { QueryBar } from '../parts/query-bar.js'
import { Loaded } from '../parts/states.js'
import { Tree } from '../parts/tree.js'

type Plan = { [name: string]: any }

const WORDS: { [stage: string]: string } = {
  COLLSCAN: 'reads every document', IXSCAN: 'reads a range of an index', FETCH: 'reads the documents of the keys', SORT: 'sorts in memory', LIMIT: 'ends after so many', SKIP: 'leaves out the first',
  IDHACK: 'reads one document by its _id', OR: 'joins several ranges', PROJECTION: 'keeps some fields', COUNT_SCAN: 'counts keys', EOF: 'has nothing to read'
}

export function Explain() {
  const { place } = useShown()
  const { pipeline } = place.query
  const explained = useCall('explain', { ...target(place), ...(pipeline ? { pipeline } : queryOf(place)) })
  return (
    <>
      {pipeline ? <p class="bar">The plan of a pipeline. <a href={fragmentOf(withQuery(place, { pipeline: '' }))}>Explain a query instead</a></p> : <QueryBar verb="Explain" onSame={explained.again} />}
      <Loaded called={explained}>{(answer) => <PlanOf answer={answer} />}</Loaded>
    </>
  )
}

function PlanOf({ answer: { plan, advice } }: { answer: Plan }) {
  const stats = plan.executionStats
  const planner = plan.queryPlanner ?? plan.stages?.[0]?.$cursor?.queryPlanner
  const later = (plan.stages ?? []).filter((stage: Plan) => !('$cursor' in stage)) as Plan[]
  return (
    <>
      {stats && (
        <dl class="figures">
          <Figure name="Returned" value={stats.nReturned} />
          <Figure name="Documents examined" value={stats.totalDocsExamined} isMuch={stats.totalDocsExamined > 1000 && stats.totalDocsExamined > 10 * Math.max(1, stats.nReturned)} />
          <Figure name="Keys examined" value={stats.totalKeysExamined} />
          <Figure name="Milliseconds" value={stats.executionTimeMillis} />
        </dl>
      )}
      {(advice as string[]).map((sentence) => <Advice key={sentence} sentence={sentence} />)}
      {planner && <div class="plan" role="group" aria-label="Plan"><ul><Stage plan={planner.winningPlan} later={later} /></ul></div>}
      {planner?.rejectedPlans?.length > 0 && (
        <details><summary>{several(planner.rejectedPlans.length, 'other plan')} considered</summary>
          {planner.rejectedPlans.map((other: Plan, at: number) => <div key={at} class="plan rejected"><ul><Stage plan={other} later={[]} /></ul></div>)}
        </details>
      )}
      <details class="raw"><summary>All of it</summary><Tree value={plan} depth={2} /></details>
    </>
  )
}

function Figure({ name, value, isMuch = false }: { name: string; value: number; isMuch?: boolean }) {
  return <div class={isMuch ? 'much' : ''}><dt>{name}</dt><dd>{grouped(value)}</dd></div>
}

/** A sentence about indexes; the index that it names can be created where that is permitted. */
function Advice({ sentence }: { sentence: string }) {
  const { place, overview } = useShown()
  const key = /index (\{.*\}) /.exec(sentence)?.[1]
  return (
    <p class="advice">{sentence}{' '}
      {key !== undefined && overview['writes'] && <a href={fragmentOf({ ...place, tab: 'indexes', query: { ...kept(place.query), create: key } })}>Create it</a>}
    </p>
  )
}

/** A stage above the stages that it reads from; those of a pipeline stand above all. */
function Stage({ plan, later }: { plan: Plan; later: Plan[] }) {
  const last = later.at(-1)
  if (last !== undefined) {
    const [name, content] = Object.entries(last)[0] ?? ['', undefined]
    return <li><div class="stage later"><strong>{name}</strong><code>{inline(content, 200)}</code></div><ul><Stage plan={plan} later={later.slice(0, -1)} /></ul></li>
  }
  const { stage, inputStage, inputStages } = plan
  const inputs: Plan[] = [...(inputStage ? [inputStage] : []), ...(inputStages ?? [])]
  return (
    <li>
      <div class={`stage ${stage === 'COLLSCAN' ? 'scan' : stage === 'IXSCAN' || stage === 'IDHACK' ? 'index' : ''}`}>
        <strong>{stage}</strong>{WORDS[stage] && <span>{WORDS[stage]}</span>}
        <Facts plan={plan} />
      </div>
      {inputs.length > 0 && <ul>{inputs.map((input, at) => <Stage key={at} plan={input} later={[]} />)}</ul>}
    </li>
  )
}

function Facts({ plan }: { plan: Plan }) {
  const { indexName, keyPattern, indexBounds, sortPattern, limitAmount, skipAmount, direction, filter, transformBy } = plan
  const facts: [string, string][] = []
  if (indexName !== undefined) facts.push(['index', `${indexName} ${inline(keyPattern)}`])
  for (const [path, ranges] of Object.entries((indexBounds ?? {}) as { [path: string]: string[] })) facts.push([`bounds of ${path}`, ranges.join(', ').slice(0, 500)])
  if (sortPattern !== undefined) facts.push(['by', inline(sortPattern)])
  if (limitAmount !== undefined) facts.push(['limit', String(limitAmount)])
  if (skipAmount !== undefined) facts.push(['skip', String(skipAmount)])
  if (transformBy !== undefined) facts.push(['fields', inline(transformBy, 200)])
  if (direction === 'backward') facts.push(['direction', direction])
  if (filter !== undefined && Object.keys(filter).length > 0) facts.push(['filter', inline(filter, 400)])
  if (facts.length === 0) return null
  return <dl>{facts.map(([name, text]) => <div key={name}><dt>{name}</dt><dd>{text}</dd></div>)}</dl>
}
