#!/usr/bin/env node
// The program `moltendb-node`: reads the command line, runs the verb, and turns its end into an exit code.

import { EXIT, failureOf, Interrupted } from './failures.js'
import { helpOf, overview } from './line/help.js'
import { parse, type Parsed } from './line/parse.js'
import { DIR } from './line/table.js'
import { Output, OutputClosed } from './output/output.js'
import { Progress } from './output/progress.js'
import { verbs } from './verbs/index.js'

declare const PACKAGE_VERSION: string

const { stdout, stderr } = process

function tell(text: string): void {
  stderr.write(`${text}\n`)
}

/** The stack too, where it is asked for. */
function failed(error: unknown, directory?: string, creates?: boolean): number {
  const { message, code } = failureOf(error, directory, creates)
  tell(message)
  if (process.env['MOLTENDB_DEBUG']) tell(String((error as Error | undefined)?.stack))
  return code
}

async function main(args: readonly string[]): Promise<number> {
  let parsed: Parsed
  try {
    parsed = parse(args, verbs)
  } catch (error) {
    return failed(error)
  }
  const { verb, options } = parsed
  const stop = new AbortController()
  const colors = !options['no-color'] && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'
  const output = new Output(stdout, { json: options['json'] === true, table: options['table'] === true, colors }, stop.signal)
  // Nobody reads on: a verb that only reads ends, one that writes does its work.
  let lost: NodeJS.ErrnoException | undefined
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    lost ??= error
    output.close()
    if (!verb?.writes) stop.abort(new OutputClosed())
  })
  stderr.on('error', () => {})
  const progress = new Progress(stderr, verb?.name ?? '')
  const uninstall = onSignals((signal) => stop.abort(new Interrupted(signal)))
  try {
    if (options['version']) await output.line(PACKAGE_VERSION)
    else if (verb === undefined && !options['help']) {
      for (const line of overview(verbs, stderr.columns || 100)) tell(line)
      return EXIT.usage
    } else if (verb === undefined || options['help']) {
      for (const line of verb ? helpOf(verb, output.width) : overview(verbs, output.width)) await output.line(line)
    } else {
      const code = await verb.run({ verb, arguments: parsed.arguments, options, output, progress, signal: stop.signal, tell: (text) => tell(`moltendb-node: ${text}`) })
      progress.end()
      await output.flush()
      return code ?? EXIT.ok
    }
    await output.flush()
    return EXIT.ok
  } catch (error) {
    progress.end()
    const reason: unknown = stop.signal.aborted ? stop.signal.reason : error
    if (lost !== undefined && (reason instanceof OutputClosed || !verb?.writes)) return lost.code === 'EPIPE' ? EXIT.ok : failed(lost)
    // What was found before the failure is still told.
    await output.flush().catch(() => {})
    return failed(reason, verb?.arguments[0] === DIR ? parsed.arguments[0] : undefined, verb?.options.some(({ name }) => name === 'create'))
  } finally {
    uninstall()
  }
}

/** The first signal ends the work in an orderly way, the second one the process. */
function onSignals(abort: (signal: NodeJS.Signals) => void): () => void {
  const names: NodeJS.Signals[] = ['SIGINT', 'SIGTERM']
  const uninstall = (): void => names.forEach((name) => process.off(name, listener))
  const listener = (signal: NodeJS.Signals): void => {
    uninstall()
    abort(signal)
  }
  for (const name of names) process.on(name, listener)
  return uninstall
}

main(process.argv.slice(2)).then((code) => {
  process.exitCode = code
}, (error: unknown) => {
  tell(String((error as Error | undefined)?.stack ?? error))
  process.exitCode = EXIT.failed
})
