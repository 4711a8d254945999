import { expect } from 'vitest'
import { ask } from '../../../tests/open'
import { grouped, money, percent, testView } from '../../../tests/view'
import type { ChannelRow, Overview, Report, SavingsRow, Status } from '../../api/types'

const PERIOD = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'

testView(`/?${PERIOD}`, async ({ language, page, shows }) => {
  const first = await ask<Overview>(`/v1/overview?${PERIOD}`)
  const month = await ask<Overview>('/v1/overview?tz=Europe/Moscow')
  const channels = (await ask<Report<ChannelRow>>(`/v1/reports/channels?group_by=&${PERIOD}`)).rows[0]
  const savings = (await ask<Report<SavingsRow>>(`/v1/reports/savings?${PERIOD}`)).rows[0]
  const { balance } = await ask<Status>('/v1/status')
  const { dead_letters: letters, dead_numbers: dead, opt_outs: optOuts, unmapped_codes: codes } = first
  if (!channels || !savings || !letters || !dead || !optOuts || !codes) throw new Error('the demo has no figures')
  await shows('#arrive', percent(channels.open_rate, language), grouped(channels.open_den, language),
    percent(channels.delivery_rate, language), grouped(channels.delivery_den, language), grouped(channels.sent, language),
    grouped(first.messages ?? 0, language))
  expect(savings.currency).toBe('RUB')
  for (const amount of [savings.saved_reached, savings.sms_only_cost, savings.actual_cost, savings.saved_unreached,
    month.money?.rows[0]?.saved_reached ?? null]) await shows('#saved', money(amount, language))
  expect(letters.length).toBeGreaterThan(0)
  await shows('#attention', grouped(savings.unpriced, language), grouped(balance.parked, language),
    grouped(letters.reduce((sum, one) => sum + one.letters, 0), language), ...letters.map((one) => grouped(one.letters, language)),
    grouped(codes.attempts, language))
  await shows('#whom', ...[dead.phone, dead.email, optOuts.unsubscribed, optOuts.blocked, optOuts.complained]
    .map((count) => grouped(count, language)))
  await shows('#changes', grouped(channels.sent, language), percent(channels.delivery_rate, language),
    percent(channels.click_rate, language), percent(channels.reply_rate, language))
  expect(await page.locator('#trend canvas').count()).toBe(1)
})
