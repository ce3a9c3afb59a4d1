// Shapes, which are lists of keys shared by many objects: the shapes that this port has defined in the core, and those that
// results have defined.

import { MoltenError } from '../errors.js'
import { isWellFormed, Refusal } from './classify.js'
import { compileLiteral, compileSteps, readByLoop, type ShapeReader } from './shape-reader.js'
import type { ValueReader } from './value-reader.js'
import type { Writer } from './writer.js'

/** The number for no collection, or for a collection whose number is not known yet. */
export const NO_COLLECTION = 0xffffffff
/** The maximum number of shapes that a port defines; objects of further shapes are written as maps. */
export const MAX_SHAPES = 1024
/** The maximum number of keys of a shape: an object with more is treated as a dictionary and written as a map. */
export const MAX_SHAPE_KEYS = 1024
/** Limits the trie nodes left by documents that failed half-way. */
const MAX_NODES = 1 << 18
/** The approximate limit of key characters in the trie; includes shapes that the core stores as maps. */
const MAX_CHARACTERS = 1 << 22

/** A list of keys, represented by its last node in the trie. */
export class ShapeNode {
  /** The shape's number, or -1 while no object has ended here. */
  id = -1
  /** The first child, stored separately: most nodes have only one. */
  nextKey: string | undefined = undefined
  next: ShapeNode | undefined = undefined
  others: Map<string, ShapeNode> | undefined = undefined
  constructor(
    readonly parent: ShapeNode | undefined,
    readonly key: string
  ) {}
}

/** The shapes that this port has defined in the core: a trie from the root, key by key, to the number of a shape. */
export class PortShapes {
  readonly root = new ShapeNode(undefined, '')
  /**
   * Objects whose keys are being walked. A number is reserved for each, so that an object begun as a record can always be
   * finished as one.
   */
  open = 0
  private readonly ends: ShapeNode[] = []
  private nodes = 0
  private characters = 0
  /** Shapes whose definitions are in the batch or were submitted. */
  sent = 0
  /** Shapes whose definitions were written; the caller sets `sent` to this when they are in the batch. */
  written = 0

  /** Shapes not yet sent. */
  get pending(): number {
    return this.ends.length - this.sent
  }

  /** Whether one more object may be begun as a record. */
  hasRoom(): boolean {
    return this.ends.length + this.open < MAX_SHAPES && this.nodes < MAX_NODES && this.characters < MAX_CHARACTERS
  }

  /** The child of this node by this key, created when missing. */
  step(node: ShapeNode, key: string): ShapeNode {
    const known = this.find(node, key)
    if (known !== undefined) return known
    if (!isWellFormed(key)) throw new Refusal('has a name with a lone surrogate; use well-formed Unicode')
    const made = new ShapeNode(node, key)
    this.nodes++
    this.characters += key.length
    if (node.nextKey === undefined) {
      node.nextKey = key
      node.next = made
    } else {
      node.others ??= new Map()
      node.others.set(key, made)
    }
    return made
  }

  /** The number of the shape that ends here. The caller has checked `hasRoom`, or the number exists. */
  number(node: ShapeNode): number {
    if (node.id < 0) node.id = this.ends.push(node) - 1
    return node.id
  }

  /** The number of the shape with these keys, assigned now if there is room; -1 means that a map is written. */
  numberOf(keys: string[]): number {
    const room = this.hasRoom()
    let node: ShapeNode | undefined = this.root
    for (const key of keys) {
      node = room ? this.step(node, key) : this.find(node, key)
      if (node === undefined) return -1
    }
    return room ? this.number(node) : node.id
  }

  /** Writes the body of DEFINE for the shapes not sent yet; they count as sent once `sent` is set to `written`. */
  writeDefinitions(out: Writer): void {
    out.u16(this.sent)
    out.u16(this.pending)
    for (let id = this.sent; id < this.ends.length; id++) {
      const keys = keysOf(this.ends[id] as ShapeNode)
      out.u16(keys.length)
      for (const key of keys) out.text(key)
    }
    this.written = this.ends.length
  }

  private find(node: ShapeNode, key: string): ShapeNode | undefined {
    return node.nextKey === key ? node.next : node.others?.get(key)
  }
}

function keysOf(end: ShapeNode): string[] {
  const keys: string[] = []
  for (let node = end; node.parent !== undefined; node = node.parent) keys.push(node.key)
  return keys.reverse()
}

/** Uses after which a shape's objects are created by a literal. */
const LITERAL_AFTER = 8
/** Uses after which a shape gets its own reader code, which is large, and slow until V8 has optimized it. */
const STEPS_AFTER = 1024
/** The maximum number of shapes of this realm with such code. More would evict one another from the processor's caches. */
const MAX_STEPPED = 32

let stepped = 0

/** A shape of a collection, and the reader of its objects. */
export class Shape {
  private uses = 0
  private literal: ShapeReader | undefined = undefined
  constructor(readonly keys: readonly string[]) {}

  /** Reads the values of one object; replaced by a compiled reader after many uses. */
  read(reader: ValueReader): object {
    const object = this.literal === undefined ? readByLoop(reader, this.keys) : this.literal(reader)
    const uses = ++this.uses
    if (uses === LITERAL_AFTER) this.literal = compileLiteral(this.keys)
    else if (uses === STEPS_AFTER) this.read = this.steps(object) ?? this.literal ?? this.read
    return object
  }

  private steps(example: object): ShapeReader | undefined {
    const read = stepped < MAX_STEPPED ? compileSteps(this.keys, example) : undefined
    if (read !== undefined) stepped++
    return read
  }
}

/** The collections whose shapes a database keeps although nothing uses them. */
const KEPT_COLLECTIONS = 1024

/**
 * The shapes that results of one database have defined, by the number of the collection. A collection's number is never
 * reused, so the shapes of dropped collections are of no more use: beyond the latest 1,024 collections, only those are kept
 * that a collection in use or an operation under way refers to.
 */
export class ShapeCache {
  private readonly latest = new Map<number, Shape[]>()
  private readonly others = new Map<number, WeakRef<Shape[]>>()
  private readonly dropped = new FinalizationRegistry<number>((collectionNumber) => {
    if (this.others.get(collectionNumber)?.deref() === undefined) this.others.delete(collectionNumber)
  })

  /** How many shapes of the collection are known. */
  known(collectionNumber: number): number {
    return this.listOf(collectionNumber).length
  }

  /** The shapes of a collection by number; grows as results bring more. */
  of(collectionNumber: number): readonly Shape[] {
    return this.listOf(collectionNumber)
  }

  private listOf(collectionNumber: number): Shape[] {
    return this.latest.get(collectionNumber) ?? this.keep(collectionNumber)
  }

  /** Moves the list of a collection to the latest ones, and the oldest of those to the others. */
  private keep(collectionNumber: number): Shape[] {
    const shapes = this.others.get(collectionNumber)?.deref() ?? []
    this.others.delete(collectionNumber)
    this.latest.set(collectionNumber, shapes)
    if (this.latest.size > KEPT_COLLECTIONS) {
      const [oldest, list] = this.latest.entries().next().value as [number, Shape[]]
      this.latest.delete(oldest)
      this.others.set(oldest, new WeakRef(list))
      this.dropped.register(list, oldest)
    }
    return shapes
  }

  /** Adds a definition. A known shape is defined again when two results were under way; a gap in the numbers is damage. */
  learn(collectionNumber: number, id: number, keys: readonly string[]): void {
    const shapes = this.listOf(collectionNumber)
    if (id > shapes.length) {
      throw new MoltenError('CORRUPT', `a result defines shape ${id} of collection ${collectionNumber}, but shape ${shapes.length} is not known; open the database again`)
    }
    if (id === shapes.length) shapes.push(new Shape(keys))
  }
}
