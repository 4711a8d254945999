import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'

const DIST = fileURLToPath(new URL('../embedded/dist/', import.meta.url))
const MOST = 300_000

interface Chunk {
  readonly file: string
  readonly isEntry?: boolean
  readonly imports?: readonly string[]
  readonly css?: readonly string[]
}

// What is loaded before a chart: the page, the larger language, and the largest view without ECharts.
test('the page is small', () => {
  const chunks = JSON.parse(readFileSync(`${DIST}manifest.json`, 'utf8')) as Record<string, Chunk>
  const packed = (file: string): number => gzipSync(readFileSync(DIST + file)).length
  const sizeOf = (name: string, seen = new Set<string>()): number => {
    const chunk = chunks[name]
    if (!chunk || seen.has(name)) return 0
    seen.add(name)
    return packed(chunk.file) + (chunk.css ?? []).reduce((sum, file) => sum + packed(file), 0) +
      (chunk.imports ?? []).reduce((sum, one) => sum + sizeOf(one, seen), 0)
  }
  const entries = Object.keys(chunks).filter((name) => chunks[name]?.isEntry)
  const words = Object.keys(chunks).filter((name) => name.startsWith('src/i18n/'))
  const views = Object.keys(chunks).filter((name) => name.startsWith('src/views/'))
  expect(entries).toHaveLength(1)
  expect(words.length).toBeGreaterThan(1)
  expect(views.length).toBeGreaterThan(2)
  const largest = (names: readonly string[]): number => Math.max(...names.map((name) => sizeOf(name, new Set(entries))))
  const size = sizeOf(entries[0] ?? '') + largest(words) + largest(views)
  expect(size).toBeLessThan(MOST)
  expect(size).toBeGreaterThan(20_000)
})
