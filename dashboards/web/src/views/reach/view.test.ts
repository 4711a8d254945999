import { expect, test } from 'vitest'
import { ask, openPage, settled, textOf, goTo } from '../../../tests/open'
import { grouped, percent, testView } from '../../../tests/view'
import type { Report } from '../../api/types'
import type { BestCount, OverlapRow, PenetrationRow } from './types'

const PERIOD = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'

testView(`/reach?${PERIOD}`, async ({ page, language, shows }) => {
  const { rows } = await ask<Report<PenetrationRow>>(`/v1/reports/penetration?${PERIOD}`)
  expect(rows.length).toBeGreaterThan(5)
  for (const row of rows) {
    const sign = row.tested < row.audience ? '≥ ' : ''
    await shows(`#penetration tr.c-${row.channel}`, sign + percent(row.penetration, language),
      grouped(row.reached, language),
      grouped(row.audience, language))
  }
  const largest = rows.toSorted((a, b) => b.reached - a.reached).slice(0, 3).map((row) => row.channel)
  const sets = await ask<Report<OverlapRow>>(`/v1/reports/overlap?${PERIOD}&channel=${largest.join('&channel=')}`)
  expect(await page.locator('#overlap tbody tr').count()).toBe(sets.rows.length)
  for (const [i, set] of sets.rows.entries()) {
    await shows(`#overlap tbody tr:nth-child(${i + 1})`, grouped(set.people, language), percent(set.share, language))
    expect(await page.locator(`#overlap tbody tr:nth-child(${i + 1}) .in`).count()).toBe(set.channels
      ? set.channels.split(',').length : 0)
  }
  const all = await ask<Report<OverlapRow>>(`/v1/reports/overlap?${PERIOD}`)
  const next = page.locator('#audience .scroll > .button')
  for (let drawn = 50; drawn < all.rows.length; drawn += 50) {
    expect(await page.locator('#audience tbody tr').count()).toBe(drawn)
    await next.click()
  }
  expect(await page.locator('#audience tbody tr').count()).toBe(all.rows.length)
  await shows('#audience', ...all.rows.flatMap((set) => [grouped(set.people, language), percent(set.share, language)]))
  const best = await ask<Report<BestCount>>(`/v1/numbers/best-channel/counts?${PERIOD}`)
  expect(best.rows.length).toBeGreaterThan(3)
  for (const row of best.rows) await shows(`#best tr.c-${row.channel}`, grouped(row.people, language))
})

test('a marketer sees figures of people, and no people', async () => {
  const { page, complaints } = await openPage('en', 'marketer')
  await page.goto(`/reach?${PERIOD}`)
  await settled(page)
  expect(await page.locator('#penetration tr[class^="c-"]').count()).toBeGreaterThan(5)
  expect(await page.locator('#best, #subscribers').count()).toBe(0)
  expect(complaints).toEqual([])
})

test('a CRM manager sees the people, and takes them along', async () => {
  const { page, complaints } = await openPage('en', 'crm')
  await page.goto(`/reach?${PERIOD}`)
  await settled(page)
  expect(await page.locator('#penetration').count()).toBe(0)
  const { rows } = await ask<Report<BestCount>>(`/v1/numbers/best-channel/counts?${PERIOD}`, 'crm')
  await page.locator('#best').getByRole('button', { name: 'Actions' }).click()
  const [file] = await Promise.all([page.waitForEvent('download'),
    page.getByRole('menuitem', { name: 'Download CSV' }).click()])
  const lines = (await textOf(file)).trim().split('\r\n')
  expect(lines.length - 1).toBe(rows.reduce((sum, row) => sum + row.people, 0))
  expect(complaints).toEqual([])
})

test('a filter by channel leaves the overlap of the others alone, and an account without data is told so', async () => {
  const { page } = await openPage('en', 'all')
  await page.goto(`/reach?${PERIOD}&channel=viber`)
  await settled(page)
  expect(await page.locator('#penetration tr[class^="c-"]').count()).toBe(1)
  expect(await page.locator('#overlap thead th').count()).toBe(4)
  await goTo(page, `/reach?${PERIOD}&account=nobody`)
  await page.locator('#nothing').getByText('No messages in this period').waitFor()
  expect(await page.locator('main .card').evaluateAll((all) => all.map((one) => one.id))).toEqual(['nothing', 'subscribers'])
})
