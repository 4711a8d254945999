// The page's types of the API are those of its document.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { generated } from '../api.mjs'
import { words as en } from '../src/i18n/en'
import { words as ru } from '../src/i18n/ru'
import { ask } from './open'

test('the types are those of the document: make page-types writes them anew', async () => {
  const text = await generated(await ask('/openapi.json'))
  expect(readFileSync(fileURLToPath(new URL('../src/api/openapi.ts', import.meta.url)), 'utf8') === text).toBe(true)
})

// That there are words at all is checked by types; that they are words, here.
test('every reason that the API can give has words', async () => {
  const { numbers } = await ask<{ numbers: { classes: readonly { name: string }[] } }>('/v1/definitions')
  const classes = numbers.classes.map((one) => one.name)
  expect(classes.length).toBeGreaterThan(30)
  for (const words of [en, ru]) {
    expect(Object.keys(words.reasons).toSorted()).toEqual(classes.toSorted())
    for (const list of [words.reasons, words.letterReasons]) {
      for (const [name, text] of Object.entries(list)) expect(text, name).toMatch(/^[^_]{2,}$/)
    }
    for (const [name, text] of Object.entries(words.savings.reasons)) expect(text('Viber'), name).toMatch(/^[^_]{2,}$/)
  }
})
