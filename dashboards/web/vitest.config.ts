import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    globalSetup: ['tests/server.ts'],
    // One program and one browser serve all files. Four of them at a time keep two cores busy: half of the time a page
    // waits, for answers and for half a second without any.
    maxWorkers: 4,
    // A worker keeps its connection to the browser, and pages, for all files that it runs.
    isolate: false,
    // Those of a file that mostly wait do so together.
    maxConcurrency: 3,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // On a busy machine a page waits for processors, too.
    expect: { poll: { timeout: 20_000 } },
  },
})
