// The features that most programs never use: built as on-demand.js, which index.js loads when one of them is used first.

export { importFile } from '../importers/import-file.js'
export { writeDump } from '../importers/mongodump/write.js'
export { payloads } from '../molten/molten.js'
