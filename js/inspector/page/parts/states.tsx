// What is shown while something is loaded, when it failed, and when there is nothing.

import type { ComponentChildren } from 'preact'

import type { Called } from '../lib/server.js'

export function Failure({ message }: { message: string }) {
  return <p class="failure" role="alert">{message}</p>
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>
}

/** The content for an answer, or what stands in its place. */
export function Loaded({ called, children }: { called: Called; children(answer: { [name: string]: any }): ComponentChildren }) {
  const { answer, error, isLoading } = called
  if (error !== undefined) return <Failure message={error.message} />
  if (answer === undefined) return isLoading ? <p class="loading" role="status">Loading</p> : null
  return <div class={isLoading ? 'content stale' : 'content'} aria-busy={isLoading}>{children(answer)}</div>
}
