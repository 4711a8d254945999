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

const every = process.env['TEST_LONG'] !== undefined

// Rows of a table are alike, and contrast is most of what axe takes: that of the first ones stands for all, but where
// everything is looked at.
const WHERE = { exclude: every ? [] : [['tbody tr:nth-child(n+7)']] }

/** seriousFaults are those of axe's rules: all of them, or that of contrast alone, which is what a theme changes. */
async function seriousFaults(page: Page, rules: 'all' | 'contrast'): Promise<string[]> {
  const known = await page.evaluate(() => 'axe' in window)
  if (!known) await page.evaluate(AXE) // by the debugger: the page's own policy stays as strict as it is
  const { violations } = await page.evaluate(([where, options]) =>
    (window as unknown as { axe: { run: (...given: object[]) => Promise<AxeResults> } }).axe.run(where, options),
  [WHERE, { resultTypes: ['violations'], preload: false,
    ...(rules === 'all' ? {} : { runOnly: ['color-contrast'] }) }] as const)
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

const ENGLISH = englishOnly()

async function checkWords(page: Page, language: Language): Promise<void> {
  const text = await textOf(page)
  if (language === 'en') {
    expect(text).not.toMatch(/\p{Script=Cyrillic}/u)
    return
  }
  const left = ENGLISH.filter((word) => text.includes(word) &&
    new RegExp(`(?<![\\p{L}_])${word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\p{L}_])`, 'u').test(text))
  expect(left, 'English words left').toEqual([])
}

// What may differ: the age in the badge of freshness, and how a canvas rounds an edge.
const MOST_UNLIKE = 0.002

/** unlike is the share of pixels that two pictures do not have in common; the browser reads them. */
async function unlike(page: Page, a: Buffer, b: Buffer): Promise<number> {
  if (a.equals(b)) return 0
  return page.evaluate(async (pictures) => {
    const [x, y] = await Promise.all(pictures.map(async (text) => {
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
      const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }))
      const canvas = new OffscreenCanvas(image.width, image.height)
      const context = canvas.getContext('2d')
      context?.drawImage(image, 0, 0)
      return context?.getImageData(0, 0, image.width, image.height).data
    }))
    if (!x || !y || x.length !== y.length) return 1
    let others = 0
    for (let i = 0; i < x.length; i += 4) {
      const far = Math.max(...[0, 1, 2].map((at) => Math.abs((x[i + at] ?? 0) - (y[i + at] ?? 0))))
      if (far > 24) others++
    }
    return others * 4 / x.length
  }, [a, b].map((one) => one.toString('base64')))
}

export interface Seen {
  readonly page: Page
  readonly language: Language
  /** shows expects a text within a card, however its spaces are written. */
  readonly shows: (card: string, ...texts: readonly string[]) => Promise<void>
}

/** checkLooks is for words and widths, on which depends where things are. */
async function checkLooks(page: Page, language: Language): Promise<void> {
  await checkWords(page, language)
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 })
    expect(await faultsOfLooks(page), `${language}, ${width} px`).toEqual([])
  }
  await page.setViewportSize({ width: WIDTHS[0], height: 900 })
}

/** turnTo has the page in the other language by its menu. */
async function turnTo(page: Page, language: Language): Promise<void> {
  const { preferences, languages } = (language === 'en' ? ru : en).shell
  await page.getByRole('button', { name: preferences, exact: true }).click()
  await page.locator('[role^="menuitem"]', { hasText: languages[language] }).click()
  await page.waitForFunction((wanted) => document.documentElement.lang === wanted, language)
  await settled(page)
}

// The languages that views are opened in, one after the other.
const LANGUAGES = ['ru', 'en'] as const

/**
 * testView tests how a view looks; figures compares what it shows with the API. find returns the address to open where
 * only the data know it. A view is opened in one language and turned to the other one; in make test-long it is opened
 * in both, and everything is looked at in both.
 */
export function testView(path: string, figures?: (seen: Seen) => Promise<void>, scope = 'all', find?: () => Promise<string>): void {
  const letters = [...path, scope].reduce((sum, letter) => sum + letter.charCodeAt(0), 0)
  for (const language of every ? LANGUAGES : [LANGUAGES[letters % 2] ?? 'ru']) {
    test(`${path} ${language}`, async () => {
      const { page, complaints } = await openPage(language, scope)
      await page.setViewportSize({ width: WIDTHS[0], height: 900 })
      await page.goto(await find?.() ?? path)
      await settled(page)
      // Fonts differ between machines, so pictures are compared within a run: after all themes and widths the view
      // looks as before.
      const before = await page.screenshot()
      await checkLooks(page, language)
      expect(await seriousFaults(page, 'all'), 'axe, light').toEqual([])
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await seriousFaults(page, 'contrast'), 'axe, dark').toEqual([])
      await page.emulateMedia({ colorScheme: 'light' })
      const share = await unlike(page, before, await page.screenshot())
      expect(share, 'pixels changed by themes and widths').toBeLessThan(MOST_UNLIKE)
      await figures?.({ page, language, shows: (card, ...texts) => shows(page, card, texts) })
      if (!every) {
        const other = language === 'en' ? 'ru' : 'en'
        await turnTo(page, other)
        await checkLooks(page, other)
      }
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
