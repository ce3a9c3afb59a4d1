// What is expected of each bundler, with each setting. `build` is the command, `files` the settings, `deploy` what the output is moved together with,
// `run` what is started then, from another folder. What should not work says when and how: `failsToBuild`, or `failsToRun` with the loader's sentence.

import { command, settings } from './settings.mjs'

/** Nothing but the output; node_modules with the package; the addon beside the bundle. */
export const ALONE = 'alone'
export const WITH_MODULES = 'with node_modules'
export const WITH_ADDON = 'with the addon beside it'

const LEFT_BEHIND = /found no addon .*This code was bundled, and the addon was left behind/
const NAMES_ADDON = /moltendb-node\.[\w-]+\.node/

const esbuild = (what, args, rest) => ({ tool: 'esbuild', what, build: () => command(args), run: args.includes('app.mjs') ? 'app.mjs' : 'app.js', ...rest })
const webpack = (what, config, rest) => ({
  tool: 'webpack', what, build: () => ['webpack', '--config', 'webpack.config.cjs'], files: () => ({ 'webpack.config.cjs': config() }), run: 'main.js', ...rest
})
const rollup = (what, config, rest) => ({
  tool: 'rollup', what, build: () => ['rollup', '--config', 'rollup.config.mjs'], files: () => ({ 'rollup.config.mjs': config() }), run: 'app.mjs', ...rest
})
const vite = (what, config, rest) => ({
  tool: 'vite', what, build: () => command('vite build --ssr app.mjs --outDir out'), files: () => (config ? { 'vite.config.mjs': config() } : {}), run: 'app.mjs', ...rest
})

const webpackPlain = () => settings('webpack.config.cjs, the package left alone').replace(/externals: .*/, '')
const rollupPlain = () => settings('rollup.config.mjs, the package left alone').replace(/external: .*/, '')

const BANNER = `"--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"`

export const packages = {
  esbuild: { esbuild: '0.28.2' },
  webpack: { webpack: '5.113.0', 'webpack-cli': '6.0.1', 'node-loader': '2.1.0' },
  rollup: { rollup: '4.68.8', '@rollup/plugin-node-resolve': '16.0.3', '@rollup/plugin-commonjs': '29.0.3' },
  vite: { vite: '7.3.8' },
  ncc: { '@vercel/ncc': '0.45.0' },
  nft: { '@vercel/nft': '1.11.5' },
  bun: { '@oven/bun-linux-x64': '1.4.5' },
  next: { next: '16.4.6', react: '19.3.1', 'react-dom': '19.3.1' }
}

export const cases = [
  esbuild('package left alone', 'esbuild app.cjs --bundle --platform=node --external:moltendb-node --outfile=out/app.js', { deploy: WITH_MODULES }),
  esbuild('file taken along', 'esbuild app.cjs --bundle --platform=node --loader:.node=copy --outfile=out/app.js', { deploy: ALONE }),
  esbuild('file taken along, ES module', `esbuild app.mjs --bundle --platform=node --format=esm --loader:.node=copy --outfile=out/app.mjs ${BANNER}`, { deploy: ALONE }),
  esbuild('addon copied', 'esbuild app.cjs --bundle --platform=node "--external:moltendb-node-*" --outfile=out/app.js', { deploy: WITH_ADDON }),
  esbuild('addon left behind', 'esbuild app.cjs --bundle --platform=node "--external:moltendb-node-*" --outfile=out/app.js', { deploy: ALONE, failsToRun: LEFT_BEHIND }),
  { tool: 'esbuild', what: 'no settings', build: () => ['esbuild', 'app.cjs', '--bundle', '--platform=node', '--outfile=out/app.js'], failsToBuild: NAMES_ADDON },

  webpack('package left alone', () => settings('webpack.config.cjs, the package left alone'), { deploy: WITH_MODULES }),
  webpack('file taken along', () => settings('webpack.config.cjs, the file taken along'), { deploy: ALONE }),
  webpack('addon copied', () => settings('webpack.config.cjs, the addon copied'), { deploy: WITH_ADDON }),
  webpack('addon left behind', () => settings('webpack.config.cjs, the addon copied'), { deploy: ALONE, failsToRun: LEFT_BEHIND }),
  webpack('no settings', webpackPlain, { failsToBuild: NAMES_ADDON }),

  rollup('package left alone', () => settings('rollup.config.mjs, the package left alone'), { deploy: WITH_MODULES }),
  rollup('addon copied', () => settings('rollup.config.mjs, the addon copied'), { deploy: WITH_ADDON }),
  rollup('addon left behind', () => settings('rollup.config.mjs, the addon copied'), { deploy: ALONE, failsToRun: LEFT_BEHIND }),
  rollup('no settings', rollupPlain, { failsToBuild: NAMES_ADDON }),

  vite('package left alone, the default', undefined, { deploy: WITH_MODULES }),
  vite('package left alone, others taken in', () => settings('vite.config.mjs'), { deploy: WITH_MODULES }),
  vite('all taken in', () => settings('vite.config.mjs').replace(/, external: .*\]/, ''), { failsToBuild: NAMES_ADDON }),

  { tool: 'ncc', what: 'file taken along, the default', build: () => command('ncc build app.cjs --out out'), deploy: ALONE, run: 'index.cjs' },
  { tool: 'nft', what: 'traced from CommonJS', trace: 'app.cjs', run: 'app.cjs' },
  { tool: 'nft', what: 'traced from an ES module', trace: 'app.mjs', run: 'app.mjs' },

  { tool: 'bun', what: 'single file', build: () => command('bun build --compile app.mjs --outfile out/app'), deploy: ALONE, run: 'app', native: true },
  { tool: 'bun', what: 'bundle for Node.js', build: () => command('bun build app.mjs --target=node --outdir out'), deploy: ALONE, run: 'app.js' },

  { tool: 'next', what: 'Turbopack, standalone', next: ['build'] },
  { tool: 'next', what: 'webpack, standalone', next: ['build', '--webpack'] },
  { tool: 'next', what: 'Turbopack, no settings', next: ['build'], plain: true, failsToBuild: NAMES_ADDON },
  { tool: 'next', what: 'webpack, no settings', next: ['build', '--webpack'], plain: true, failsToBuild: NAMES_ADDON }
]
