// A bar on standard error for work that takes long, only where that is a terminal.

import type { OperationProgress } from '../../types/index.js'
import { bytes, cut, grouped } from './text.js'

/** Times between two drawings, and before the first: quick work shows none. */
const PAUSE = 100
const BEFORE = 300
const BAR = 24

export class Progress {
  readonly #isShown: boolean
  readonly #began = Date.now()
  #drawn = 0
  #isOnScreen = false

  constructor(private readonly stream: NodeJS.WriteStream, private readonly title: string) {
    this.#isShown = stream.isTTY && process.env['TERM'] !== 'dumb'
  }

  /** The option `onProgress` of long operations; their steps are bytes or documents. */
  readonly steps = ({ done, total }: OperationProgress): void => {
    const share = total > 0 ? Math.min(1, done / total) : 0
    const filled = Math.round(share * BAR)
    this.#draw(() => `[${'#'.repeat(filled)}${'-'.repeat(BAR - filled)}] ${String(Math.floor(share * 100)).padStart(3)}%`)
  }

  /** Documents and bytes so far, of an unknown or a known number of bytes. */
  transfer(documents: number, done: number, total?: number): void {
    if (total !== undefined && total > 0) this.#draw(() => `${grouped(documents)} documents, ${bytes(Math.min(done, total))} of ${bytes(total)}`)
    else this.#draw(() => `${grouped(documents)} documents, ${bytes(done)}`)
  }

  /** Removes the bar. */
  end(): void {
    if (this.#isOnScreen) this.stream.write('\r\u001b[K')
    this.#isOnScreen = false
  }

  #draw(text: () => string): void {
    if (!this.#isShown) return
    const now = Date.now()
    if (now - this.#began < BEFORE || now - this.#drawn < PAUSE) return
    this.#drawn = now
    this.#isOnScreen = true
    this.stream.write(`\r\u001b[K${cut(`${this.title} ${text()}`, Math.max(10, (this.stream.columns || 80) - 1))}`)
  }
}
