module.exports = {
  rootDir: __dirname,
  testMatch: ['<rootDir>/*.test.cjs'],
  testEnvironment: 'node',
  watchman: false,
  // A slow machine is no failure.
  testTimeout: 60_000
}
