// Help, made from the table of verbs.

import { type Argument, COMMON, type Option, usageOf, type Verb } from './table.js'

/** What `moltendb-node help` prints. */
export function overview(verbs: readonly Verb[], width: number): string[] {
  const widest = Math.max(...verbs.map((verb) => usageOf(verb).length))
  return [
    'moltendb-node VERB DIR [ARGUMENT...] [--OPTION...]', '',
    ...wrapped('Looks into the database in the directory DIR. Only import, load, compact, recover --truncate and studio --write change it.', width), '',
    ...verbs.flatMap((verb) => beside(usageOf(verb).padEnd(widest), verb.summary, width)), '',
    ...optionLines(COMMON, width), '',
    ...wrapped('On a terminal it prints tables, elsewhere JSON, one object a line. `moltendb-node help VERB` tells more.', width),
    ...wrapped('Exit codes: 0 done; 1 damage, not found, or failed; 2 the command line is wrong; 3 another process holds the database; 4 there is no database; 130 interrupted. MOLTENDB_DEBUG=1 adds the stack of an error.', width)
  ]
}

/** What `moltendb-node help VERB` prints. */
export function helpOf(verb: Verb, width: number): string[] {
  const options = [...verb.options, ...COMMON]
  return [
    `moltendb-node ${usageOf(verb)} [--OPTION...]`, '',
    ...wrapped(`${verb.summary[0]!.toUpperCase()}${verb.summary.slice(1)}.${verb.writes ? ' It writes to the database.' : ''}`, width),
    ...(verb.text ?? []).flatMap((text) => ['', ...wrapped(text, width)]), '',
    ...optionLines(options, width),
    ...(verb.examples?.length ? ['', ...verb.examples.map((example) => (example.includes('moltendb-node ') ? `  ${example}` : `  moltendb-node ${example}`))] : [])
  ]
}

function optionLines(options: readonly Option[], width: number): string[] {
  const names = options.map(({ name, short, value }) => `  ${short ? `-${short}, ` : '    '}--${name}${value === undefined ? '' : ` ${value}`}`)
  const widest = Math.max(...names.map((name) => name.length))
  return options.flatMap(({ summary }, at) => beside(names[at]!.padEnd(widest), summary, width))
}

function beside(left: string, text: string, width: number): string[] {
  const indent = left.length + 2
  const [first = '', ...rest] = wrapped(text, Math.max(30, width - indent))
  return [`${left}  ${first}`, ...rest.map((line) => ' '.repeat(indent) + line)]
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

/** The argument of the verb help. */
export function verbArgument(names: readonly string[]): Argument {
  return { name: 'VERB', isOptional: true, completes: names }
}
