import { expect, test } from 'vitest'
import { ask, openPage, settled } from '../../../tests/open'
import { grouped, testView } from '../../../tests/view'
import type { Report, SavingsRow, UnmappedRow } from '../../api/types'
import type { FullStatus, Letter, List, ReasonRow, Replayed } from './types'

const PERIOD = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'

testView(`/quality?${PERIOD}`, async ({ page, language, shows }) => {
  // The service goes on while somebody looks; what it says is asked for again every ten seconds.
  await expect
    .poll(
      async () => {
        const status = await ask<FullStatus>('/v1/status')
        const figures = [
          ...Object.values(status.balance),
          status.audit.hours,
          status.pending_buckets,
          status.shared_messages,
          status.split_messages,
        ]
        const there = (await page.locator('#fresh b, #fresh dd, #shared dd').allInnerTexts()).map((text) =>
          text.replace(/\s/gu, ' '),
        )
        return status.balance.consumed > 6000
          ? figures.filter((one) => !there.includes(grouped(one, language)))
          : figures
      },
      { timeout: 60_000, interval: 2000 },
    )
    .toEqual([])
  const { rows: reasons } = await ask<List<ReasonRow>>('/v1/rejected/reasons')
  expect(reasons.length).toBeGreaterThan(3)
  const counts = await page.locator('#letters .table tbody tr td:nth-child(3)').allInnerTexts()
  expect(counts).toEqual(reasons.map((row) => grouped(row.letters, language)))
  const { rows: letters } = await ask<List<Letter>>('/v1/rejected?replayed=no&limit=20')
  expect(await page.locator('#letters details').count()).toBe(letters.length)
  expect(
    await page
      .locator('#letters pre')
      .first()
      .evaluate((one) => one.textContent),
  ).toBe(letters[0]?.raw)
  const { rows: codes } = await ask<Report<UnmappedRow>>(`/v1/error-map/unmapped?${PERIOD}`)
  await shows('#codes', ...codes.flatMap((row) => [row.error_code, grouped(row.count, language)]))
  const { rows: savings } = await ask<Report<SavingsRow>>(`/v1/reports/savings?${PERIOD}`)
  for (const one of savings.flatMap((row) => row.unpriced_reasons))
    await shows('#unpriced', grouped(one.messages, language))
})

testView(
  `/quality?${PERIOD}`,
  async ({ page }) => {
    expect(await page.locator('#letters, #shared, .balance').count()).toBe(0)
    expect(await page.locator('#codes, #unpriced, #fresh').count()).toBe(3)
  },
  'analyst',
)

test('dead letters are chosen by reason, and replayed once it was said that they are', async () => {
  const { page } = await openPage('en', 'all')
  await page.goto(`/quality?${PERIOD}`)
  await settled(page)
  const { rows: reasons } = await ask<List<ReasonRow>>('/v1/rejected/reasons')
  const some = reasons.find((row) => row.reason === 'unknown_value' && row.field === 'channel')
  if (!some) throw new Error('the demo has no letters of an unknown channel')
  const row = page
    .locator('#letters .table tbody tr', { hasText: 'an unknown value' })
    .filter({ has: page.locator('code', { hasText: /^channel$/ }) })
  await row.getByRole('link').click()
  await page.waitForFunction(
    () =>
      document.querySelectorAll('#letters details').length > 0 &&
      [...document.querySelectorAll('#letters summary')].every((one) => one.textContent?.includes('channel')),
  )
  const { rows: letters } = await ask<List<Letter>>(
    '/v1/rejected?reason=unknown_value&field=channel&replayed=no&limit=20',
  )
  expect(await page.locator('#letters details').count()).toBe(letters.length)
  await page.locator('#letters summary').first().click()
  expect(await page.locator('#letters pre').first().innerText()).toBe(letters[0]?.raw)

  // The demo's letters stay wrong, whatever is done: the run says so.
  const dialog = page.getByRole('dialog')
  await row.getByRole('button').click()
  await dialog.getByText(`Send ${some.letters} event${some.letters === 1 ? '' : 's'} through again?`).waitFor()
  await dialog.getByRole('button', { name: 'Replay' }).click()
  await dialog.getByText('0 events were sent through again').waitFor()
  await dialog.getByText(`${some.letters} event${some.letters === 1 ? ' is' : 's are'} still wrong`).waitFor()
  await dialog.getByRole('button', { name: 'Close' }).click()

  // One that has become valid, on a run of two requests with an error between them.
  const bodies: unknown[] = []
  await page.route('**/v1/rejected/replay', async (route) => {
    const request = route.request()
    expect(request.headers()['x-csrf-token']).toBeTruthy()
    bodies.push(request.postDataJSON())
    if (bodies.length === 2)
      return route.fulfill({
        status: 503,
        json: {
          type: 'urn:kaskad:problem:kafka-unavailable',
          title: '',
          status: 503,
          detail: 'Kafka is away: letters that were sent are marked',
        },
      })
    const last = bodies.length === 3
    const did: Replayed = {
      sent: 1,
      refused: last ? 0 : 2,
      already: 0,
      remaining: last ? 0 : 1,
      next_cursor: last ? null : 'on',
    }
    return route.fulfill({ json: did })
  })
  const [letter] = letters
  await page
    .locator('#letters details')
    .first()
    .evaluate((one) => one.setAttribute('open', ''))
  await page.getByRole('button', { name: 'Replay this one' }).first().click()
  await dialog.getByRole('button', { name: 'Replay' }).click()
  await dialog.getByText('Kafka is away').waitFor()
  await dialog.getByRole('button', { name: 'Replay' }).click()
  await dialog.getByText('2 events were sent through again').waitFor()
  await dialog.getByText('2 events are still wrong').waitFor()
  const places = [{ topic: letter?.topic, partition: letter?.partition, offset: letter?.offset, line: letter?.line }]
  expect(bodies).toEqual([{ places }, { places, cursor: 'on' }, { places, cursor: 'on' }])
})

test('a code without a class leads to its line, and what has no price to the price list', async () => {
  const { page } = await openPage('en', 'all')
  await page.route('**/v1/error-map/unmapped?**', (route) =>
    route.fulfill({
      json: {
        as_of: null,
        lag_seconds: null,
        next_cursor: null,
        rows: [{ provider: 'page-smsc', error_code: '<77>', channel: 'sms', guess: 'barred', count: 3 }],
      },
    }),
  )
  await page.goto(`/quality?${PERIOD}&account=page-quality#codes`)
  await settled(page)
  await page.locator('#codes').getByText('probably: barred').waitFor()
  await page.locator('#codes').getByRole('link', { name: 'Set its class: page-smsc <77>' }).click()
  await page.getByText('1 added, 0 changed, 0 removed').waitFor()
  const last = page.locator('#list .part').first().locator('tr[data-row]').last()
  expect(await last.locator('[data-field="provider"] input').inputValue()).toBe('page-smsc')
  expect(await last.locator('[data-field="code"] input').inputValue()).toBe('<77>')
  expect(await last.locator('select').inputValue()).toBe('barred')
  expect(new URL(page.url()).searchParams.get('account')).toBe('page-quality')
  await page.getByRole('button', { name: 'Discard' }).click()
  await page.route('**/v1/reports/savings?**', async (route) => {
    const report = (await (await route.fetch()).json()) as Report<SavingsRow>
    await route.fulfill({
      json: {
        ...report,
        rows: report.rows.map((row, i) =>
          i === 0 ? { ...row, unpriced_reasons: [{ reason: 'no_tariff', channel: 'viber', messages: 7 }] } : row,
        ),
      },
    })
  })
  await page.goto(`/savings?${PERIOD}`)
  await settled(page)
  await page
    .locator('#unpriced')
    .getByRole('link', { name: 'Add a row for the channel to the price list' })
    .first()
    .click()
  // An operator sees all accounts, and says whose list it is.
  await page.locator('#account').getByRole('link', { name: 'lavka' }).click()
  await page.locator('.draft').waitFor()
  expect(await page.locator('#list tr[data-row]').last().locator('[data-field="channel"] select').inputValue()).toBe(
    'viber',
  )
  await page.getByRole('button', { name: 'Discard' }).click()
})

test('what is lost or does not balance is said', async () => {
  const { page } = await openPage('en', 'all')
  const status = await ask<FullStatus>('/v1/status')
  await page.route('**/v1/status', (route) =>
    route.fulfill({
      json: {
        ...status,
        lag_events: null,
        lag_seconds: 7200,
        as_of: '2026-11-20T10:00:00Z',
        balance: { ...status.balance, stored: status.balance.stored - 5 },
        shared_messages: 12,
        audit: { hours: 9, at: null, differences: 2 },
        disk: { free_bytes: 1_500_000_000, total_bytes: 20_000_000_000, state: 'warning' },
        losses: {
          broken_parts: [{ table: 'attempts', part: '202611_1_1_0' }],
          hours: [{ account: 'lavka', hour: '2026-11-18T10:00:00Z', published: 100, found: 60 }],
          rereading: 1,
        },
      },
    }),
  )
  await page.goto(`/quality?${PERIOD}`)
  await settled(page)
  const card = await page.locator('#fresh').innerText()
  for (const text of [
    'Late: the figures end at',
    'does not balance by 5 events',
    'Kafka does not tell',
    'with 2 differences',
    '1.5 GB',
    'of 20 GB',
    'Under a tenth',
    'Facts are lost in 1 hour and 1 file',
    'attempts 202611_1_1_0',
    '1 order',
  ]) {
    expect(card.replace(/\s+/gu, ' '), text).toContain(text)
  }
  expect(await page.locator('#shared').innerText()).toContain('an id of its own')
})
