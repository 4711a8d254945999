import { defineConfig } from 'vitest/config'

// make pictures draws those of the README from the demo, so that they stay true.
export default defineConfig({
  test: { name: 'pictures', include: ['tests/pictures.ts'], globalSetup: ['tests/weeks.ts'], testTimeout: 60_000,
    hookTimeout: 300_000 },
})
