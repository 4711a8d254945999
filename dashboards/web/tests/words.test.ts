// Words that no code says are words that somebody translates for nothing.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { words } from '../src/i18n/en'

const SOURCE = fileURLToPath(new URL('../src/', import.meta.url))

test('each word is named somewhere, or chosen by its key', () => {
  const code = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((one) => /\.tsx?$/.test(one) && !/^i18n|\.test\.ts$/.test(one))
    .map((one) => readFileSync(SOURCE + one, 'utf8')).join('\n')
  const unused: string[] = []
  const walk = (section: object, path: string): void => {
    for (const [name, word] of Object.entries(section)) {
      // What the API names is chosen by that name.
      if (code.includes(`w().${path}${name}[`)) continue
      if (typeof word === 'object' && word !== null) walk(word, `${path}${name}.`)
      else if (/^\w+$/.test(name) && !new RegExp(`\\b${name}\\b`).test(code)) unused.push(path + name)
    }
  }
  walk(words, '')
  expect(unused).toEqual([])
})
