// Pages in the browser that all tests share.
import { text } from 'node:stream/consumers'
import { type Browser, type BrowserContext, chromium, type Cookie, type Download, type Page } from 'playwright-core'
import { expect, inject, onTestFinished } from 'vitest'
import { NOW, type Service } from './service'

export type Language = 'en' | 'ru'

// What the files of a worker share: a connection, the pages that tests have left, and one session for each scope. A
// page that is opened anew costs two processes of the browser, and the scripts are compiled again.
let browser: Promise<Browser> | undefined
const free = new Map<string, Page[]>()
const sessions = new Map<string, Promise<Cookie[]>>()
let other: Service | undefined

/** useService has all that follows ask another program than that of the day; undefined is the end of it. */
export function useService(service: Service | undefined): void {
  other = service
}

function used(): Service {
  return other ?? inject('service')
}

const SIZE = { width: 1280, height: 720 }
// The browser notes that a busy server refused a question; the page asks it again.
const BUSY = /status of (429|503)/

declare global {
  interface Window {
    /** asking is how many questions of the page have no answer yet. */
    asking: number
  }
}

/** counts has the page count what it asks, for a message to the test may come late. */
function counts(): void {
  window.asking = 0
  const { fetch } = window
  window.fetch = (...given) => {
    window.asking++
    return fetch(...given).finally(() => window.asking--)
  }
}

/** Opened is a page, and what it complained of. */
export interface Opened {
  readonly page: Page
  readonly complaints: string[]
}

/**
 * openPage opens a browser window for who has a key of the scope; '' is somebody without one. The next test gets it
 * with nothing left in it. A test that runs beside others of its file says by atEnd that the page is its own.
 */
export async function openPage(language: Language, scope: string, atEnd = onTestFinished): Promise<Opened> {
  const left = leftOf(language)
  const page = left.pop() ?? await newPage(language)
  const context = page.context()
  await context.clock.setFixedTime(new Date(NOW))
  if (scope) await context.addCookies(await sessionOf(scope, context))
  const complaints: string[] = []
  const errors: string[] = []
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type()) || BUSY.test(message.text())) return
    complaints.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(error.stack ?? String(error)))
  atEnd(async () => {
    await cleared(page)
    left.push(page)
    expect(errors, 'errors of scripts').toEqual([])
  })
  return { page, complaints }
}

/** leftOf are the pages that tests in a language have left. */
function leftOf(language: Language): Page[] {
  const of = language + used().base
  const pages = free.get(of) ?? []
  free.set(of, pages)
  return pages
}

async function newPage(language: Language): Promise<Page> {
  const { base, browser: endpoint } = used()
  browser ??= chromium.connect(endpoint)
  const context = await (await browser).newContext({ baseURL: base, locale: language === 'ru' ? 'ru-RU' : 'en-GB',
    timezoneId: 'Europe/Moscow', reducedMotion: 'reduce', viewport: SIZE })
  await context.addInitScript(counts)
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  return page
}

/** sessionOf is the cookie of a session that all tests of the worker go on with. */
function sessionOf(scope: string, context: BrowserContext): Promise<Cookie[]> {
  const { base, keys } = used()
  const known = sessions.get(scope + base)
  if (known) return known
  const data = { key: keys[scope] }
  const begun = context.request.post('/v1/session', { data }).then(async (answer) => {
    if (!answer.ok()) throw new Error(`session for ${scope}: ${answer.status()} ${await answer.text()}`)
    return context.cookies()
  })
  sessions.set(scope + base, begun)
  return begun
}

/** cleared takes from a page all that a test has left in it. */
async function cleared(page: Page): Promise<void> {
  const context = page.context()
  for (const event of ['console', 'pageerror', 'request'] as const) page.removeAllListeners(event)
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  // Another address of the program keeps the process, which about:blank does not.
  await page.goto('/healthz')
  await page.evaluate(() => localStorage.clear())
  await Promise.all(context.pages().filter((one) => one !== page).map((one) => one.close()))
  await context.clearCookies()
  await context.clearPermissions()
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize(SIZE)
}

/** settled waits until the page has all it asked for: what it loads at first, and answers whenever it is asked. */
export async function settled(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle')
  // Whoever looks at each frame has frames drawn: 50 ms of a processor for each second of waiting, rather than 10.
  await page.waitForFunction(() => document.querySelector('main, h1') !== null && window.asking === 0 &&
    !document.querySelector('[aria-busy="true"], .waiting'), undefined, { polling: 100 })
}

/** goTo opens an address of the page as the browser's own buttons do, without loading it again. */
export async function goTo(page: Page, path: string): Promise<void> {
  await page.evaluate(async (to) => {
    window.history.pushState(null, '', to)
    window.dispatchEvent(new PopStateEvent('popstate'))
    // What is drawn anew asks when it has been seen.
    for (let frames = 0; frames < 2; frames++) {
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
    }
  }, path)
  await settled(page)
}

/** textOf is what a file holds that the page gave to the browser, which is another process. */
export async function textOf(file: Download): Promise<string> {
  return text(await file.createReadStream())
}

/** ask asks the API directly, with the key of a scope. What has a body is a POST where nothing else is said. */
export async function ask<T>(path: string, scope = 'all', body?: unknown, method = 'POST'): Promise<T> {
  const { base, keys } = used()
  const headers = { Authorization: `Bearer ${keys[scope]}`, 'Content-Type': 'application/json' }
  const sent = body === undefined ? {} : { method, body: JSON.stringify(body) }
  const answer = await fetch(base + path, { headers, ...sent })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}
