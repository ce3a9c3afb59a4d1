// Calls of the server.

import { useEffect, useState } from 'preact/hooks'

/** Kept by the origin, with its port, so that other windows of this inspector need no token. */
const KEY = 'inspector-key'

export class ServerError extends Error {
  constructor(readonly status: number, message: string, readonly kind?: string) {
    super(message)
  }
}

export type Answer = { [name: string]: any }

/** Exchanges the token of the URL for a session, and takes it out of the URL. */
export async function begin(): Promise<void> {
  const token = /^#token=([\w-]+)$/.exec(location.hash)?.[1]
  if (token === undefined) return
  history.replaceState(null, '', '#/')
  const { key } = await call('session', { token })
  localStorage.setItem(KEY, key as string)
}

function request(name: string, body: object, signal?: AbortSignal): Promise<Response> {
  return fetch(`/api/${name}`, {
    method: 'POST', body: JSON.stringify(body), credentials: 'same-origin', headers: { 'content-type': 'application/json', 'x-inspector-key': localStorage.getItem(KEY) ?? '' }, ...(signal && { signal })
  })
}

async function failureOf(response: Response): Promise<ServerError> {
  const { error } = await response.json().catch(() => ({})) as Answer
  return new ServerError(response.status, error?.message ?? `the server answered ${response.status}`, error?.kind)
}

export async function call(name: string, body: object, signal?: AbortSignal): Promise<Answer> {
  let response: Response
  try {
    response = await request(name, body, signal)
  } catch (error) {
    if (signal?.aborted) throw error
    throw new ServerError(0, 'The inspector does not answer: it was closed, or its program has ended.')
  }
  if (!response.ok) throw await failureOf(response)
  return await response.json() as Answer
}

/** Calls what answers with lines as they come. */
export async function stream(name: string, body: object, signal: AbortSignal, line: (value: Answer) => void): Promise<void> {
  const response = await request(name, body, signal)
  if (!response.ok) throw await failureOf(response)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const lines = (rest + read.value).split('\n')
    rest = lines.pop()!
    for (const text of lines) line(JSON.parse(text) as Answer)
  }
}

export interface Called {
  answer?: Answer
  /** The body of the call that was answered; another one may be under way. */
  of?: Answer
  error?: ServerError
  isLoading: boolean
  again(): void
}

/** The answer of a call, which is made again when its body is another one; what was asked before is given up. */
export function useCall(name: string, body: object | undefined): Called {
  const [state, setState] = useState<Omit<Called, 'again'>>({ isLoading: body !== undefined })
  const [round, setRound] = useState(0)
  const text = body === undefined ? '' : JSON.stringify(body)
  useEffect(() => {
    if (text === '') return undefined
    const abort = new AbortController()
    // What was answered before is shown until then; a view of another collection begins anew.
    setState(({ answer, of }) => ({ answer, of, isLoading: true }))
    const of = JSON.parse(text) as Answer
    call(name, of, abort.signal).then(
      (answer) => setState({ answer, of, isLoading: false }),
      (error: ServerError) => !abort.signal.aborted && setState({ error, isLoading: false })
    )
    return () => abort.abort()
  }, [name, text, round])
  return { ...state, again: () => setRound((before) => before + 1) }
}
