import { expect, test } from 'vitest'
import { ask, openPage, settled } from '../../../tests/open'
import { grouped, percent, testView } from '../../../tests/view'
import type { ChannelRow, CompareRow, LatencyRow, Report } from '../../api/types'

const PERIOD = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'
const SIGNS = { lower: '≥ ', upper: '≤ ', mixed: '≈ ', exact: '' }

testView(`/channels?${PERIOD}`, async ({ page, language, shows }) => {
  const { rows } = await ask<Report<ChannelRow & { channel: string }>>(`/v1/reports/channels?${PERIOD}`)
  expect(rows.length).toBeGreaterThan(10)
  const reading = rows.filter((row) => row.open_rate !== null)
  for (const row of reading) {
    const sign = row.open_rate_bound ? SIGNS[row.open_rate_bound] : ''
    await shows(`#which tr.c-${row.channel}`, sign + percent(row.open_rate, language), grouped(row.open_den, language))
  }
  for (const row of rows) {
    await shows(`#what li.c-${row.channel}`, grouped(row.sent, language))
    if (row.failed > 0) await shows(`#what li.c-${row.channel}`, grouped(row.failed, language))
  }
  // The first row is the channel that is read most.
  const best = reading.toSorted((a, b) => (b.open_rate ?? 0) - (a.open_rate ?? 0))[0]
  expect(await page.locator('#which tbody tr[class^="c-"]').first().getAttribute('class')).toBe(`c-${best?.channel}`)
  // The two that are read most are compared, of all messages and of people.
  const [a, b] = reading.toSorted((x, y) => y.open_den - x.open_den).map((row) => row.channel)
  const compared = await ask<Report<CompareRow>>(
    `/v1/reports/compare?${PERIOD}&by=channel&values=${a},${b}&metric=open`)
  expect(compared.rows.map((row) => row.among)).toEqual(['all', 'both'])
  for (const row of compared.rows) {
    await shows('#versus', percent(row.a_rate, language), percent(row.b_rate, language),
      grouped(row.a_den, language), grouped(row.b_den, language))
    if (row.people !== null) await shows('#versus', grouped(row.people, language))
    if (row.difference !== null) {
      await shows('#versus', percent(Math.abs(row.difference), language).replace(/[\s %]+$/u, ''))
    }
  }
  expect(await page.locator('#fast canvas').count()).toBe(1)
})

test('a channel leads on: its dot, and what it is compared with', async () => {
  const { page, complaints } = await openPage('en', 'all')
  await page.goto(`/channels?${PERIOD}`)
  await settled(page)
  await page.locator('#versus').getByRole('combobox', { name: /^Second/ }).click()
  await page.getByRole('option', { name: 'SMS', exact: true }).click()
  await page.waitForFunction(() => new URL(location.href).searchParams.get('b') === 'sms')
  await settled(page)
  const verdict = page.locator('#versus .sentence').first()
  expect(await verdict.innerText()).toContain('Not distinguishable: too few messages')
  await page.locator('#versus').getByRole('combobox', { name: /^Compare/ }).click()
  await page.getByRole('option', { name: 'Delivery rate', exact: true }).click()
  await page.waitForFunction(() => new URL(location.href).searchParams.get('metric') === 'delivery')
  await settled(page)
  const { rows } = await ask<Report<CompareRow>>(`/v1/reports/compare?${PERIOD}&by=channel&values=${
    new URL(page.url()).searchParams.get('a')},sms&metric=delivery`)
  expect(await page.locator('#versus .pair-of .rate strong').allInnerTexts()).toEqual(rows.flatMap((row) =>
    [percent(row.a_rate, 'en'), percent(row.b_rate, 'en')]))
  await page.locator('#which tr.c-viber .plot a').click()
  await page.waitForFunction(() => new URL(location.href).searchParams.get('channel') === 'viber')
  expect(await page.locator('.chip').innerText()).toContain('Viber')
  expect(complaints).toEqual([])
})

test('the curves are the cells of the latency report', async () => {
  const { page } = await openPage('en', 'all')
  const asked = page.waitForRequest('**/v1/reports/latency?**')
  await page.goto(`/channels?${PERIOD}`)
  const path = new URL((await asked).url())
  expect(path.searchParams.getAll('le')).toEqual(expect.arrayContaining(['1', '60', '3600', '86400', '2592000']))
  const { rows } = await ask<Report<LatencyRow>>(path.pathname + path.search)
  await settled(page)
  expect(await page.locator('#fast .legend .mark').count()).toBe(new Set(rows.map((row) => row.channel)).size)
  await page.locator('#fast').getByRole('button', { name: 'Actions' }).click()
  await page.getByRole('menuitem', { name: 'Table' }).click()
  expect(await page.locator('#fast tbody tr').count()).toBe(new Set(rows.map((row) => row.channel)).size)
})
