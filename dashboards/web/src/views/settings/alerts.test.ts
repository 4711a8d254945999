import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { ask, openPage, settled } from '../../../tests/open'
import { testView } from '../../../tests/view'
import type { GetReportsSpendRow } from '../../api/openapi'
import type { Report } from '../../api/types'
import { call, open, ZONE } from './testing'

testView(`/settings?tab=alerts&account=lavka&${ZONE}`, async ({ page }) => {
  const { alerts } = await ask<{ alerts: { metric: string; by: string[] }[] }>('/v1/alerts?account=lavka')
  const shown = await page
    .locator('[data-field="metric"] select')
    .evaluateAll((all) => all.map((one) => (one as HTMLSelectElement).value))
  expect(shown).toEqual(alerts.map((one) => one.metric))
  const by = await page
    .locator('[data-field="by"] input')
    .evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value))
  expect(by).toEqual(alerts.map((one) => one.by.join(', ')))
})

test('alert rules are edited, tried on the past, and sent to a webhook', async () => {
  const account = 'page-alerts'
  const page = await open(`/settings?tab=alerts&account=${account}&from=2026-11-10&to=2026-11-20&${ZONE}`)
  const webhooks = page.locator('.part-of', { hasText: 'Webhooks' })
  await webhooks.getByRole('button', { name: 'Add a row' }).click()
  await webhooks.getByLabel('Id, row 1').fill('ops')
  await webhooks.getByLabel('Address, row 1').fill('https://ops.example.com/hook')
  await webhooks.locator('.told').getByText('Secret:').waitFor()
  await webhooks.getByLabel('Secret, row 1').fill(`whsec_${Buffer.alloc(32, 7).toString('base64')}`)
  const rules = page.locator('.part-of', { hasText: 'Alerts stand here' })
  await rules.getByLabel('Tell, row 1').fill('ops, topic')
  await rules.getByLabel('Apart by, row 1').fill('')
  await rules.getByLabel('Sensitivity, row 2').selectOption('high')
  await rules.getByLabel('What, row 3').selectOption('freshness')
  await page.getByText(/^1 added, 3 changed, 0 removed$/).waitFor()
  await page.getByRole('button', { name: 'Try them' }).click()
  const { alerts } = await ask<{ alerts: object[] }>(`/v1/alerts?account=${account}`)
  const { rows } = await ask<{ rows: object[] }>(
    `/v1/alerts/try?account=${account}&from=2026-11-10&to=2026-11-20`,
    'all',
    { alerts },
  )
  expect(rows).toEqual([])
  await page.getByText('They would have found nothing.').waitFor()
  await page.getByText('Not tried, for its past is not known: silent, freshness').waitFor()
  await page.getByRole('button', { name: 'Check and save' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('Apart by: channel, provider → nothing').first().waitFor()
  expect(await dialog.innerText()).not.toContain('whsec_')
  await dialog.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText(/^Saved as version/).waitFor()
  await settled(page)
  const saved = await ask<{ alerts: Record<string, unknown>[]; webhooks: object[] }>(`/v1/alerts?account=${account}`)
  expect(saved.alerts[0]).toMatchObject({ id: 'delivery', by: [], send_to: ['ops', 'topic'], on: true })
  expect(saved.alerts[2]).toMatchObject({ id: 'silent', metric: 'freshness', by: [], limit_minutes: 30 })
  expect(saved.webhooks).toMatchObject([{ id: 'ops', url: 'https://ops.example.com/hook', anywhere: true }])
  // What is saved again says nothing of the secret, and keeps it.
  await rules.getByLabel('On, row 1').selectOption('false')
  await page.getByText('0 added, 1 changed, 0 removed').waitFor()
  await page.getByRole('button', { name: 'Discard' }).click()
  await call('PUT', `/v1/alerts?account=${account}`, { alerts: [], webhooks: [] })
})

test('alerts tell what was usual, what is, and since when', async () => {
  const { page } = await openPage('en', 'all')
  const base = {
    id: 'a',
    account: 'lavka',
    rule: 'delivery',
    metric: 'delivery',
    channel: 'viber',
    provider: 'infobip',
    operator: null,
    campaign: null,
    before: 0.951234,
    now: 0.5,
    low: 0.9,
    high: 1,
    num: 50,
    den: 100,
    hours: 1,
    since: '2026-11-20T09:00:00Z',
    until: null,
    ended: null,
    currency: null,
    cost: null,
    cost_before: null,
    cost_now: null,
    cost_low: null,
    cost_high: null,
  }
  await page.route('**/v1/alerts/events?**', (route) =>
    route.fulfill({
      json: {
        next_cursor: null,
        rows: [
          base,
          {
            ...base,
            id: 'b',
            rule: 'late',
            metric: 'freshness',
            channel: null,
            provider: null,
            before: null,
            now: 45,
            low: null,
            high: null,
            until: '2026-11-20T10:00:00Z',
            ended: 'recovered',
          },
          {
            ...base,
            id: 'c',
            rule: 'letters',
            metric: 'dead_letters',
            channel: null,
            provider: null,
            before: 2.25,
            now: 40,
            low: 0,
            high: 9.5,
          },
          {
            ...base,
            id: 'd',
            rule: 'dear',
            metric: 'cost_per_reached',
            channel: null,
            provider: null,
            before: null,
            now: null,
            low: null,
            high: null,
            num: null,
            den: 1234,
            hours: 24,
            currency: 'RUB',
            cost: '2621.016',
            cost_before: '1.501234',
            cost_now: '2.124',
            cost_low: '1.322111',
            cost_high: '1.70',
          },
        ],
      },
    }),
  )
  await page.goto(`/settings?tab=alerts&account=lavka&${ZONE}`)
  await settled(page)
  const rows = (await page.locator('#events tbody tr').allInnerTexts()).map((row) => row.replace(/\s+/gu, ' '))
  expect(rows[0]).toContain('delivery rate falls Rule delivery Viber · infobip 95.1% 90.0% – 100.0% 50.0% open')
  expect(rows[1]).toContain('figures are late Rule late everything – 45 mins 20 Nov, 13:00 · as usual again')
  expect(rows[2]).toContain('more is refused Rule letters everything 2.25 0 – 9.5 40 open')
  expect(rows[3]).toContain('cost per reached rises Rule dear everything ₽1.501234 ₽1.322111 – ₽1.70 ₽2.124 open')
  await fits(page, '#events')
})

// What cannot be judged is said: where the rule stands, and when it is tried.
test('days without a price are not judged on cost, and that is said', async () => {
  const account = 'kinozal'
  const page = await open(`/settings?tab=alerts&account=${account}&from=2026-11-18&to=2026-11-19&${ZONE}`)
  const { rows } = await ask<Report<GetReportsSpendRow>>(
    `/v1/reports/spend?account=${account}&from=2026-11-18&to=2026-11-19&${ZONE}&group_by=`,
  )
  const unpriced = rows.reduce((sum, row) => sum + row.unpriced, 0)
  expect(unpriced).toBeGreaterThan(0)
  await page
    .locator('#unpriced-rule')
    .getByText(`It is not known what ${unpriced} attempts of this period cost`)
    .waitFor()
  await page.route('**/v1/alerts/try?**', async (route) => {
    const answer = await route.fetch()
    const days = { rule: 'cost_per_reached', days: 3, first_day: '2026-11-15', last_day: '2026-11-18' }
    return route.fulfill({ json: { ...((await answer.json()) as object), not_judged: [days] } })
  })
  await page.getByRole('button', { name: 'Try them' }).click()
  await page.getByText('On 3 days (15 Nov 2026 – 18 Nov 2026) it is not known what reaching somebody cost').waitFor()
  // Who does not watch money is told nothing of it.
  const rule = page.locator('#list tr', { has: page.locator('[data-field="metric"] option[value=cost_per_reached]:checked') })
  await rule.locator('[data-field="on"] select').selectOption('false')
  await page.locator('#unpriced-rule').waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Discard' }).click()
})

/** fits expects that no column of a table has to be scrolled for, on a screen and on a tablet. */
async function fits(page: Page, within: string, widths: readonly number[] = [1440, 768]): Promise<void> {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 })
    await expect
      .poll(() =>
        page
          .locator(`${within} .scroll`)
          .evaluateAll((all) => all.map((one) => one.scrollWidth - one.clientWidth).filter((more) => more > 0)),
      )
      .toEqual([])
  }
}

test('alert rules are whole at every width, whichever columns there are', async () => {
  for (const language of ['en', 'ru'] as const) {
    const page = await open(`/settings?tab=alerts&account=lavka&${ZONE}`, 'all', language)
    const rules = page.locator('#list .grid').first()
    const lines = async (): Promise<boolean> => !(await rules.evaluate((one) => one.classList.contains('blocks')))
    await expect.poll(lines).toBe(true)
    await fits(page, '#list', [1440, 768, 375, 1440])
    await expect.poll(lines).toBe(true)
    // What a cell says is whole, too.
    const cut = await rules
      .locator('input')
      .evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.outerHTML))
    expect(cut).toEqual([])
    const all = page.locator('#list .part').first().getByRole('checkbox')
    await all.check()
    await expect.poll(lines).toBe(false)
    await fits(page, '#list', [1440, 768, 375, 1440])
    await all.uncheck()
    await expect.poll(lines).toBe(true)
  }
})
