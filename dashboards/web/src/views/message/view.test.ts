import { expect, test } from 'vitest'
import { ask, openPage, settled } from '../../../tests/open'
import { money, testView } from '../../../tests/view'
import type { Reason, Report } from '../../api/types'
import { words as en } from '../../i18n/en'
import { words as ru } from '../../i18n/ru'
import type { MessageRow } from '../campaigns/rows'
import type { Message } from './answer'

const PERIOD = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'

/** some finds a message of the demo: the one with the longest path that failed once and was read in the end. */
async function some(): Promise<MessageRow> {
  const { rows } = await ask<Report<MessageRow>>(`/v1/messages?${PERIOD}&account=lavka&status=read&limit=10000`)
  const [row] = rows.filter((one) => one.error_code !== '').toSorted((a, b) =>
    b.path.split('>').length - a.path.split('>').length)
  if (!row) throw new Error('no message of the demo failed and was read')
  return row
}

async function address(): Promise<string> {
  const row = await some()
  return `/message?${PERIOD}&account=lavka&id=${encodeURIComponent(row.message_id)}`
}

testView('/message', async ({ page, language, shows }) => {
  const row = await some()
  const message = await ask<Message>(`/v1/messages/${row.message_id}?account=lavka`)
  expect(message.steps.length).toBeGreaterThan(1)
  const words = language === 'ru' ? ru : en
  for (const [i, step] of message.steps.entries()) {
    const lane = (await page.locator('#happened .lane').nth(i).innerText()).replace(/\s+/gu, ' ')
    for (const one of message.timeline.filter((moment) => moment.step === step.step)) {
      expect(lane).toContain(words.message.statuses[one.status] ?? 'a status without a word')
    }
    if (step.failed) expect(lane).toContain(words.reasons[step.reason as Reason])
    if (step.error_code) expect(lane).toContain(step.error_code)
    if (step.attempted) expect(lane).toContain(money(step.cost, language).replace(/\s+/gu, ' '))
  }
  await shows('#details', message.message_id, 'lavka', ...message.steps.flatMap((step) =>
    [step.recipient, step.provider].filter(Boolean)))
  await page.locator('#happened').getByRole('button', { name: words.card.menu }).click()
  await page.getByRole('menuitem', { name: words.card.table }).click()
  expect(await page.locator('#happened tbody tr').count()).toBe(message.timeline.length)
}, 'all', address)

testView('/message', async ({ shows, language }) => {
  await shows('#find', (language === 'ru' ? ru : en).campaigns.find)
}, 'crm')

test('a marketer sees a message without money, and masked', async () => {
  const { page, complaints } = await openPage('en', 'marketer')
  await page.goto(await address())
  await settled(page)
  expect(await page.locator('#happened .lane').count()).toBeGreaterThan(1)
  expect(await page.locator('.lane-cost').count()).toBe(0)
  const there = await page.locator('main').innerText()
  expect(there).not.toMatch(/\+7\d{10}|₽/)
  expect(there).toContain('Recipients are masked')
  expect(complaints).toEqual([])
})

test('an id that is not there can be looked for again, by keys', async () => {
  const { page } = await openPage('en', 'marketer')
  const row = await some()
  await page.goto(`/message?${PERIOD}&id=nobody`)
  await page.locator('#missing').waitFor()
  await page.getByRole('searchbox', { name: 'Message id' }).fill(row.message_id)
  await page.keyboard.press('Enter')
  await page.locator('#happened .lane').first().waitFor()
  expect(new URL(page.url()).searchParams.get('id')).toBe(row.message_id)
})

test('what has no price says why, and what waits is told', async () => {
  const { page, complaints } = await openPage('en', 'all')
  const row = await some()
  const message = await ask<Message>(`/v1/messages/${row.message_id}?account=lavka`)
  const [step] = message.steps
  await page.route('**/v1/messages/odd**', (route) => route.fulfill({ json: { ...message,
    message_id: 'odd <b>\u202e', cohort: null,
    steps: [{ ...step, cost: null, units: null, tariff: null, currency: '', sent: true, unpriced_reason: 'no_tariff' }],
    parked: [{ step: 1, channel: 'sms', provider: 'mts', status: 'machine_open', occurred_at: message.as_of,
      parked_at: message.as_of }] } }))
  await page.goto(`/message?${PERIOD}&id=odd`)
  await settled(page)
  expect(await page.locator('#happened .lane-cost').innerText()).toContain('no tariff for the channel')
  expect(await page.locator('#waits').innerText()).toContain('opened by a program')
  expect(await page.locator('#details').innerText()).toContain('not known yet, so it is in no report')
  expect(await page.locator('#details code').innerText()).toContain('odd <b>')
  expect(complaints).toEqual([])
})
