// Documents that go through states, each with one content or none: a reader must find one of the states of the time of its
// read, whole. A worker that knows nothing of the writers still tells a whole document from a mixture.

/** Documents of the collection. */
export const DOCUMENTS = 120

export const idOf = (document) => `id-${String(document).padStart(4, '0')}`
export const numberOf = (id) => Number(id.slice(3))

function mixed(document, state) {
  let word = Math.imul(document + 1, 0x9e3779b1) ^ Math.imul(state + 1, 0x85ebca6b)
  word = Math.imul(word ^ (word >>> 15), 0x2c1b3c6d)
  return (word ^ (word >>> 13)) >>> 0
}

/** Whether there is no document in this state. */
export const isAbsent = (document, state) => state === 0 || mixed(document, state) % 6 === 0

/** The only valid content in this state. */
export function contentOf(document, state) {
  const length = [40, 40, 41, 300, 2000][(mixed(document, state) >>> 8) % 5]
  return { _id: idOf(document), state, n: state % 7, text: `${document}/${state} `.repeat(length / 8) }
}

/** Throws unless the document has the content of the state that it names. */
export function whole(found) {
  const expected = contentOf(numberOf(found._id), found.state)
  if (JSON.stringify(found) !== JSON.stringify(expected)) throw new Error(`nobody wrote ${JSON.stringify(found).slice(0, 300)}`)
  return found
}
