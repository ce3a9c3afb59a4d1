// Runs before `npm pack` and `npm publish` of a folder of the checkout, and refuses: neither is what is published (pack.mjs says why).

console.error('packages are made by `npm run pack`, which writes them to target/packages; publish those (docs/packaging.md)')
process.exitCode = 1
