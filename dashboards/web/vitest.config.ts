import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'day', include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
        exclude: ['tests/weeks.test.ts'], globalSetup: ['tests/server.ts'] } },
      { extends: true, test: { name: 'weeks', include: ['tests/weeks.test.ts'], globalSetup: ['tests/weeks.ts'] } },
    ],
    // One program and one browser serve all files of a project. Three of them at a time keep two cores busy: half of the
    // time a page waits, for answers and for half a second without any.
    maxWorkers: 3,
    // A worker keeps its connection to the browser, and pages, for all files that it runs.
    isolate: false,
    // Those of a file that mostly wait do so together.
    maxConcurrency: 3,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
