import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    globalSetup: ['tests/server.ts'],
    // One program and one browser serve all files. Three of them at a time keep two cores busy: half of the time a page
    // waits, for answers and for half a second without any.
    maxWorkers: 3,
    // Those of a file that mostly wait do so together.
    maxConcurrency: 3,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
