/** Jest runs the TypeScript sources as ES modules through swc; one project, tests live in test/ and beside the extensions. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test', '<rootDir>/extensions', '<rootDir>/src'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts', 'extensions/**/*.ts', '!**/*.test.ts'],
  // The logs and trails of all servers of the run are kept, and searched for its secrets at the end.
  globalSetup: '<rootDir>/test/support/run/begin.mjs',
  globalTeardown: '<rootDir>/test/support/run/end.mjs',
  // Longer than anything within a test is waited for, some of it after other things, which says better what has not come.
  testTimeout: 600_000,
  // One more than the cores of a small machine: tests spend much of their time waiting for servers and clouds.
  maxWorkers: 3,
  // Modules of finished suites stay in a worker's memory: it begins anew before they slow down what comes after them.
  workerIdleMemoryLimit: '1GB',
  // With nothing left open a worker of several hundred megabytes still takes longer to end than the half second that is the default.
  workerGracefulExitTimeout: 10_000,
};
