/** MongoDB's numbers that errors made in JavaScript carry; the whole table is src/error/codes.rs, whose tests compare. */
export const CODES = {
  FailedToParse: 9,
  Overflow: 15,
  MaxTimeMSExpired: 50,
  DollarPrefixedFieldName: 52,
  InvalidIdField: 53,
  InvalidNamespace: 73,
  WriteConflict: 112,
  DocumentValidationFailure: 121,
  NotImplemented: 238,
  BSONObjectTooLarge: 10334,
  DuplicateKey: 11000,
  Interrupted: 11601,
  OutOfDiskSpace: 14031
} as const

/** The name that MongoDB gives a number. */
export type CodeName = keyof typeof CODES

/** What an error says of this number. */
export function numbered(codeName: CodeName): { code: number; codeName: CodeName } {
  return { code: CODES[codeName], codeName }
}
