// Documents, and the classes of values in them.

/** Any object with fields. */
export interface Document {
  [key: string]: any
}

/** An ObjectId of this package, of bson, or of a copy of either. */
export interface ObjectIdLike {
  readonly _bsontype: string
  toHexString(): string
}

/** A class that makes ObjectIds from 12 bytes, such as bson's `ObjectId`. */
export type ObjectIdConstructor = new (bytes: any) => ObjectIdLike

/** Creates the `_id` of documents that have none. */
export interface PrimaryKeyFactory {
  /** A value that no other document of the collection has. */
  createPk(): unknown
}
