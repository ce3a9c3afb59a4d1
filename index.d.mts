import * as moltendb from './index.js'

export * from './index.js'
export default moltendb
