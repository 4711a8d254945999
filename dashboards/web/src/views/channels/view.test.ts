import { expect } from 'vitest'
import { ask } from '../../../tests/open'
import { grouped, percent, testView } from '../../../tests/view'
import type { ChannelRow, Report } from '../../api/types'

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
})
