// The types of the inspector.

/** Options of `db.inspect`. */
export interface InspectorOptions {
  /** The port of this machine that it listens on, 0 to 65,535. Default 0: one that is free. */
  port?: number
  /** Whether the page may insert, replace and delete documents, and create and drop indexes. Default false: such requests are refused. */
  write?: boolean
}

/** A running inspector. */
export interface Inspector {
  /** The URL to open. Its fragment has the token that lets a browser in; who has it can read all documents. */
  readonly url: string
  /** The port that it listens on. */
  readonly port: number
  /** Ends it, with its connections and what runs for them. */
  close(): Promise<void>
  /** Ends it at the end of an `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}
