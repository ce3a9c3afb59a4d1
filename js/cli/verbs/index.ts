// The table of verbs, from which the command line is read, and help and completions are made.

import { completion, SHELLS } from '../line/completion.js'
import { helpOf, overview, verbArgument } from '../line/help.js'
import { quoted, unknownVerb } from '../line/parse.js'
import { DIR, KEY_FILE, type Verb } from '../line/table.js'
import { didYouMean, UsageError } from '../line/usage.js'
import { doctor } from './doctor.js'
import { dump, load } from './files.js'
import { ls, stats } from './listings.js'
import { log } from './log.js'
import { backup, compact, recover, verify } from './maintenance.js'
import { aggregate, count, explain, find, history } from './reads.js'
import { studio } from './studio.js'
import { exportVerb, importVerb } from './transfer.js'

const completionVerb: Verb = {
  name: 'completion',
  arguments: [{ name: 'SHELL', completes: SHELLS }],
  options: [],
  summary: `a script that completes this command line in ${SHELLS.slice(0, -1).join(', ')} or ${SHELLS.at(-1)}`,
  text: ['bash: source <(moltendb-node completion bash)', 'zsh: source <(moltendb-node completion zsh), after compinit', 'fish: moltendb-node completion fish | source'],
  run: (call) => {
    const shell = call.arguments[0]!
    const known = SHELLS.find((name) => name === shell)
    if (known === undefined) throw new UsageError(`there is no completion for ${quoted(shell)}${didYouMean(shell, SHELLS) || `; there are ${SHELLS.join(', ')}`}`, 'completion')
    return call.output.line(completion(known, verbs).trimEnd())
  }
}

const of: Verb[] = [
  ...[stats, ls, find, count, explain, aggregate, exportVerb, importVerb, dump, load, verify, compact, backup, recover, log, history, doctor, studio].map((verb) => (
    verb.arguments.includes(DIR) ? { ...verb, options: [...verb.options, KEY_FILE] } : verb
  )),
  completionVerb
]

const help: Verb = {
  name: 'help',
  arguments: [verbArgument(of.map(({ name }) => name))],
  options: [],
  summary: 'how the program, or a verb, is called',
  run: async (call) => {
    const name = call.arguments[0]
    const verb = verbs.find((one) => one.name === name)
    if (name !== undefined && verb === undefined) throw unknownVerb(name, verbs)
    for (const line of verb ? helpOf(verb, call.output.width) : overview(verbs, call.output.width)) await call.output.line(line)
  }
}

export const verbs: readonly Verb[] = [...of, help]
