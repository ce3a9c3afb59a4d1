// The declarations as CommonJS sees them.

import { expectTypeOf } from 'expect-type'
import moltendb = require('../index.js')

expectTypeOf(moltendb.Database.open).returns.resolves.toEqualTypeOf<moltendb.Database>()
