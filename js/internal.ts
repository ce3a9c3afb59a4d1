/** The codec's pieces, for its tests; no part of the package. */
export { Reader } from './decode.js'
export { encodeDocument, encodeId, encodeValue } from './encode.js'
export { errorFrom, MoltenBulkWriteError, MoltenError } from './errors.js'
export { ObjectId } from './object-id.js'
export { compileSteps } from './shape-reader.js'
export { PortShapes, ShapeCache } from './shapes.js'
export { Writer } from './writer.js'
