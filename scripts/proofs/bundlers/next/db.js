import { Database } from 'moltendb-node'

// One database per process; a module of Next.js is evaluated more than once, so it is kept globally.
export const database = () => (globalThis.database ??= Database.open(process.env.DATABASE ?? ':memory:'))
