// Loads the features that most programs never use. A start compiles every line of what is loaded, and theirs are a good part of all.

import { CORE } from './core.js'

type Features = typeof import('./features.js')

let loaded: Features | undefined

/** The features, loaded once. */
export function features(): Features {
  return (loaded ??= (require('./on-demand.js') as (core: typeof CORE) => Features)(CORE))
}
