import { defineConfig } from 'vitest/config'

// npm run speed prints how long views take; it asserts nothing, for the machine decides most of it.
export default defineConfig({
  test: { name: 'speed', include: ['tests/switches.ts'], globalSetup: ['tests/weeks.ts'], testTimeout: 600_000,
    hookTimeout: 300_000 },
})
