// The reference documents: 245 bytes of JSON each, the same for every peer, from a seed.

const BYTES = 245
const DOMAIN = '@i.org'
const FIRST = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Donald', 'Frances', 'Niklaus', 'Radia', 'Tony', 'Leslie']
const LAST = ['Byron', 'Hopper', 'Dijkstra', 'Liskov', 'Knuth', 'Allen', 'Wirth', 'Perlman', 'Hoare', 'Lamport']
const TAGS = ['red', 'blue', 'green', 'black', 'white', 'amber', 'teal', 'rose']
const STREETS = ['Mill Lane', 'High Street', 'Mill Road', 'Church Way', 'Park Row']

export const CITIES = Array.from({ length: 100 }, (_, index) => `City ${String(index).padStart(2, '0')}`)

/** Seeded pseudo-random numbers in [0, 1): a 32-bit mixer over a counter. */
export function random(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let word = state
    word = Math.imul(word ^ (word >>> 16), 0x21f0aaad)
    word = Math.imul(word ^ (word >>> 15), 0x735a2d97)
    return ((word ^ (word >>> 15)) >>> 0) / 2 ** 32
  }
}

export function idOf(index) {
  return `u${String(index).padStart(7, '0')}`
}

/** Document number `index`. Parsed from text, so that no two documents share a string, as with real input. */
export function documentAt(index, seed = 1) {
  const next = random(seed * 0x10001 + index)
  const pick = (list) => list[Math.floor(next() * list.length)]
  const document = {
    _id: idOf(index),
    name: `${pick(FIRST)} ${pick(LAST)}`,
    email: '',
    age: 18 + Math.floor(next() * 72),
    city: CITIES[index % CITIES.length],
    score: Math.floor(next() * 900_000 + 100_000) / 1000,
    active: next() < 0.5,
    tags: [pick(TAGS), pick(TAGS), pick(TAGS)],
    address: { street: pick(STREETS), zip: String(10_000 + Math.floor(next() * 90_000)) },
    createdAt: new Date(1_700_000_000_000 + index * 1000).toISOString()
  }
  const missing = BYTES - JSON.stringify(document).length
  document.email = `${String(index).padStart(missing - DOMAIN.length, 'mail')}${DOMAIN}`
  return JSON.parse(JSON.stringify(document))
}

export function* batchesOf(count, size, seed) {
  for (let start = 0; start < count; start += size) {
    const batch = []
    for (let index = start; index < Math.min(start + size, count); index++) batch.push(documentAt(index, seed))
    yield batch
  }
}
