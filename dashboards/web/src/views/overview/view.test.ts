import { expect } from 'vitest'
import { ask } from '../../../tests/open'
import { grouped, money, percent, testView } from '../../../tests/view'
import type { ChannelRow, Report, SavingsRow, Status } from '../../api/types'

const PERIOD = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'

testView(`/?${PERIOD}`, async ({ language, page, shows }) => {
  const channels = (await ask<Report<ChannelRow>>(`/v1/reports/channels?group_by=&${PERIOD}`)).rows[0]
  const savings = (await ask<Report<SavingsRow>>(`/v1/reports/savings?${PERIOD}`)).rows[0]
  const { balance } = await ask<Status>('/v1/status')
  if (!channels || !savings) throw new Error('the demo has no figures')
  await shows('#arrive', percent(channels.open_rate, language), grouped(channels.open_den, language),
    percent(channels.delivery_rate, language), grouped(channels.delivery_den, language), grouped(channels.sent, language))
  expect(savings.currency).toBe('RUB')
  for (const amount of [savings.saved_reached, savings.sms_only_cost, savings.actual_cost, savings.saved_unreached]) {
    await shows('#saved', money(amount, language))
  }
  await shows('#attention', grouped(balance.rejected, language), grouped(savings.unpriced, language))
  expect(await page.locator('#trend canvas').count()).toBe(1)
})
