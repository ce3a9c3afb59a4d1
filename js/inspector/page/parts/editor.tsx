// A text with completions of fields and operators.

import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks'

import { type Completion, completionsAt } from '../lib/completion.js'

interface Props {
  label: string
  value: string
  placeholder?: string
  fields?: readonly string[]
  operators?: readonly string[]
  /** A text of several lines: Enter breaks the line, and Ctrl-Enter submits. */
  isLong?: boolean
  onInput(value: string): void
  onSubmit?(): void
  onFocus?(): void
}

export function Editor({ label, value, placeholder, fields = [], operators = [], isLong = false, onInput, onSubmit, onFocus }: Props) {
  const area = useRef<HTMLTextAreaElement>(null)
  const caret = useRef<number | undefined>(undefined)
  const [shown, setShown] = useState<Completion & { chosen: number }>()
  const list = useId()

  useLayoutEffect(() => {
    const element = area.current!
    element.style.height = 'auto'
    element.style.height = `${Math.min(element.scrollHeight + 2, isLong ? 420 : 140)}px`
    if (caret.current === undefined) return
    element.setSelectionRange(caret.current, caret.current)
    caret.current = undefined
  }, [value])

  function take(word: string): void {
    const { start } = shown!
    const end = area.current!.selectionStart
    const inside = word.indexOf('""')
    caret.current = start + (inside < 0 ? word.length : inside + 1)
    onInput(value.slice(0, start) + word + value.slice(end))
    setShown(undefined)
  }

  function typed(element: HTMLTextAreaElement): void {
    const found = completionsAt(element.value, element.selectionStart, fields, operators)
    setShown(found && { ...found, chosen: 0 })
    onInput(element.value)
  }

  function pressed(event: KeyboardEvent): void {
    if (shown !== undefined) {
      const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
      if (step !== 0) setShown({ ...shown, chosen: (shown.chosen + step + shown.words.length) % shown.words.length })
      else if (event.key === 'Tab' || (event.key === 'Enter' && !event.ctrlKey && !event.metaKey)) take(shown.words[shown.chosen]!)
      else if (event.key === 'Escape') setShown(undefined)
      else return
      event.preventDefault()
      event.stopPropagation()
    } else if (event.key === 'Enter' && onSubmit && (!isLong || event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      onSubmit()
    }
  }

  return (
    <div class="editor">
      <textarea
        ref={area} rows={1} class={isLong ? 'long' : ''} value={value} placeholder={placeholder ?? ''} spellcheck={false} autocomplete="off" autocapitalize="off" aria-label={label}
        aria-autocomplete="list" aria-controls={shown && list} aria-activedescendant={shown ? `${list}-${shown.chosen}` : undefined}
        onInput={(event) => typed(event.currentTarget)} onKeyDown={pressed} onBlur={() => setShown(undefined)} {...(onFocus && { onFocus })}
      />
      {shown && (
        <ul class="completions" id={list} role="listbox" aria-label="Completions">
          {shown.words.map((word, at) => (
            <li key={word} id={`${list}-${at}`} role="option" aria-selected={at === shown.chosen} onMouseDown={(event) => {
              event.preventDefault()
              take(word)
            }}>{word}</li>
          ))}
        </ul>
      )}
    </div>
  )
}
