import { expect, test } from 'vitest'
import { faultsOfLooks } from '../../../tests/looks'
import { ask, openPage, settled, goTo } from '../../../tests/open'
import { grouped, money, percent, testView } from '../../../tests/view'
import type { ChannelRow, FailureRow, Reason, Report, SavingsRow } from '../../api/types'
import { words as en } from '../../i18n/en'
import { words as ru } from '../../i18n/ru'
import type { CostRow, GroupRow, MessageRow } from './rows'

const PERIOD = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'
const SIGNS = { lower: '≥ ', upper: '≤ ', mixed: '≈ ', exact: '' }
const BY = 'group_by=account,campaign'
const ONE = `${PERIOD}&account=lavka&campaign=black-friday`

type StepRow = ChannelRow & { readonly step: number; readonly channel: string }

testView(`/campaigns?${PERIOD}`, async ({ page, language }) => {
  const { rows } = await ask<Report<GroupRow>>(`/v1/reports/groups?${PERIOD}&${BY}&sort=-first_at&limit=50`)
  const costs = await ask<Report<CostRow>>(`/v1/reports/savings?${PERIOD}&group_by=account,campaign&limit=10000`)
  expect(rows.length).toBeGreaterThan(5)
  const shown = (await page.locator('#mailings tbody tr').allInnerTexts()).map((text) => text.replace(/\s+/gu, ' '))
  expect(shown.length).toBe(rows.length)
  for (const [i, row] of rows.entries()) {
    const sign = row.open_rate_bound ? SIGNS[row.open_rate_bound] : ''
    const cost = costs.rows.find((one) => one.campaign === row.campaign && one.account === row.account)
    const texts = [row.campaign, row.account ?? '', grouped(row.sent, language), grouped(row.delivered, language),
      percent(row.delivery_rate, language), row.open_rate === null ? '–' : sign + percent(row.open_rate, language),
      ...(row.open_den > 0 ? [grouped(row.open_den, language)] : []), grouped(row.replied, language),
      money(cost?.actual_cost ?? null, language)]
    for (const text of texts) expect(shown[i]).toContain(text.replace(/\s+/gu, ' '))
  }
})

testView(`/campaigns?${ONE}`, async ({ page, language, shows }) => {
  const steps = await ask<Report<StepRow>>(`/v1/reports/channels?${ONE}&group_by=step,channel`)
  expect(steps.rows.length).toBeGreaterThan(2)
  for (const [i, row] of steps.rows.entries()) {
    const lane = (await page.locator('#what .funnel > li').nth(i).innerText()).replace(/\s+/gu, ' ')
    for (const count of [row.step, row.sent, ...(row.failed > 0 ? [row.failed]
      : [])]) expect(lane).toContain(grouped(count, language).replace(/\s+/gu, ' '))
  }
  const failures = await ask<Report<FailureRow>>(`/v1/reports/failures?${ONE}&group_by=channel,reason`)
  expect(failures.rows.length).toBeGreaterThan(0)
  const words = language === 'ru' ? ru : en
  await shows('#why', ...failures.rows.toSorted((a, b) => b.count - a.count).slice(0, 10).flatMap((row) =>
    [words.reasons[row.reason], grouped(row.count, language), percent(row.share_rate, language)]))
  const savings = await ask<Report<SavingsRow>>(`/v1/reports/savings?${ONE}`)
  for (const row of savings.rows.filter((one) => one.saved !== null)) {
    await shows('#what-saved', money(row.sms_only_cost, language), money(row.actual_cost, language),
      money(row.saved_reached, language))
  }
  const messages = await ask<Report<MessageRow>>(`/v1/messages?${ONE}&limit=50`)
  expect(messages.rows.length).toBe(50)
  const shown = await page.locator('#recipients tbody tr').allInnerTexts()
  for (const [i, row] of messages.rows.entries()) {
    const texts = [row.recipient, words.message.states[row.state] ?? 'a state without a word',
      ...(row.reason ? [words.reasons[row.reason as Reason]] : []), money(row.cost, language)]
    for (const text of texts) expect(shown[i]?.replace(/\s+/gu, ' ')).toContain(text.replace(/\s+/gu, ' '))
  }
})

test('mailings are sorted and searched by the server, and all of them can be had', async () => {
  const { page, complaints } = await openPage('en', 'all')
  await page.goto(`/campaigns?${PERIOD}&account=lavka`)
  await settled(page)
  const names = (): Promise<string[]> => page.locator('#mailings tbody td:first-child').allInnerTexts()
  for (const [head, sort] of [['Sent', '-sent'], ['Sent', 'sent'], ['Open rate', '-open_rate']] as const) {
    await page.locator('#mailings').getByRole('button', { name: head }).click()
    await settled(page)
    const { rows } = await ask<Report<GroupRow>>(`/v1/reports/groups?${PERIOD}&account=lavka&sort=${sort}`)
    expect(await names()).toEqual(rows.map((row) => row.campaign || 'none given'))
    expect(new URL(page.url()).searchParams.get('sort')).toBe(sort)
  }
  await page.getByRole('searchbox', { name: 'Search by name…' }).fill('BLACK')
  await page.waitForFunction(() => document.querySelectorAll('#mailings tbody tr').length === 1)
  expect(await names()).toEqual(['black-friday'])
  await page.getByRole('searchbox', { name: 'Search by name…' }).fill('no such mailing')
  await page.locator('#mailings').getByText('No mailing of this period has “no such mailing”').waitFor()
  await page.getByRole('searchbox', { name: 'Search by name…' }).fill('')
  await page.waitForFunction(() => document.querySelectorAll('#mailings tbody tr').length > 5)
  await page.locator('#mailings').getByRole('button', { name: 'Actions' }).click()
  const file = await page.getByRole('menuitem', { name: 'Download CSV' }).getAttribute('href')
  expect(new URL(file ?? '', 'http://page').searchParams.get('limit')).toBe('10000')
  await page.keyboard.press('Escape')
  await page.locator('#mailings').getByRole('link', { name: 'black-friday' }).click()
  await page.locator('#recipients').waitFor()
  expect(complaints).toEqual([])
})

test('recipients are filtered by state and channel, page by page, and each leads to its message', async () => {
  const { page, complaints } = await openPage('en', 'crm')
  await page.goto(`/campaigns?${ONE}&status=failed&via=sms`)
  await settled(page)
  const first = await ask<Report<MessageRow>>(`/v1/messages?${ONE}&status=failed&channel=sms&limit=50`, 'crm')
  const shown = await page.locator('#recipients tbody tr').allInnerTexts()
  expect(shown.length).toBe(first.rows.length)
  for (const [i, row] of first.rows.entries()) expect(shown[i]).toContain(row.recipient)
  expect(first.rows[0]?.recipient).not.toContain('*')
  await goTo(page, `/campaigns?${ONE}`)
  await page.getByRole('button', { name: 'Next rows' }).click()
  await page.waitForFunction(() => document.querySelectorAll('#recipients tbody tr').length > 50)
  await page.locator('#recipients').getByRole('button', { name: 'Actions' }).click()
  const file = await page.getByRole('menuitem', { name: 'Download CSV' }).getAttribute('href')
  const whole = await page.request.get(file ?? '')
  const lines = (await whole.text()).trim().split('\r\n').length - 1
  const all = await ask<Report<MessageRow>>(`/v1/messages?${ONE}&limit=10000`, 'crm')
  expect(lines).toBe(all.rows.length)
  expect(lines).toBeGreaterThan(50)
  await page.keyboard.press('Escape')
  await page.locator('#recipients tbody a').first().click()
  await page.locator('#happened .lane').first().waitFor()
  expect(complaints).toEqual([])
})

test('a marketer sees neither money nor whole numbers, and may not look for one', async () => {
  const { page, complaints } = await openPage('en', 'marketer')
  await page.goto(`/campaigns?${PERIOD}`)
  await settled(page)
  expect(await page.locator('#mailings thead').innerText()).not.toContain('Paid')
  expect(await page.getByRole('searchbox', { name: 'Message id' }).count()).toBe(1)
  await goTo(page, `/campaigns?${PERIOD}&campaign=black-friday`)
  expect(await page.locator('#what-saved').count()).toBe(0)
  const there = await page.locator('main').innerText()
  expect(there).toContain('Recipients are masked')
  expect(there).not.toMatch(/\+7\d{10}|₽|Paid/)
  expect(complaints).toEqual([])
})

test('the messages to a number are listed, and the number is not in the address', async () => {
  const { page, complaints } = await openPage('en', 'crm')
  const { rows } = await ask<Report<MessageRow>>(`/v1/messages?${PERIOD}&channel=sms&limit=1`, 'crm')
  const number = rows[0]?.recipient ?? ''
  await page.goto(`/campaigns?${PERIOD}`)
  await settled(page)
  expect(await page.locator('#mailings').innerText()).toContain('It takes a key for one of these: Analytics, Marketing, Administration.')
  await page.getByRole('searchbox', { name: 'Message id, +number or e-mail' }).fill(number.replace('+7',
    '+7 (').slice(0, 8) + number.slice(6))
  await page.keyboard.press('Enter')
  const list = await ask<Report<MessageRow>>(`/v1/numbers/${encodeURIComponent(number)}/messages?${PERIOD}`, 'crm')
  await page.locator('#number tbody tr').nth(list.rows.length - 1).waitFor()
  expect(await page.locator('#number tbody tr').count()).toBe(list.rows.length)
  expect(decodeURIComponent(page.url())).not.toContain(number.slice(4))
  await page.locator('#number tbody a').first().click()
  await page.locator('#happened').waitFor()
  await page.goBack()
  await page.locator('#number').waitFor()
  // The list of mailings is refused to this key, which the browser notes each time.
  expect(complaints.filter((one) => !one.includes('403'))).toEqual([])
})

test('names of mailings are shown as they are, whatever they hold', async () => {
  const { page, complaints } = await openPage('en', 'all')
  const names = ['<img src=x onerror=alert(1)>', 'שלום ‮drac', '🦊'.repeat(50), 'Ж'.repeat(128), 'a&b=c#d?e/f%20', '']
  const [row] = (await ask<Report<GroupRow>>(`/v1/reports/groups?${PERIOD}&group_by=account,campaign&limit=1`)).rows
  await page.route('**/v1/reports/groups?**', (route) => route.fulfill({ json: { report: 'groups',
    as_of: '2026-11-20T12:00:00Z',
    lag_seconds: 0, mature: true, next_cursor: null, rows: names.map((campaign) => ({ ...row, campaign })) } }))
  await page.goto(`/campaigns?${PERIOD}`)
  await settled(page)
  for (const width of [1440, 768, 375]) {
    await page.setViewportSize({ width, height: 900 })
    expect(await faultsOfLooks(page)).toEqual([])
  }
  expect(await page.locator('#mailings tbody tr').count()).toBe(names.length)
  for (const [i, name] of names.entries()) {
    const link = page.locator('#mailings tbody a').nth(i)
    expect(await link.locator('bdi').first().innerText()).toBe(name || 'none given')
    expect(new URL(await link.getAttribute('href') ?? '', 'http://page').searchParams.get('campaign')).toBe(name)
  }
  expect(complaints).toEqual([])
})

// Proxies take addresses of 8 kB or so, and a letter of a Russian name is six bytes there.
test('what fifty mailings with long names cost is asked in addresses that are short enough', async () => {
  const { page, complaints } = await openPage('ru', 'all')
  const report = await ask<Report<GroupRow>>(`/v1/reports/groups?${PERIOD}&${BY}&sort=-first_at&limit=1`)
  const rows = Array.from({ length: 50 }, (_, i) => ({ ...report.rows[0], campaign: `${'Осенняя распродажа '.repeat(5)}${i}` }))
  await page.route('**/v1/reports/groups?**', (route) => route.fulfill({ json: { ...report, rows } }))
  const asked: string[] = []
  page.on('request', (request) => asked.push(request.url()))
  await page.goto(`/campaigns?${PERIOD}`)
  await settled(page)
  // The list does not wait for them.
  await expect.poll(() => asked.filter((one) => one.includes('/v1/reports/savings'))
    .flatMap((one) => new URL(one).searchParams.getAll('campaign'))).toEqual(rows.map((row) => row.campaign))
  expect(Math.max(...asked.map((one) => one.length))).toBeLessThan(7000)
  expect(complaints).toEqual([])
})

// On a phone the open rate stands beside the name, in the longer language too.
test('a phone shows the open rate of a mailing', async () => {
  const { page } = await openPage('ru', 'all')
  await page.setViewportSize({ width: 375, height: 800 })
  await page.goto(`/campaigns?${PERIOD}`)
  await settled(page)
  const ends = await page.locator('#mailings tbody td:nth-child(2)')
    .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().right))
  expect(Math.max(...ends)).toBeLessThan(375 - 12)
})
