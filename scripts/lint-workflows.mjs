// Lints .github/workflows: actionlint for what GitHub would refuse, zizmor for what an attacker could use. `npm run lint:workflows`

import { readdirSync } from 'node:fs'
import { join } from 'node:path'

import { pythonTools } from './python.mjs'
import { root, run } from './steps.mjs'

const tools = pythonTools('workflow-lints', '.github/workflow-lints.txt')
const folder = join(root, '.github', 'workflows')
const files = readdirSync(folder).map((name) => join(folder, name))
process.exitCode = run(join(tools, 'actionlint'), ['-no-color', ...files]) || run(join(tools, 'zizmor'), ['--offline', '--no-progress', ...files])
