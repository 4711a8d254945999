// How views are drawn: what one is about comes first and alone, and what comes later moves nothing.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { VIEWS } from '../src/view'
import { openPage, settled } from './open'

const DAY = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'
// By then what was drawn before an answer has been on the screen.
const DELAY_MS = 120
// As much of the screen may move. What counts is how much moves, times how far, of the window's height.
const MOST_SHIFT = 0.05

/** What each view asks before its first card is drawn; all else comes after it. */
const FIRST: Readonly<Record<string, readonly string[]>> = {
  '/': ['overview', 'status', 'alerts/events'],
  '/channels': ['reports/channels'],
  '/savings': ['reports/savings', 'forecasts/break-even', 'forecasts/savings'],
  '/reach': ['reports/penetration', 'audience/subscribed'],
  '/numbers': ['numbers/counts'],
  '/campaigns': ['reports/groups'],
}

/** Seen is what a view moved and asked for; the page notes it itself, for a message to the test may come late. */
interface Seen {
  shifts: { value: number; moved: string }[]
  early: string[]
}

declare global {
  interface Window { seen: Seen }
}

/** turnTo opens a view as the browser's own buttons do: after a click the browser counts no shifts. */
async function turnTo(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => {
    window.seen = { shifts: [], early: [] }
    window.history.pushState(null, '', to)
    window.dispatchEvent(new PopStateEvent('popstate'))
  }, path)
}

/** notes makes the page note what moves, and what it asks for while no card is drawn. */
function notes(): void {
  window.seen = { shifts: [], early: [] }
  new PerformanceObserver((list) => {
    for (const one of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean
      sources: { node: Node | null; previousRect: DOMRect; currentRect: DOMRect }[] })[]) {
      const of = one.sources.map(({ node, previousRect, currentRect }) =>
        `${node instanceof Element ? node.closest('[id]')?.id : ''} ${Math.round(currentRect.y - previousRect.y)}`)
      if (!one.hadRecentInput) window.seen.shifts.push({ value: one.value, moved: of.join(' ') })
    }
  }).observe({ type: 'layout-shift' })
  const { fetch } = window
  window.fetch = (input, init) => {
    const { pathname, searchParams } = new URL(input instanceof Request ? input.url : input, location.href)
    // The frame asks how fresh the figures are, again and again, and which accounts there are.
    const ofFrame = searchParams.get('limit') === '1' || searchParams.get('group_by') === 'account'
    const drawn = document.querySelector('main .card .content') !== null
    if (!ofFrame && !drawn) window.seen.early.push(pathname.replace('/v1/', ''))
    return fetch(input, init)
  }
}

test('a view draws its first card before it asks for the rest, and nothing moves when that comes', async () => {
  const { page } = await openPage('en', 'all')
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.addInitScript(notes)
  const faults: string[] = []
  await page.route('**/v1/**', async (route) => {
    await new Promise((resolve) => setTimeout(resolve, DELAY_MS))
    await route.continue()
  })
  await page.goto('/nowhere')
  await settled(page)
  for (const { path } of VIEWS) {
    await turnTo(page, `${path}?${DAY}`)
    await page.locator('main .card').first().waitFor()
    await settled(page)
    const { shifts, early } = await page.evaluate(() => window.seen)
    const sum = shifts.reduce((all, one) => all + one.value, 0)
    const moved = shifts.map((one) => one.moved).join(', ')
    if (sum >= MOST_SHIFT) faults.push(`${path} moves by ${sum.toFixed(3)}: ${moved}`)
    const soon = [...new Set(early)].toSorted().join(' ')
    if (FIRST[path] && soon !== FIRST[path].toSorted().join(' ')) faults.push(`${path} asks at first: ${soon}`)
  }
  expect(faults).toEqual([])
})
