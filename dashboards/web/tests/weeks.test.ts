// What two weeks show where a day shows nothing: a comparison, weeks, dead numbers, alerts, mailings, two prices.
import type { Page } from 'playwright-core'
import { beforeAll, expect, inject, test } from 'vitest'
import type { Alert } from '../src/views/settings/alerts'
import type { ChangeRow, CountRow, List, Verdict } from '../src/views/numbers/types'
import type { ChannelRow, Overview, Report } from '../src/api/types'
import { faultsOfLooks } from './looks'
import { ask, openPage, settled, useService } from './open'
import { startDemo } from './server'
import { grouped, percent } from './view'

const ZONE = 'tz=Europe/Moscow'
const FIRST = `from=2026-11-05&to=2026-11-12&${ZONE}`
const LAST = `from=2026-11-12&to=2026-11-19&${ZONE}`
const BOTH = `from=2026-11-05&to=2026-11-19&${ZONE}`

// A part of the demo will do, as long as a provider has messages enough for an alert. It is played while other files are
// tested.
beforeAll(async () => {
  const { end, ...demo } = await startDemo(['--messages', '30000'])
  useService({ ...inject('service'), ...demo })
  return async () => {
    useService(undefined)
    await end()
  }
})

async function open(path: string): Promise<{ page: Page; text: (card: string) => Promise<string> }> {
  const { page } = await openPage('en', 'all')
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(path)
  await settled(page)
  return { page, text: async (card) => (await page.locator(card).first().innerText()).replace(/\s+/gu, ' ') }
}

test('a week is compared with the one before, and weeks are drawn', async () => {
  const [now, was] = await Promise.all([LAST, FIRST].map((period) => ask<Overview>(`/v1/overview?${period}`)))
  const { page, text } = await open(`/?${LAST}&compare=1`)
  expect(was?.messages ?? 0).toBeGreaterThan(1000)
  expect(await text('#arrive')).toContain(grouped(now?.messages ?? 0, 'en'))
  expect(await text('#arrive')).toContain(`${grouped(was?.messages ?? 0, 'en')} before`)
  const { rows } = await ask<Report<ChannelRow>>(`/v1/reports/channels?group_by=week&${BOTH}`)
  expect(rows.length).toBeGreaterThan(2)
  const bars = await page.locator('#changes figure').first().locator('.weeks-bar').count()
  expect(bars).toBe(rows.length)
  expect(await faultsOfLooks(page)).toEqual([])
})

test('the days of the demo are those of Moscow', async () => {
  const { rows } = await ask<Report<ChannelRow & { readonly day: string }>>(
    `/v1/reports/channels?group_by=day&from=2026-11-01&to=2026-11-21&${ZONE}`
  )
  expect(rows.map((row) => row.day)).toEqual(Array.from({ length: 14 }, (_, i) => `2026-11-${String(5 + i).padStart(2, '0')}`))
})

test('what the page opens with is the whole demo', async () => {
  const { text } = await open('/')
  const all = await ask<Overview>(`/v1/overview?${BOTH.replace('2026-11-19', '2026-11-21')}`)
  expect(await text('#arrive')).toContain(grouped(all.messages ?? 0, 'en'))
})

test('numbers are dead, suspect and revived', async () => {
  const { page, text } = await open(`/numbers?${LAST}`)
  const counts = (await ask<List<CountRow>>('/v1/numbers/counts')).rows.filter((row) => row.kind === 'phone')
  const sum = (state: string): number => counts.filter((row) => row.state === state)
    .reduce((all, row) => all + row.numbers, 0)
  for (const state of ['dead', 'suspect', 'revived']) {
    expect(sum(state), state).toBeGreaterThan(0)
    expect(await text('#dead')).toContain(grouped(sum(state), 'en'))
  }
  const dead = await ask<List<Verdict>>('/v1/numbers/dead?limit=50')
  expect(await page.locator('#list tbody tr').count()).toBe(dead.rows.length)
  const changes = await ask<List<ChangeRow>>('/v1/numbers/changes?order=newest&limit=20')
  expect(await page.locator('#changes tbody tr').count()).toBe(changes.rows.length)
  expect(changes.rows.length).toBe(20)
})

test('alerts tell of the bad hours of a provider', async () => {
  const { page } = await open('/settings?tab=alerts&account=nordbank')
  const { rows } = await ask<List<Alert>>('/v1/alerts/events?account=nordbank&metric=delivery')
  const [first] = rows.filter((row) => row.channel === 'sms')
  expect(first?.since).toMatch(/^2026-11-17T/)
  const shown = await page.locator('#events tbody').innerText()
  expect(shown).toContain(percent(first?.before ?? null, 'en'))
  expect(shown).toContain('as usual again')
})

test('mailings are of their days', async () => {
  const { page } = await open(`/campaigns?${BOTH}`)
  for (const name of ['black-friday', 'new-arrivals']) {
    expect(await page.locator('tbody', { hasText: name }).count(), name).toBe(1)
  }
})

test('money is by two price lists', async () => {
  const { page } = await open(`/settings?tab=tariffs&account=lavka`)
  const { tariffs } = await ask<{ tariffs: { channel: string; price: string }[] }>('/v1/tariffs?account=lavka')
  const prices = tariffs.filter((row) => row.channel === 'sms').map((row) => row.price)
  expect(prices).toEqual(['2.00', '2.30'])
  const shown = await page.locator('main input').evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value))
  expect(shown).toEqual(expect.arrayContaining(['2.00', '2.30', '2026-11-12']))
})
