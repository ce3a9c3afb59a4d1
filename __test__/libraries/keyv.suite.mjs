import keyvTestSuite, { keyvIteratorTests } from '@keyv/test-suite'
import Keyv from 'keyv'
import * as vitest from 'vitest'

import { MoltenStore } from '../../examples/keyv/store.mjs'
import { open } from './support.mjs'

const db = await open()
const store = () => new MoltenStore(db.collection('cache'))
keyvTestSuite(vitest, Keyv, store)
keyvIteratorTests(vitest, Keyv, store)
