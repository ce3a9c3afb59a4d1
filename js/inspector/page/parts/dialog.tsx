// A change of the database, shown as the command that it is before it is made.

import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

import { Failure } from './states.js'

interface Props {
  title: string
  /** The command that is run. */
  command: string
  verb: string
  isDangerous?: boolean
  children?: ComponentChildren
  run(): Promise<unknown>
  onDone(): void
  onClose(): void
}

export function Dialog({ title, command, verb, isDangerous = false, children, run, onDone, onClose }: Props) {
  const element = useRef<HTMLDialogElement>(null)
  const [error, setError] = useState('')
  const [isRunning, setRunning] = useState(false)
  useEffect(() => element.current!.showModal(), [])

  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    setRunning(true)
    setError('')
    try {
      await run()
      onDone()
    } catch (failed) {
      setError((failed as Error).message)
      setRunning(false)
    }
  }

  return (
    <dialog ref={element} onClose={onClose} aria-label={title}>
      <form onSubmit={submit}>
        <h2>{title}</h2>
        {children}
        <p class="label">This runs</p>
        <pre class="command"><code>{command.length > 4000 ? `${command.slice(0, 4000)}...` : command}</code></pre>
        {error !== '' && <Failure message={error} />}
        <div class="buttons">
          <button type="button" onClick={() => element.current!.close()}>Cancel</button>
          <button type="submit" class={isDangerous ? 'danger' : 'primary'} disabled={isRunning}>{verb}</button>
        </div>
      </form>
    </dialog>
  )
}

/** `db.collection("users").method(...)`, of another database with it. */
export function commandOf({ database, collection, home }: { database: string; collection: string; home: string }, method: string, ...args: string[]): string {
  const of = database === home ? 'db' : `db.sibling(${JSON.stringify(database)})`
  return `${of}.collection(${JSON.stringify(collection)}).${method}(${args.join(', ')})`
}
