import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    globalSetup: ['tests/server.ts'],
    // One program and one browser serve all files; two of them at a time keep two cores busy.
    maxWorkers: 2,
    // Those of a file that mostly wait do so together.
    maxConcurrency: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
