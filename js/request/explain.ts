// Explain: the request that explains another request.

import { verbosityOf } from '../arguments/index-spec.js'
import { encodeValue } from '../codec/encode.js'
import { Flag, Opcode } from '../transport/opcodes.js'
import type { Operation } from '../transport/target.js'
import type { ExplainVerbosityLike } from '../types/documents.js'
import type { Document } from '../types/index.js'
import { writeField } from './bodies.js'
import type { Request } from './request.js'

/** The operations that can be explained. */
const EXPLAINED: ReadonlySet<number> = new Set([
  Opcode.Find, Opcode.Count, Opcode.Update, Opcode.Replace, Opcode.Delete, Opcode.Distinct, Opcode.FindOneAnd, Opcode.Aggregate
])

const WRITES: ReadonlySet<number> = new Set([Opcode.Update, Opcode.Replace, Opcode.Delete, Opcode.FindOneAnd])

/** The operation that explains another operation. */
export function explaining(
  where: string, operation: Operation & Pick<Request, 'variables'>, verbosity: ExplainVerbosityLike | undefined | null
): Request<Document> {
  const { level, maxTimeMS } = verbosityOf(where, verbosity)
  const { opcode, body, variables } = operation
  const flags = operation.flags | (variables ? Flag.Let : 0)
  return {
    opcode: Opcode.Explain,
    // The same bit of a write says something else.
    flags: WRITES.has(opcode) ? 0 : operation.flags & Flag.NoDisk,
    maxTimeMS,
    body: (out, shapes) => {
      writeField(out, opcode)
      writeField(out, flags)
      body(out, shapes)
      if (variables) encodeValue(out, variables, 'pipeline')
      writeField(out, level)
    },
    finish: (explanation: Document) => explanation
  }
}

/** The request that explains a request, or that itself where there is nothing to explain. */
export function explained<R>(where: string, request: Request<R>, explain: ExplainVerbosityLike): Request<R> {
  if (!EXPLAINED.has(request.opcode)) return request
  return explaining(where, request, explain) as Request<any>
}
