// Every view of the registry with an API that is slow, and with one that fails in each way that it can.
import type { Page, Route } from 'playwright-core'
import { expect, test } from 'vitest'
import { VIEWS } from '../src/view'
import { openPage, settled } from './open'

const DAY = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'
const API = '**/v1/**'
const SLOW_MS = 2000

function addressOf(path: string): string {
  return `${path}?${DAY}`
}

/** pathOf names a question, whatever its parameters. */
function pathOf(route: Route): string {
  return new URL(route.request().url()).pathname
}

/** troubled opens a page whose questions go through answer, but for that who asks. */
async function troubled(path: string, answer: (route: Route) => Promise<void>): Promise<{ page: Page; complaints: string[]; asked: string[] }> {
  const { page, complaints } = await openPage('en', 'all')
  const asked: string[] = []
  await page.route(API, (route) => {
    if (pathOf(route) === '/v1/session') return route.continue()
    asked.push(route.request().url())
    return answer(route)
  })
  await page.goto(path)
  await page.locator('main h1').waitFor({ state: 'attached' })
  return { page, complaints, asked }
}

// The frame asks questions of its own; what is asked beside them is the view's.
const ofFrame = troubled(addressOf('/nowhere'), (route) => route.continue()).then(async ({ page, asked }) => {
  await settled(page)
  return new Set(asked)
})

test('views are known', () => expect(VIEWS.length).toBeGreaterThan(3))

test.for(VIEWS.map((one) => one.path))('%s with an API that takes two seconds', async (path) => {
  const { page, complaints, asked } = await troubled(addressOf(path), async (route) => {
    await new Promise((resolve) => setTimeout(resolve, SLOW_MS))
    await route.continue()
  })
  const own = await ofFrame
  if (asked.some((one) => !own.has(one))) {
    // What is on its way is shown as such, and the page can be used meanwhile.
    await page.locator('main .waiting, main [aria-busy="true"]').first().waitFor({ state: 'attached' })
    await page.getByRole('button', { name: /^Period/ }).click()
    await page.getByRole('dialog', { name: 'Period' }).waitFor()
    await page.keyboard.press('Escape')
  }
  await settled(page)
  expect(await page.locator('main [role="alert"]').allInnerTexts()).toEqual([])
  expect(complaints).toEqual([])
})

const FAILURES: Readonly<Record<string, (route: Route) => Promise<void>>> = {
  '500': (route) => route.fulfill({ status: 500, contentType: 'application/problem+json',
    body: '{"type":"urn:kaskad:problem:internal","title":"Internal","status":500,"detail":"an internal error"}' }),
  '503': (route) => route.fulfill({ status: 503, contentType: 'text/plain', body: 'no upstream' }),
  'an answer that breaks off': (route) => route.fulfill({ status: 200, contentType: 'application/json', body: '{"rows":[{"chan' }),
  'no connection': (route) => route.abort('connectionreset'),
}

test.for(VIEWS.map((one) => one.path))('%s with an API that fails', async (path) => {
  let fail: ((route: Route) => Promise<void>) | undefined
  const { page, asked } = await troubled(addressOf('/nowhere'), (route) => fail ? fail(route) : route.continue())
  for (const [name, way] of Object.entries(FAILURES)) {
    fail = way
    asked.length = 0
    await page.goto(addressOf(path))
    await settled(page)
    const own = await ofFrame
    if (!asked.some((one) => !own.has(one))) return
    const alerts = page.locator('main [role="alert"]')
    await alerts.first().waitFor()
    expect(await page.locator('main').innerText(), name).not.toMatch(/undefined|NaN|\[object/)
    fail = undefined
    // Each can be asked for again where it failed, and comes then.
    for (let tries = 0; tries < 20 && await alerts.count() > 0; tries++) {
      await alerts.first().getByRole('button', { name: 'Try again' }).click()
      await settled(page)
    }
    expect(await alerts.allInnerTexts(), name).toEqual([])
  }
})

test.for(VIEWS.map((one) => one.path))('%s with an API that is busy', async (path) => {
  const refused = new Map<string, number>()
  const early: string[] = []
  const { page } = await troubled(addressOf(path), (route) => {
    const { search } = new URL(route.request().url())
    const question = `${route.request().method()} ${pathOf(route)}${search} ${route.request().postData() ?? ''}`
    const at = refused.get(question)
    if (route.request().method() !== 'GET') return route.continue()
    if (at === undefined) {
      refused.set(question, Date.now())
      return route.fulfill({ status: refused.size % 2 ? 429 : 503, headers: { 'Retry-After': '1' }, contentType: 'application/problem+json',
        body: '{"type":"urn:kaskad:problem:busy","title":"Busy","status":429,"detail":"come again"}' })
    }
    if (Date.now() - at < 900) early.push(question)
    return route.continue()
  })
  await settled(page)
  await page.waitForFunction(() => !document.querySelector('[aria-busy="true"], .waiting'))
  expect(await page.locator('main [role="alert"]').allInnerTexts()).toEqual([])
  expect(early).toEqual([])
})
