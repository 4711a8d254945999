// How long a person waits on demo data. It is printed rather than asserted: the machine decides most of it.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { VIEWS } from '../src/view'
import { openPage } from './open'

const DAY = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'

/** whole waits, frame by frame, until all of a view is drawn. */
async function whole(page: Page): Promise<void> {
  await page.waitForFunction(
    () =>
      document.querySelector('main h1') !== null &&
      document.querySelector('main section, main .state, main .cards') !== null &&
      !document.querySelector('main [aria-busy="true"], main .waiting'),
    undefined,
    { polling: 'raf' }
  )
}

test('how fast views are there', async () => {
  const lines: string[] = []
  const { page } = await openPage('en', 'all')
  const began = performance.now()
  await page.goto(`/?${DAY}`, { waitUntil: 'commit' })
  await whole(page)
  lines.push(`first view: ${Math.round(performance.now() - began)} ms`)
  const links = VIEWS.filter((one) => one.order !== undefined && one.path !== '/').map((one) => one.path)
  const rounds = process.env['TEST_LONG'] === undefined ? [false] : [false, true]
  for (const again of rounds) {
    for (const path of links) {
      const start = performance.now()
      await page.locator(`.rail a[href^="${path}"]`).click()
      await page.waitForURL((url) => url.pathname === path, { waitUntil: 'commit' })
      await whole(page)
      lines.push(`${path}${again ? ', again' : ''}: ${Math.round(performance.now() - start)} ms`)
    }
  }
  console.log(lines.join('\n'))
  expect(lines.length).toBe(1 + rounds.length * links.length)
})
