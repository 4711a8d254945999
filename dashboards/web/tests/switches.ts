// How long a person waits for a view on the demo's data, on a machine that does nothing else: `npm run speed`.
import type { CDPSession, Page } from 'playwright-core'
import { test } from 'vitest'
import { VIEWS } from '../src/view'
import { openPage, settled } from './open'

const PERIOD = 'from=2026-11-05&to=2026-11-19&tz=Europe/Moscow'
const ROUNDS = 5

/** drawn waits, frame by frame, until the first card of a view has its figures, and says when that was. */
function drawn(page: Page, path: string): Promise<number> {
  return page.waitForFunction((wanted) => {
    const card = document.querySelector('main .card')
    const there = location.pathname === wanted && card && card.getAttribute('aria-busy') !== 'true'
      && !card.querySelector('.waiting, [aria-busy="true"]')
    return there ? performance.now() : 0
  }, path, { polling: 'raf' }).then((handle) => handle.jsonValue())
}

/** busy is for how many milliseconds the page has kept its main thread. */
async function busy(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics')
  return 1000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0)
}

/** middle is the median, of figures that are given in any order. */
function middle(of: readonly number[]): number {
  return Math.round(of.toSorted((a, b) => a - b)[Math.floor(of.length / 2)] ?? 0)
}

interface Waits {
  readonly first: number[]
  readonly again: number[]
  readonly cpu: number[]
}

test('how long views take', async () => {
  const { page } = await openPage('en', 'all')
  await page.setViewportSize({ width: 1440, height: 900 })
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const begins: number[] = []
  const waits = new Map<string, Waits>()
  const turn = async (path: string): Promise<number> => {
    const began = await page.evaluate((to) => {
      const links = [...document.querySelectorAll<HTMLAnchorElement>('.rail a')]
      const now = performance.now()
      links.find((one) => one.pathname === to)?.click()
      return now
    }, path)
    return await drawn(page, path) - began
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const { path } of VIEWS.filter((one) => one.order !== undefined)) {
      const from = path === '/' ? '/definitions' : '/'
      // By the clock of the test, for that of the page does not begin anew with it.
      const began = performance.now()
      await page.goto(`${from}?${PERIOD}`, { waitUntil: 'commit' })
      await drawn(page, from)
      if (from === '/') begins.push(performance.now() - began)
      await settled(page)
      const of = waits.get(path) ?? { first: [], again: [], cpu: [] }
      const before = await busy(session)
      of.first.push(await turn(path))
      await settled(page)
      of.cpu.push(await busy(session) - before)
      await turn(from)
      await settled(page)
      of.again.push(await turn(path))
      waits.set(path, of)
    }
  }
  const lines = [...waits].map(([path, { first, again, cpu }]) =>
    `${path.padEnd(14)}${[first, again, cpu].map((one) => String(middle(one)).padStart(12)).join('')}`)
  console.log([`first view: ${middle(begins)} ms (median of ${begins.length})`,
    `ms, medians of ${ROUNDS}: click to first card, the same again, main thread in all until it is quiet`,
    ...lines].join('\n'))
})
