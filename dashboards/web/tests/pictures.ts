// The pictures of the README: what the page shows of the demo's two weeks.
import { fileURLToPath } from 'node:url'
import { test } from 'vitest'
import { openPage, settled } from './open'

const PERIOD = 'from=2026-11-05&to=2026-11-19&tz=Europe/Moscow'

test.for(['channels', 'savings'])('docs/page-%s.png', async (view) => {
  const { page } = await openPage('en', 'all')
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.goto(`/${view}?${PERIOD}`)
  await settled(page)
  await page.screenshot({ path: fileURLToPath(new URL(`../../../docs/page-${view}.png`, import.meta.url)) })
})
