// The features that most programs never use: built as on-demand.js, which index.js loads when one of them is used first.

export { payloads } from '../molten/molten.js'
