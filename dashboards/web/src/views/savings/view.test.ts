import { expect, test } from 'vitest'
import { ask, openPage, settled } from '../../../tests/open'
import { grouped, money, percent, testView } from '../../../tests/view'
import type { Report, SavingsRow } from '../../api/types'
import type { SpendRow } from './invoice'

const PERIOD = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'

testView(`/savings?${PERIOD}`, async ({ page, language, shows }) => {
  const { rows } = await ask<Report<SavingsRow>>(`/v1/reports/savings?${PERIOD}`)
  const [row] = rows.filter((one) => one.saved !== null)
  if (!row) throw new Error('the demo has no savings')
  await shows('#what-saved', ...[row.sms_only_cost, row.actual_cost, row.saved_reached, row.saved_unreached, row.double_paid]
    .map((amount) => money(amount, language)))
  for (const one of row.by_channel.filter((cost) => Number(cost.cost) > 0)) {
    await shows(`#what-saved tr.c-${one.channel}`, money(one.cost, language))
  }
  await shows('#unpriced', ...row.unpriced_reasons.map((one) => grouped(one.messages, language)))
  const campaigns = await ask<Report<SavingsRow>>(`/v1/reports/savings?${PERIOD}&group_by=campaign`)
  expect(campaigns.rows.length).toBeGreaterThan(2)
  await shows('#where', ...campaigns.rows.flatMap((one) =>
    [grouped(one.messages, language), percent(one.saved_rate, language), money(one.saved_reached, language)]))
  const spend = await ask<Report<SpendRow>>(`/v1/reports/spend?${PERIOD}&group_by=provider,channel`)
  await shows('#invoice', ...spend.rows.flatMap((one) =>
    [one.provider, money(one.cost, language), money(one.reported_attempts > 0 ? one.drift : null, language)]))
  expect(await page.locator('#invoice tbody tr').count()).toBe(spend.rows.length)
})

test('of more mailings than are shown the greatest saving comes first, and a heading sorts all of them', async () => {
  const { page } = await openPage('en', 'all')
  const asked: string[] = []
  await page.route('**/v1/reports/savings?**group_by=campaign**', async (route) => {
    asked.push(route.request().url())
    const answer = await route.fetch()
    return route.fulfill({ json: { ...((await answer.json()) as object), next_cursor: 'more' } })
  })
  await page.goto(`/savings?${PERIOD}`)
  await settled(page)
  const rows = await page.locator('#where tbody tr').count()
  expect(await page.locator('#where .sentence').innerText()).toContain(`the first ${rows} of all in this order`)
  expect(await page.locator('#where th[aria-sort=descending]').innerText()).toContain('↓')
  await page.locator('#where').getByRole('button', { name: 'Messages', exact: true }).click()
  await settled(page)
  expect(new URL(page.url()).searchParams.get('sort')).toBe('-messages')
  const queries = asked.map((one) => new URL(one).searchParams)
  expect(queries.map((q) => [q.get('limit'), q.get('sort')])).toEqual([['200', '-saved_reached'], ['200', '-messages']])
})

test('the what-if is the API\'s while a slider is dragged', async () => {
  const { page, complaints } = await openPage('en', 'all')
  await page.goto(`/savings?${PERIOD}`)
  await settled(page)
  for (const [key, presses] of [['ArrowRight', 7], ['ArrowLeft', 3]] as const) {
    for (let i = 0; i < presses; i++) await page.locator('#what-if input[type=range]').nth(2).press(key)
    await settled(page)
    const q = new URL(page.url()).searchParams
    const body = { messages: 100_000, penetration: '0.5', delivery_rate: '0.8', sms_segments: q.get('seg'), sms_price: '2', channel_price: '0.5',
      billing: 'per_message_delivered' }
    const want = await ask<{ saved: string; cascade_cost: string }>('/v1/forecasts/savings', 'all', body)
    const there = await page.locator('#what-if').innerText()
    expect(there).toContain(money(want.saved, 'en', ''))
    expect(there).toContain(money(want.cascade_cost, 'en', ''))
  }
  expect(complaints).toEqual([])
})

const NAMES = [`${'Осенняя распродажа для постоянных покупателей '.repeat(3)}`, 'x'.repeat(120), '🎁'.repeat(60),
  '<img src=x onerror=alert(1)>'.repeat(4), 'حملة الخريف الكبيرة للعملاء الدائمين '.repeat(3)]

test('names of any length leave figures in sight', async () => {
  const { page } = await openPage('en', 'all')
  await page.route(/\/v1\/reports\/(savings|groups)\?.*sort=/, async (route) => {
    const answer = (await (await route.fetch()).json()) as { rows: { campaign: string }[] }
    answer.rows.forEach((row, i) => {
      row.campaign = `${NAMES[i % NAMES.length]}${i}`
    })
    return route.fulfill({ json: answer })
  })
  for (const [path, card, fits] of [['/savings', '#where', 3], ['/campaigns', '#mailings', 7]] as const) {
    await page.goto(`${path}?${PERIOD}`)
    await settled(page)
    for (const width of [768, 375]) {
      await page.setViewportSize({ width, height: 900 })
      const seen = await page.locator(`${card} .scroll`).evaluate((box) => {
        const inside = (cell: Element): boolean => {
          const [of, at] = [box.getBoundingClientRect(), cell.getBoundingClientRect()]
          return at.left >= of.left - 1 && at.right <= of.right + 1
        }
        const cells = [...box.querySelectorAll('tbody tr:first-child > *')]
        const first = cells.filter(inside).length
        box.scrollLeft = box.scrollWidth
        const ends = [cells[0], cells.at(-1)].map((cell) => cell !== undefined && inside(cell))
        box.scrollLeft = 0
        return { first, ends }
      })
      expect(seen.ends, `${path} at ${width} px: the name and the last figure`).toEqual([true, true])
      expect(seen.first, `${path} at ${width} px`).toBeGreaterThanOrEqual(width === 768 ? fits : 3)
    }
  }
  await page.locator('#mailings td.text').first().hover()
  expect(await page.locator('#mailings td.text').first().getAttribute('title')).toContain('Осенняя')
})
