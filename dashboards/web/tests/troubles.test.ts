// Every view of the registry with an API that is slow, and with one that fails in each way that it can.
import type { Page, Route } from 'playwright-core'
import { expect, type onTestFinished, test } from 'vitest'
import { VIEWS } from '../src/view'
import { openPage, settled } from './open'

const DAY = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'
const API = '**/v1/**'
const SLOW_MS = 2000
const PATHS = VIEWS.map((one) => one.path)

function addressOf(path: string): string {
  return `${path}?${DAY}`
}

/** pathOf names a question, whatever its parameters. */
function pathOf(route: Route): string {
  return new URL(route.request().url()).pathname
}

/** troubled opens a page whose questions, the first, the second and so on, go through answer, but for that who asks. */
async function troubled(
  path: string,
  answer: (route: Route, at: number) => Promise<void>,
  atEnd: typeof onTestFinished
): Promise<{ page: Page; asked: string[] }> {
  const { page } = await openPage('en', 'all', atEnd)
  const asked: string[] = []
  await page.route(API, (route) => {
    if (pathOf(route) === '/v1/session') return route.continue()
    asked.push(route.request().url())
    return answer(route, asked.length)
  })
  await page.goto(path)
  await page.locator('main h1').waitFor({ state: 'attached' })
  return { page, asked }
}

let asksOfFrame: Promise<Set<string>> | undefined

/** ofFrame are the questions that the frame asks by itself; what is asked beside them is the view's. */
function ofFrame(atEnd: typeof onTestFinished): Promise<Set<string>> {
  asksOfFrame ??= troubled(addressOf('/nowhere'), (route) => route.continue(), atEnd).then(async ({ page, asked }) => {
    await settled(page)
    return new Set(asked)
  })
  return asksOfFrame
}

test('views are known', () => expect(VIEWS.length).toBeGreaterThan(3))

// In what ways an answer fails; each question of a view gets another one.
const FAILURES: readonly ((route: Route) => Promise<void>)[] = [
  (route) =>
    route.fulfill({
      status: 500,
      contentType: 'application/problem+json',
      body: '{"type":"urn:kaskad:problem:internal","title":"Internal","status":500,"detail":"an internal error"}',
    }),
  (route) => route.fulfill({ status: 200, contentType: 'application/json', body: '{"rows":[{"chan' }),
  (route) => route.fulfill({ status: 503, contentType: 'text/plain', body: 'no upstream' }),
  (route) => route.abort('connectionreset'),
]

// In make test every other view meets an API that fails, in two of the ways or the other two, and those between one
// that is slow; in make test-long, and in CI, each meets all.
const every = process.env['TEST_LONG'] !== undefined
const placeOf = (path: string): number => PATHS.indexOf(path)
const FAILING = PATHS.filter((path) => every || placeOf(path) % 2 === 0)
const SLOW = PATHS.filter((path) => every || placeOf(path) % 2 === 1)
const shiftsOf = (path: string): readonly number[] => every ? [0, 2] : [placeOf(path) % 4]

test.concurrent.for(FAILING)('%s with an API that fails', async (path, { expect, onTestFinished }) => {
  const own = await ofFrame(onTestFinished)
  for (const shift of shiftsOf(path)) {
    let failing = true
    const { page, asked } = await troubled(addressOf(path), (route, at) =>
      failing ? (FAILURES[(at + shift) % FAILURES.length]?.(route) ?? route.abort()) : route.continue(),
      onTestFinished
    )
    await settled(page)
    if (!asked.some((one) => !own.has(one))) return
    const alerts = page.locator('main [role="alert"]')
    await alerts.first().waitFor()
    expect(await page.locator('main').innerText()).not.toMatch(/undefined|NaN|\[object/)
    // Each can be asked for again where it failed, and comes then.
    failing = false
    for (let tries = 0; tries < 20 && (await alerts.count()) > 0; tries++) {
      // Its card may be drawn anew at this moment, and then there is nothing left to click.
      await alerts
        .first()
        .getByRole('button', { name: 'Try again' })
        .click({ timeout: 2000 })
        .catch(() => undefined)
      await settled(page)
    }
    expect(await alerts.allInnerTexts()).toEqual([])
  }
})

// Each question is refused after two seconds, and answered when it is asked again.
test.concurrent.for(SLOW)('%s with an API that is slow and busy', async (path, { expect, onTestFinished }) => {
  const own = await ofFrame(onTestFinished)
  const refused = new Map<string, number>()
  const early: string[] = []
  const { page, asked } = await troubled(addressOf(path), async (route) => {
    const { search } = new URL(route.request().url())
    const question = `${route.request().method()} ${pathOf(route)}${search} ${route.request().postData() ?? ''}`
    const at = refused.get(question)
    if (route.request().method() !== 'GET') return route.continue()
    if (at === undefined) {
      refused.set(question, Infinity)
      const status = refused.size % 2 ? 429 : 503
      await new Promise((resolve) => setTimeout(resolve, SLOW_MS))
      refused.set(question, Date.now())
      return route.fulfill({
        status,
        headers: { 'Retry-After': '1' },
        contentType: 'application/problem+json',
        body: '{"type":"urn:kaskad:problem:busy","title":"Busy","status":429,"detail":"come again"}',
      })
    }
    if (Date.now() - at < 900) early.push(question)
    return route.continue()
  }, onTestFinished)
  if (asked.some((one) => !own.has(one))) {
    // What is on its way is shown as such, and the page can be used meanwhile.
    await page.locator('main .waiting, main [aria-busy="true"]').first().waitFor({ state: 'attached' })
    await page.getByRole('button', { name: /^Period/ }).click()
    await page.getByRole('dialog', { name: 'Period' }).waitFor()
    await page.keyboard.press('Escape')
  }
  await settled(page)
  expect(await page.locator('main [role="alert"]').allInnerTexts()).toEqual([])
  expect(early).toEqual([])
})
