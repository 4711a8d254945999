// Pages in the browser that all tests share.
import { text } from 'node:stream/consumers'
import { type Browser, type BrowserContext, chromium, type Cookie, type Download, type Page } from 'playwright-core'
import { afterAll, afterEach, expect, inject } from 'vitest'
import { NOW } from './service'

export type Language = 'en' | 'ru'

let browser: Promise<Browser> | undefined
const contexts: BrowserContext[] = []
// One session for each scope serves all pages of a file.
const sessions = new Map<string, Promise<Cookie[]>>()
let scriptErrors: string[] = []

// An error of a script fails whichever test met it.
afterEach(() => {
  const met = scriptErrors
  scriptErrors = []
  expect(met).toEqual([])
})

afterAll(async () => {
  await Promise.all(contexts.map((one) => one.close()))
  await (await browser)?.close()
})

/** Opened is a page, and what it complained of. */
export interface Opened {
  readonly page: Page
  readonly complaints: string[]
}

/** openPage opens a browser window for who has a key of the scope; '' is somebody without one. */
export async function openPage(language: Language, scope: string): Promise<Opened> {
  const { base, browser: endpoint, keys } = inject('service')
  browser ??= chromium.connect(endpoint)
  const context = await (await browser).newContext({ baseURL: base, locale: language === 'ru' ? 'ru-RU' : 'en-GB',
    timezoneId: 'Europe/Moscow', reducedMotion: 'reduce' })
  contexts.push(context)
  await context.clock.setFixedTime(new Date(NOW))
  if (scope) {
    const known = sessions.get(scope)
    if (known) await context.addCookies(await known)
    else {
      const begun = context.request.post('/v1/session', { data: { key: keys[scope] } }).then(async (answer) => {
        if (!answer.ok()) throw new Error(`session for ${scope}: ${answer.status()} ${await answer.text()}`)
        return context.cookies()
      })
      sessions.set(scope, begun)
      await begun
    }
  }
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => scriptErrors.push(error.stack ?? String(error)))
  return { page, complaints }
}

/** settled waits until the page has all it asked for. */
export async function settled(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle')
  await page.waitForFunction(() => document.querySelector('main, h1') !== null &&
    !document.querySelector('[aria-busy="true"], .waiting'))
}

/** textOf is what a file holds that the page gave to the browser, which is another process. */
export async function textOf(file: Download): Promise<string> {
  return text(await file.createReadStream())
}

/** ask asks the API directly, with the key of a scope. What has a body is a POST where nothing else is said. */
export async function ask<T>(path: string, scope = 'all', body?: unknown, method = 'POST'): Promise<T> {
  const { base, keys } = inject('service')
  const headers = { Authorization: `Bearer ${keys[scope]}`, 'Content-Type': 'application/json' }
  const answer = await fetch(base + path, body === undefined ? { headers } : { headers, method, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}
