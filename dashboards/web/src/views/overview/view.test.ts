import { expect, test } from 'vitest'
import { ask, openPage, settled } from '../../../tests/open'
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
    grouped(letters.reduce((sum, one) => sum + one.letters, 0), language),
    `(${grouped(Math.max(...letters.map((one) => one.letters)), language)})`,
    grouped(codes.attempts, language))
  await shows('#whom', ...[dead.phone, dead.email, optOuts.unsubscribed, optOuts.blocked, optOuts.complained]
    .map((count) => grouped(count, language)))
  await shows('#changes', grouped(channels.sent, language), percent(channels.delivery_rate, language),
    percent(channels.click_rate, language), percent(channels.reply_rate, language))
  expect(await page.locator('#trend canvas').count()).toBe(1)
})

test('what is not final says until when, and a day leads to it', async () => {
  const { page, complaints } = await openPage('en', 'all')
  const days = 'from=2026-11-16&to=2026-11-21&tz=Europe/Moscow'
  const { rows } = await ask<Report<ChannelRow>>(`/v1/reports/channels?group_by=day&${days}`)
  await page.goto(`/?${days}&channel=whatsapp`)
  await settled(page)
  // A WhatsApp message settles after 30 days, and the last one may have been sent now.
  expect(await page.locator('#trend footer').innerText()).toContain('not final until 20 Dec 2026')
  expect(await page.locator('#trend .legend').innerText()).toContain('not final yet')
  expect(await page.locator('#saved footer').innerText()).toContain('Not filtered by: Channel')
  const chart = page.locator('#trend .echart')
  const box = await chart.boundingBox()
  if (!box) throw new Error('there is no chart')
  await chart.click({ position: { x: 60 + (box.width - 70) / (2 * rows.length), y: box.height / 2 } })
  await page.waitForFunction(() => new URL(location.href).searchParams.get('to') === '2026-11-19')
  expect(new URL(page.url()).searchParams.get('from')).toBe(rows[0]?.day)
  // So does its row in the table.
  await page.goto(`/?${days}&table=trend`)
  await page.locator('#trend tbody a').first().click()
  await page.waitForFunction((day) => new URL(location.href).searchParams.get('from') === day, rows[0]?.day)
  expect(complaints).toEqual([])
})

test('a month of few days stands beside the one before', async () => {
  const { page } = await openPage('en', 'all')
  await page.clock.setFixedTime(new Date('2026-12-01T09:00:00Z'))
  await page.goto('/?tz=Europe/Moscow')
  await settled(page)
  const { money: november } = await ask<Overview>('/v1/overview?from=2026-11-01&to=2026-12-01&tz=Europe/Moscow')
  // It is asked for when the first card stands.
  await expect.poll(async () => (await page.locator('#saved').innerText()).replace(/\s+/gu, ' '))
    .toContain(`Last month ${money(november?.rows[0]?.saved_reached ?? null, 'en')}`)
  await page.clock.setFixedTime(new Date('2026-12-08T09:00:00Z'))
  await page.reload()
  await settled(page)
  expect(await page.locator('#saved').innerText()).not.toContain('Last month')
})

test('an account without messages is told what to do', async () => {
  const { page } = await openPage('en', 'all')
  await page.goto(`/?${PERIOD}&account=nobody`)
  await settled(page)
  const cards = page.locator('main .card')
  expect(await cards.evaluateAll((all) => all.map((one) => one.id))).toEqual(['nothing', 'attention', 'whom'])
  expect(await cards.first().innerText()).toContain('Choose a longer period')
})
