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
  '/campaigns': ['reports/groups'],
}

/** turnTo opens a view as the browser's own buttons do: after a click the browser counts no shifts. */
async function turnTo(page: Page, path: string): Promise<void> {
  await page.evaluate((to) => {
    window.history.pushState(null, '', to)
    window.dispatchEvent(new PopStateEvent('popstate'))
  }, path)
}

test('a view draws its first card before it asks for the rest, and nothing moves when that comes', async () => {
  const { page } = await openPage('en', 'all')
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.addInitScript(() => {
    const all: { value: number; moved: string }[] = []
    Object.assign(window, { shifts: all })
    new PerformanceObserver((list) => {
      for (const one of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean
        sources: { node: Node | null; previousRect: DOMRect; currentRect: DOMRect }[] })[]) {
        const of = one.sources.map(({ node, previousRect, currentRect }) =>
          `${node instanceof Element ? node.closest('[id]')?.id : ''} ${Math.round(currentRect.y - previousRect.y)}`)
        if (!one.hadRecentInput) all.push({ value: one.value, moved: of.join(' ') })
      }
    }).observe({ type: 'layout-shift' })
  })
  const early: string[] = []
  const faults: string[] = []
  await page.route('**/v1/**', async (route) => {
    const { pathname, searchParams } = new URL(route.request().url())
    // The frame asks how fresh the figures are, again and again, and which accounts there are.
    const ofFrame = searchParams.get('limit') === '1' || searchParams.get('group_by') === 'account'
    if (!ofFrame && await page.locator('main .card .content').count() === 0) early.push(pathname.replace('/v1/', ''))
    await new Promise((resolve) => setTimeout(resolve, DELAY_MS))
    await route.continue()
  })
  await page.goto('/nowhere')
  await settled(page)
  for (const { path } of VIEWS) {
    early.length = 0
    await page.evaluate(() => ((window as unknown as { shifts: unknown[] }).shifts.length = 0))
    await turnTo(page, `${path}?${DAY}`)
    await page.locator('main .card').first().waitFor()
    await settled(page)
    const shifts = await page.evaluate(
      () => (window as unknown as { shifts: { value: number; moved: string }[] }).shifts
    )
    const sum = shifts.reduce((all, one) => all + one.value, 0)
    const moved = shifts.map((one) => one.moved).join(', ')
    if (sum >= MOST_SHIFT) faults.push(`${path} moves by ${sum.toFixed(3)}: ${moved}`)
    const soon = [...new Set(early)].toSorted().join(' ')
    if (FIRST[path] && soon !== FIRST[path].toSorted().join(' ')) faults.push(`${path} asks at first: ${soon}`)
  }
  expect(faults).toEqual([])
})
