// Documents of the tests of types, and the filters that find them.

import type { Collection, Db, Document } from '../index.js'
import { ObjectId } from 'bson'

export type Role = 'admin' | 'editor' | 'reader'
export interface Geo { lat: number; lon: number }
export interface Line { sku: string; qty: number; price: number; tags?: string[]; variant?: { color: string; size: number } }
export interface User {
  _id: ObjectId
  name: string
  age: number
  email?: string
  active: boolean
  role: Role
  tags: string[]
  scores: number[]
  address: { street: string; city: string; zip?: string; geo: Geo }
  lines: Line[]
  meta: Record<string, string>
  counts: Record<string, number>
  createdAt: Date
  updatedAt?: Date
  deletedAt: Date | null
  settings?: { theme: 'dark' | 'light'; notify: { mail: boolean; push?: boolean } }
  parent?: ObjectId
  extra: unknown
  anything: any
  matrix: number[][]
  big: bigint
  value: string | number
}
export interface Deep { _id: string; a: { b: { c: { d: { e: { f: { g: { h: number } } } } } } }; l: { m: { n: { o: { p: { q: string }[] }[] }[] }[] }[]; u: unknown; r: Record<string, { x: { y: number } }> }
export type Event =
  | { _id: string; kind: 'click'; x: number; y: number; at: Date }
  | { _id: string; kind: 'key'; key: string; mods?: string[]; at: Date }
export interface Tree { _id: string; name: string; children: Tree[]; parent?: Tree }
export interface Base { _id: string; owner: string; createdAt: Date; tags: string[] }
export declare const db: Db
export declare const users: Collection<User>
export declare const deeps: Collection<Deep>
export declare const events: Collection<Event>
export declare const trees: Collection<Tree>
export declare const open: Collection<Document>
export declare const loose: Collection<any>
export declare const id: ObjectId
export declare const text: string
export declare const n: number
export declare const flag: boolean
export declare const now: Date
export declare const maybe: string | undefined
export declare const user: User
export declare const role: Role
