// Judges a history of transactions that append to lists and read them, by what the transactions saw alone. As each list only
// grows and no value comes twice, a list tells in which order its writers committed, and so which transaction came before which:
// ww (its value stands before mine), wr (I read its value), rw (it appended after what I read), rt (it was acknowledged before I
// began). Snapshot isolation holds where (ww, wr or rt, then perhaps one rw) has no cycle; a serial order exists where all four
// together have none.

/** A transaction is `{ id, begin, end, isCommitted, operations }`, an operation `['append', key, value]` or `['read', key, list]`. */
export function findAnomalies(history, final) {
  const committed = history.filter(({ isCommitted }) => isCommitted)
  const found = [...wrongReads(history, final)]
  if (found.length > 0) return found
  const edges = dependencies(committed, final)
  const order = realTime(committed, edges)
  const straight = (from) => [...edges.before[from], ...order[from]]
  const snapshot = (from) => straight(from).flatMap((to) => [to, ...(edges.after[to] ?? [])])
  const cycle = findCycle(order.length, snapshot)
  if (cycle) return [`not one snapshot: ${told(cycle, committed)}`]
  const isStrict = committed.every(({ isSerializable }) => isSerializable)
  const skew = findCycle(order.length, (from) => [...straight(from), ...(edges.after[from] ?? [])])
  if (skew && isStrict) return [`not serializable: ${told(skew, committed)}`]
  return []
}

/** Whether transactions of a history depend on each other in a circle, as write skew does: allowed by snapshots. */
export function hasSkew(history, final) {
  const committed = history.filter(({ isCommitted }) => isCommitted)
  const edges = dependencies(committed, final)
  const order = realTime(committed, edges)
  return findCycle(order.length, (from) => [...edges.before[from], ...order[from], ...(edges.after[from] ?? [])]) !== undefined
}

function told(cycle, committed) {
  return cycle.filter((node) => node < committed.length).map((node) => JSON.stringify(committed[node])).join('\n  then ')
}

/** Aborted and intermediate values that were read, values lost or doubled, lists that are no beginning of the last one. */
function* wrongReads(history, final) {
  const writers = new Map()
  for (const transaction of history) {
    const last = new Map()
    for (const [kind, key, value] of transaction.operations) {
      if (kind !== 'append') continue
      if (last.has(key)) writers.get(`${key} ${last.get(key)}`).isIntermediate = true
      last.set(key, value)
      writers.set(`${key} ${value}`, { transaction, isIntermediate: false })
    }
  }
  for (const [key, list] of final) {
    if (new Set(list).size !== list.length) yield `a value stands twice in ${key}: ${list}`
    for (const value of list) {
      if (!writers.get(`${key} ${value}`)?.transaction.isCommitted) yield `${value} of ${key} was never committed`
    }
  }
  for (const transaction of history) {
    const own = new Map()
    for (const [kind, key, value] of transaction.operations) {
      const mine = own.get(key) ?? []
      if (kind === 'append') {
        own.set(key, [...mine, value])
        if (transaction.isCommitted && !(final.get(key) ?? []).includes(value)) yield `${value} of ${key} was acknowledged and lost`
        continue
      }
      const of = value.slice(0, value.length - mine.length)
      if (mine.join() !== value.slice(of.length).join()) yield `${transaction.id} does not see its own writes of ${key}: ${value}, not ...${mine}`
      if (!transaction.isCommitted) {
        const odd = of.find((one) => !writers.get(`${key} ${one}`)?.transaction.isCommitted)
        if (odd !== undefined) yield `${transaction.id} read ${odd} of ${key}, which was never committed`
      } else if ((final.get(key) ?? []).slice(0, of.length).join() !== of.join()) yield `${transaction.id} read ${key} as ${of}, which it never was`
      const last = writers.get(`${key} ${of.at(-1)}`)
      if (last?.isIntermediate) yield `${transaction.id} read ${of.at(-1)} of ${key}, the middle of ${last.transaction.id}`
    }
  }
}

function add(edges, from, to) {
  if (from !== undefined && to !== undefined && from !== to) edges[from].add(to)
}

/** Who comes before whom by what they wrote and read (`before`: ww and wr; `after`: rw), by the places in `committed`. */
function dependencies(committed, final) {
  const writer = new Map()
  const before = committed.map(() => new Set())
  const after = committed.map(() => new Set())
  for (const [place, { operations }] of committed.entries()) {
    for (const [kind, key, value] of operations) if (kind === 'append') writer.set(`${key} ${value}`, place)
  }
  for (const [key, list] of final) {
    for (let at = 1; at < list.length; at++) add(before, writer.get(`${key} ${list[at - 1]}`), writer.get(`${key} ${list[at]}`))
  }
  for (const [place, { operations }] of committed.entries()) {
    const own = new Map()
    for (const [kind, key, value] of operations) {
      if (kind === 'append') own.set(key, (own.get(key) ?? 0) + 1)
      else {
        const length = value.length - (own.get(key) ?? 0)
        add(before, writer.get(`${key} ${value[length - 1]}`), place)
        // After its own appends the next value may be one of its own: then the first that is not.
        add(after, place, (final.get(key) ?? []).slice(length).map((one) => writer.get(`${key} ${one}`)).find((one) => one !== place))
      }
    }
  }
  return { before, after }
}

/** Edges from each transaction to those that began after it was acknowledged, through a chain of moments: as many as transactions. */
function realTime(committed, edges) {
  const moments = committed.flatMap(({ begin, end }, place) => [{ at: begin, place, isBegin: true }, { at: end, place, isBegin: false }])
    .toSorted((a, b) => a.at - b.at || Number(b.isBegin) - Number(a.isBegin))
  const order = committed.map(() => [])
  let latest
  for (const { place, isBegin } of moments) {
    if (isBegin) {
      if (latest !== undefined) order[latest].push(place)
      continue
    }
    const node = order.push([]) - 1
    edges.before[node] = []
    if (latest !== undefined) order[latest].push(node)
    order[place].push(node)
    latest = node
  }
  return order
}

/** A cycle of a graph of `count` nodes, or undefined. Without recursion, as a history may be one long chain. */
function findCycle(count, next) {
  const state = new Uint8Array(count)
  for (let root = 0; root < count; root++) {
    if (state[root] !== 0) continue
    const path = [{ node: root, left: next(root) }]
    state[root] = 1
    while (path.length > 0) {
      const { node, left } = path.at(-1)
      const to = left.pop()
      if (to === undefined) {
        state[node] = 2
        path.pop()
      } else if (state[to] === 1) {
        const nodes = path.map(({ node: one }) => one)
        return nodes.slice(nodes.indexOf(to))
      } else if (state[to] === 0) {
        state[to] = 1
        path.push({ node: to, left: next(to) })
      }
    }
  }
  return undefined
}
