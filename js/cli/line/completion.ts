// Completion scripts for bash, zsh and fish, made from the table of verbs.

import { type Completes, COMMON, type Option, type Verb } from './table.js'

export const SHELLS = ['bash', 'zsh', 'fish'] as const

const NAME = 'moltendb-node'

/** The script of a shell, which is sourced. */
export function completion(shell: (typeof SHELLS)[number], verbs: readonly Verb[]): string {
  return { bash, zsh, fish }[shell](verbs)
}

const optionsOf = (verb: Verb): readonly Option[] => [...verb.options, ...COMMON]

/** The words of an option, as they are typed. */
const flags = (options: readonly Option[]): string[] => options.flatMap(({ name, short }) => [`--${name}`, ...(short ? [`-${short}`] : [])])

/** The commands of bash that complete a word. */
function inBash(what: Completes | undefined): string {
  if (what === undefined) return 'COMPREPLY=()'
  // Names of files may have spaces.
  if (what === 'directory') return 'compopt -o filenames 2>/dev/null; IFS=$nl; COMPREPLY=($(compgen -d -- "$word"))'
  if (what === 'file') return 'compopt -o filenames 2>/dev/null; IFS=$nl; COMPREPLY=($(compgen -f -- "$word"))'
  return `COMPREPLY=($(compgen -W "${what.join(' ')}" -- "$word"))`
}

function bash(verbs: readonly Verb[]): string {
  const cases = verbs.map((verb) => {
    const options = optionsOf(verb)
    const valued = options.filter(({ value }) => value !== undefined)
    const values = valued.map((option) => `        ${flags([option]).join('|')}) ${inBash(option.completes)}; return ;;`)
    const places = verb.arguments.map(({ completes }, at) => `        ${at}) ${inBash(completes)} ;;`)
    return `    ${verb.name})
      flags="${flags(options).join(' ')}"
      valued=" ${flags(valued).join(' ')} "
      if [[ $word != -* ]]; then case "$before" in
${values.join('\n')}
        *) ;;
      esac; fi
      if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$word")); return; fi
      place=0
      for ((at = verbat + 1; at < COMP_CWORD; at++)); do
        if [[ $valued == *" \${COMP_WORDS[at]} "* ]]; then ((at++)); elif [[ \${COMP_WORDS[at]} != -* ]]; then ((place++)); fi
      done
      case $place in
${places.join('\n')}
        *) COMPREPLY=() ;;
      esac
      ;;`
  })
  return `# bash completion for ${NAME}: source <(${NAME} completion bash)
_moltendb_node() {
  local IFS=$' \\t\\n' nl=$'\\n' word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} verb= verbat=0 at place flags valued
  for ((at = 1; at < COMP_CWORD; at++)); do
    if [[ \${COMP_WORDS[at]} != -* ]]; then verb=\${COMP_WORDS[at]}; verbat=$at; break; fi
  done
  case "$verb" in
    '') COMPREPLY=($(compgen -W "${verbs.map(({ name }) => name).join(' ')} ${flags(COMMON).join(' ')} --version" -- "$word")) ;;
${cases.join('\n')}
  esac
}
complete -F _moltendb_node ${NAME}
`
}

/** A text within single quotes, with what zsh takes for its own escaped. */
const zshText = (text: string): string => text.replaceAll("'", "'\\''").replace(/[[\]:]/g, '\\$&')

/** What zsh completes in a place. */
function inZsh(what: Completes | undefined): string {
  if (what === undefined) return ' '
  if (what === 'directory') return '_files -/'
  return what === 'file' ? '_files' : `(${what.join(' ')})`
}

/** An option in the form of _arguments. */
function optionInZsh({ name, short, value, completes, summary }: Option): string {
  const text = `[${zshText(summary)}]${value === undefined ? '' : `:${zshText(value)}:${inZsh(completes)}`}`
  return short ? `'(-${short} --${name})'{-${short},--${name}}'${text}'` : `'--${name}${text}'`
}

function zsh(verbs: readonly Verb[]): string {
  const cases = verbs.map((verb) => {
    const places = verb.arguments.map(({ name, completes, isOptional }, at) => `'${at + 1}:${isOptional ? ':' : ''}${zshText(name)}:${inZsh(completes)}'`)
    return `    ${verb.name}) _arguments -s ${[...optionsOf(verb).map(optionInZsh), ...places].join(' \\\n      ')} ;;`
  })
  return `#compdef ${NAME}
# zsh completion for ${NAME}: source <(${NAME} completion zsh), after compinit
_moltendb_node() {
  local -a verbs
  verbs=(
${verbs.map(({ name, summary }) => `    '${name}:${zshText(summary)}'`).join('\n')}
  )
  if (( CURRENT == 2 )); then _describe verb verbs; return; fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
${cases.join('\n')}
  esac
}
compdef _moltendb_node ${NAME}
`
}

const fishText = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`

function fish(verbs: readonly Verb[]): string {
  const names = verbs.map(({ name }) => name).join(' ')
  const lines = verbs.flatMap((verb) => {
    const within = `-n '__fish_seen_subcommand_from ${verb.name}'`
    const options = optionsOf(verb).map(({ name, short, value, completes, summary }) => {
      const takes = value === undefined ? '' : completes === 'file' || completes === 'directory' ? ' -rF' : Array.isArray(completes) ? ` -xa ${fishText(completes.join(' '))}` : ' -x'
      return `complete -c ${NAME} ${within} -l ${name}${short ? ` -s ${short}` : ''}${takes} -d ${fishText(summary)}`
    })
    const words = verb.arguments.flatMap(({ completes }) => (Array.isArray(completes) ? completes as readonly string[] : []))
    const files = verb.arguments.some(({ completes }) => completes === 'file')
    const directories = verb.arguments.some(({ completes }) => completes === 'directory')
    return [
      `complete -c ${NAME} -n '__fish_use_subcommand' -a ${verb.name} -d ${fishText(verb.summary)}`,
      ...(files ? [`complete -c ${NAME} ${within} -F`] : directories ? [`complete -c ${NAME} ${within} -a '(__fish_complete_directories)'`] : []),
      ...(words.length > 0 ? [`complete -c ${NAME} ${within} -a ${fishText(words.join(' '))}`] : []),
      ...options
    ]
  })
  return `# fish completion for ${NAME}: ${NAME} completion fish | source
# Verbs: ${names}
complete -c ${NAME} -f
${lines.join('\n')}
`
}
