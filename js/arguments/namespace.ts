// The names of databases and collections: as programs have them, as the core has them, and as messages show them.
//
// The core knows a collection of the default database by its plain name, one of another database by that database's name, a NUL and
// the plain name.

const SEPARATOR = '\0'

/** One of the databases of an engine. */
export interface DatabaseName {
  readonly name: string
  /** What the full names of its collections begin with. */
  readonly prefix: string
}

/** The default database. */
export function defaultDatabase(name: string): DatabaseName {
  return { name, prefix: '' }
}

/** Another database. */
export function otherDatabase(name: string): DatabaseName {
  return { name, prefix: name + SEPARATOR }
}

/** The database as the core has it: without a name if it is the default one. */
export function coreName({ prefix }: DatabaseName): string {
  return prefix.slice(0, -1)
}

/** The name of a collection within its database; that of a database as a whole is empty. */
export function plainName(full: string): string {
  return full.slice(full.indexOf(SEPARATOR) + 1)
}

/** A full name as messages show it. */
export function shownName(full: string): string {
  return full.replace(SEPARATOR, '.')
}

/** The name of a collection whose plain name was checked. */
export class Namespace {
  /** As the core has it. */
  readonly full: string

  constructor(
    readonly database: DatabaseName,
    /** The plain name. */
    readonly collection: string
  ) {
    this.full = database.prefix + collection
  }

  /** As messages show it: without the default database. */
  get shown(): string {
    return shownName(this.full)
  }

  /** Database and collection, joined by a dot. */
  toString(): string {
    return `${this.database.name}.${this.collection}`
  }
}
