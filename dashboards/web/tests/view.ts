// What every view has to stand: both languages, both themes, three widths, a screen reader, and the API's figures.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { words as en } from '../src/i18n/en'
import { words as ru } from '../src/i18n/ru'
import { faultsOfLooks, textOf } from './looks'
import { type Language, openPage, settled } from './open'

const WIDTHS = [1440, 768, 375] as const
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

async function seriousFaults(page: Page): Promise<string[]> {
  const known = await page.evaluate(() => 'axe' in window)
  if (!known) await page.evaluate(AXE) // by the debugger: the page's own policy stays as strict as it is
  const { violations } = await page.evaluate(() =>
    (window as unknown as { axe: { run: (options: object) => Promise<AxeResults> } }).axe.run({ resultTypes: ['violations'] }))
  return violations.filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`)
}

/** englishOnly are the words that Russian says otherwise. */
function englishOnly(): string[] {
  const found: string[] = []
  const walk = (a: unknown, b: unknown): void => {
    if (typeof a === 'string' && typeof b === 'string') {
      if (a !== b && a.length > 3) found.push(a)
    } else if (typeof a === 'object' && a !== null && typeof b === 'object' && b !== null) {
      for (const key of Object.keys(a)) walk((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])
    }
  }
  walk(en, ru)
  return found
}

async function checkWords(page: Page, language: Language): Promise<void> {
  const text = await textOf(page)
  if (language === 'en') {
    expect(text).not.toMatch(/\p{Script=Cyrillic}/u)
    return
  }
  const left = englishOnly().filter((word) =>
    new RegExp(`(?<![\\p{L}_])${word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\p{L}_])`, 'u').test(text))
  expect(left, 'English words left').toEqual([])
}

export interface Seen {
  readonly page: Page
  readonly language: Language
  /** shows expects a text within a card, however its spaces are written. */
  readonly shows: (card: string, ...texts: readonly string[]) => Promise<void>
}

/**
 * testView tests how a view looks; figures compares what it shows with the API. find returns the address to open where
 * only the data know it.
 */
export function testView(path: string, figures?: (seen: Seen) => Promise<void>, scope = 'all', find?: () => Promise<string>): void {
  for (const language of ['en', 'ru'] as const) {
    test(`${path} ${language}`, async () => {
      const { page, complaints } = await openPage(language, scope)
      await page.setViewportSize({ width: WIDTHS[0], height: 900 })
      await page.goto(await find?.() ?? path)
      await settled(page)
      await checkWords(page, language)
      for (const theme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: theme })
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: 900 })
          // Where things are depends on words and width, colours on the theme alone.
          if (theme === 'light') expect(await faultsOfLooks(page), `${width} px`).toEqual([])
        }
        // Names are looked at in each language, colours in each theme.
        if ((theme === 'dark') === (language === 'en')) expect(await seriousFaults(page), `axe, ${theme}`).toEqual([])
        await page.setViewportSize({ width: WIDTHS[0], height: 900 })
      }
      await figures?.({ page, language, shows: (card, ...texts) => shows(page, card, texts) })
      expect(complaints).toEqual([])
    })
  }
}

function plain(text: string): string {
  return text.replace(/\s+/gu, ' ')
}

async function shows(page: Page, card: string, texts: readonly string[]): Promise<void> {
  const there = plain(await page.locator(card).first().innerText())
  for (const text of texts) expect(there).toContain(plain(text))
}

/** The tests print figures by themselves: the page's own formats may be wrong. */
export function percent(rate: number | null, language: Language): string {
  if (rate === null) return '–'
  const text = (Math.round(rate * 1000) / 10).toFixed(1)
  return language === 'ru' ? `${text.replace('.', ',')} %` : `${text}%`
}

export function grouped(count: number, language: Language): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, language === 'ru' ? ' ' : ',')
}

/** money prints roubles. It cuts rather than rounds, so it is for amounts of two decimals. */
export function money(amount: string | null, language: Language, currency: '₽' | '' = '₽'): string {
  if (amount === null) return '–'
  const [whole = '', cents = ''] = (amount ?? '').split('.')
  if (cents.length !== 2) throw new Error(`${amount} is no amount of two decimals`)
  const digits = whole.replace('-', '').replace(/\B(?=(\d{3})+$)/g, language === 'ru' ? ' ' : ',')
  const sign = whole.startsWith('-') ? '-' : ''
  return language === 'ru' ? `${sign}${digits},${cents} ${currency}`.trim() : `${sign}${currency}${digits}.${cents}`
}
