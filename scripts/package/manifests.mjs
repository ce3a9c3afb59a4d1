// The package.json of what is published: the root's, made from that of the checkout, and those of the platforms, which npm/ holds.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { root } from '../steps.mjs'
import { addonName, targets } from './targets.mjs'

/** What only a checkout needs. */
const OF_CHECKOUT = ['private', 'scripts', 'devDependencies', 'overrides', 'ava']

export function readManifest(folder = root) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/**
 * The root package as it is published. The optional dependencies stand nowhere else: a lock file cannot hold packages that no registry has, so
 * with them in the checkout `npm ci` would fail in each new version until it is published.
 */
export function publishedManifest(manifest) {
  const kept = Object.entries(manifest).filter(([key]) => !OF_CHECKOUT.includes(key))
  const platforms = targets.map(({ name }) => [`${manifest.name}-${name}`, manifest.version])
  return { ...Object.fromEntries(kept), optionalDependencies: Object.fromEntries(platforms) }
}

/** The package of a platform as npm/ holds it, from what the root says. */
export function platformManifest(target, manifest) {
  return {
    name: `${manifest.name}-${target.name}`,
    version: manifest.version,
    private: true,
    scripts: { prepack: 'node ../../scripts/package/refuse.mjs' },
    description: `The compiled addon of ${manifest.name} for ${target.title}`,
    license: manifest.license,
    homepage: manifest.homepage,
    repository: { ...manifest.repository, directory: `npm/${target.name}` },
    bugs: manifest.bugs,
    type: 'commonjs',
    os: [target.os],
    cpu: [target.cpu],
    ...(target.libc && { libc: [target.libc] }),
    main: addonName(target),
    files: [addonName(target)],
    engines: manifest.engines,
    // An addon cannot be loaded from inside of Yarn's archives.
    preferUnplugged: true
  }
}

/** The same as it is published. */
export function publishedPlatform(target, manifest) {
  return Object.fromEntries(Object.entries(platformManifest(target, manifest)).filter(([key]) => !OF_CHECKOUT.includes(key)))
}

/** The README of a platform's package. */
export function platformReadme(target, manifest) {
  return `# ${manifest.name}-${target.name}

The compiled addon of [${manifest.name}](${manifest.homepage}#readme), an embedded document database for Node.js, for ${target.title}
(\`${target.triple}\`). It holds one file and no install script. Do not install it by itself: \`npm install ${manifest.name}\` takes the one that
fits.
`
}

/** What is written to a file of JSON. */
export function asText(manifest) {
  return `${JSON.stringify(manifest, null, 2)}\n`
}
