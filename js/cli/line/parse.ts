// Reads the command line by the table of verbs.

import { parseArgs } from 'node:util'

import { COMMON, type Option, usageOf, type Verb } from './table.js'
import { didYouMean, UsageError } from './usage.js'

export interface Parsed {
  /** None where there is only `--help` or `--version`. */
  verb?: Verb
  arguments: (string | undefined)[]
  options: { [name: string]: string | true | undefined }
}

const VERSION: Option = { name: 'version', short: 'V', summary: 'the version' }

/** The verb, its arguments and options; throws a UsageError. */
export function parse(args: readonly string[], verbs: readonly Verb[]): Parsed {
  // Options before the verb are flags, so the first other argument is the verb.
  const at = args.findIndex((arg) => arg === '--' || !arg.startsWith('-') || arg === '-')
  const given = at < 0 ? undefined : args[at]
  if (given === undefined) {
    const { options } = read(args, [...COMMON, VERSION])
    return { arguments: [], options }
  }
  const verb = verbs.find(({ name }) => name === given)
  if (verb === undefined) {
    throw unknownVerb(given, verbs)
  }
  const { positionals, options } = read(args.toSpliced(at, 1), [...verb.options, ...COMMON], verb)
  if (options['help']) return { verb, arguments: [], options }
  if (options['json'] && options['table']) throw new UsageError('--json and --table exclude each other', verb.name)
  const needed = verb.arguments.filter(({ isOptional }) => !isOptional)
  if (positionals.length < needed.length) {
    const missing = needed.slice(positionals.length).map(({ name }) => name)
    throw new UsageError(`${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing: ${usageOf(verb)}`, verb.name)
  }
  if (positionals.length > verb.arguments.length) {
    throw new UsageError(`${quoted(positionals[verb.arguments.length]!)} is one argument too many: ${usageOf(verb)}; a filter is one argument, so quote it`, verb.name)
  }
  return { verb, arguments: placed(positionals, verb), options }
}

/** The names that other programs have for what a verb does. */
const OTHER_NAMES: { [name: string]: string } = {
  check: 'verify', collections: 'ls', fsck: 'verify', info: 'stats', inspect: 'studio', list: 'ls', query: 'find',
  repair: 'recover', restore: 'load, import, or recover', mongodump: 'dump', mongoimport: 'import', mongorestore: 'load', select: 'find', tail: 'log --follow', vacuum: 'compact', watch: 'log --follow'
}

/** The error of a verb that there is not. */
export function unknownVerb(given: string, verbs: readonly Verb[]): UsageError {
  const names = verbs.map(({ name }) => name)
  const other = Object.hasOwn(OTHER_NAMES, given) ? `; did you mean ${OTHER_NAMES[given]}?` : didYouMean(given, names)
  return new UsageError(`there is no verb ${quoted(given)}${other || `; there are ${names.join(', ')}`}`)
}

/** Where there are fewer than places, optional places are left out, the first one first if one that is needed stands behind it. */
function placed(positionals: readonly string[], verb: Verb): (string | undefined)[] {
  let spare = positionals.length - verb.arguments.filter(({ isOptional }) => !isOptional).length
  let next = 0
  return verb.arguments.map(({ isOptional }) => {
    if (!isOptional) return positionals[next++]
    return spare-- > 0 ? positionals[next++] : undefined
  })
}

function read(args: readonly string[], known: readonly Option[], verb?: Verb): { positionals: string[]; options: Parsed['options'] } {
  const options = Object.fromEntries(known.map(({ name, short, value }) => [name, { type: value === undefined ? 'boolean' as const : 'string' as const, ...(short && { short }) }]))
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
  const positionals: string[] = []
  const values: Parsed['options'] = Object.create(null) as Parsed['options']
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const option = known.find(({ name }) => name === token.name)
    if (option === undefined) throw unknown(token.rawName, known, verb)
    if (option.value === undefined) {
      if (token.value !== undefined) throw new UsageError(`--${option.name} takes no value`, verb?.name)
      values[option.name] = true
    } else {
      if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
        throw new UsageError(`--${option.name} needs a value: --${option.name} ${option.value}`, verb?.name)
      }
      values[option.name] = token.value
    }
  }
  return { positionals, options: values }
}

function unknown(raw: string, known: readonly Option[], verb: Verb | undefined): UsageError {
  const names = known.map(({ name }) => `--${name}`)
  const advice = didYouMean(raw, names) || `; there are ${names.join(', ')}`
  return new UsageError(`${verb === undefined ? 'there is no option' : `${verb.name} has no option`} ${quoted(raw)}${advice}`, verb?.name)
}

/** A text of the command line as part of a message. */
export function quoted(text: string): string {
  const shown = JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text)
  return shown
}

/** A whole number of an option. */
export function wholeNumber(name: string, text: string | true | undefined, verb: string, least = 0): number | undefined {
  if (text === undefined) return undefined
  const number = typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : -1
  if (number < least) throw new UsageError(`--${name} must be a whole number from ${least} on, not ${quoted(String(text))}`, verb)
  return number
}

/** One of the words of an option. */
export function oneOf<W extends string>(name: string, text: string | true | undefined, words: readonly W[], verb: string): W | undefined {
  if (text === undefined) return undefined
  if (!words.includes(text as W)) throw new UsageError(`--${name} must be ${words.join(', ')}, not ${quoted(String(text))}${didYouMean(String(text), words)}`, verb)
  return text as W
}
