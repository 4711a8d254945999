import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { ask, settled } from '../../../tests/open'
import { grouped, testView } from '../../../tests/view'
import { BILLINGS, CHANNELS, CLASSES, METRICS, SENSITIVITIES } from './choices'
import { call, open, ZONE } from './testing'

interface Tariff {
  readonly channel: string
  readonly price: string
  readonly billing: string
  readonly currency: string
  readonly valid_from: string
  readonly valid_to: string | null
}
interface Tariffs {
  readonly version: number
  readonly billing_zone: string
  readonly tariffs: readonly Tariff[]
}

function tariffs(account: string, version = ''): Promise<Tariffs> {
  return ask<Tariffs>(`/v1/tariffs?account=${account}${version}`)
}

testView(`/settings?account=lavka&${ZONE}`, async ({ page, shows, language }) => {
  const list = await tariffs('lavka')
  const prices = await page.getByLabel(language === 'en' ? /^Price, row/ : /^Цена, строка/).all()
  expect(list.tariffs.length).toBeGreaterThan(10)
  expect(await Promise.all(prices.map((one) => one.inputValue()))).toEqual(list.tariffs.map((row) => row.price))
  const channels = page.locator('[data-field="channel"] select')
  expect(await channels.evaluateAll((all) => all.map((one) => (one as HTMLSelectElement).value))).toEqual(
    list.tariffs.map((row) => row.channel),
  )
  await shows('#list footer', grouped(list.version, language))
})
testView(`/settings?tab=templates&account=lavka&${ZONE}`)
testView(`/settings?tab=error-map&account=lavka&${ZONE}`, async ({ page, shows, language }) => {
  const map = await ask<{ lines: { provider: string; code: string }[] }>('/v1/error-map?account=lavka')
  await shows('#list', grouped(map.lines.length, language))
  expect(await page.locator('#list .part').first().locator('tbody tr').count()).toBe(50)
})
testView(`/settings?tab=number-rules&account=lavka&${ZONE}`, async ({ page }) => {
  const { number_rules: rules } = await ask<{ number_rules: Record<string, number> }>('/v1/number-rules?account=lavka')
  const values = await page
    .locator('[data-field="value"] input')
    .evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value))
  expect(values).toEqual(Object.values(rules).map(String))
})
testView(`/settings?tab=keys&account=lavka&${ZONE}`, async ({ page }) => {
  const { rows } = await ask<{ rows: { id: string }[] }>('/v1/keys?account=lavka')
  expect(await page.locator('#keys tbody tr').count()).toBe(rows.length)
  for (const row of rows) expect(await page.locator('#keys').innerText()).toContain(row.id)
})
testView(
  `/settings?account=lavka&${ZONE}`,
  async ({ page }) => {
    expect(await page.locator('#list .cell').count()).toBe(0)
    expect(await page.locator('#list tbody tr').count()).toBe((await tariffs('lavka')).tariffs.length)
    expect(await page.locator('.tabs a').count()).toBe(5)
  },
  'analyst',
)

test('a price list is edited, refused, corrected, compared, saved, and put back', async () => {
  const account = 'page-prices'
  const page = await open(`/settings?account=${account}&${ZONE}`)
  await page.getByText('No rows yet.').waitFor()
  await page.getByRole('button', { name: 'Add a row' }).click()
  await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Channel, row 1')
  await page.getByLabel('Channel, row 1').selectOption('sms')
  await page.getByLabel('Billed, row 1').selectOption('per_segment_sent')
  await page.getByLabel('Currency, row 1').fill('rub')
  await page.getByLabel('Price, row 1').fill('2,50')
  const state = page.locator('.draft')
  await state.getByText('2 mistakes to mend').waitFor()
  const told = page.locator('.told')
  expect(await told.innerText()).toContain('Price: write a point, not a comma')
  expect(await told.innerText()).toContain('Currency: write three capitals')
  expect(await page.getByLabel('Price, row 1').getAttribute('aria-invalid')).toBe('true')
  expect(await page.getByLabel('Channel, row 1').getAttribute('aria-invalid')).toBe('false')
  expect(await state.getByRole('button', { name: 'Check and save' }).isDisabled()).toBe(true)
  await state.getByRole('button', { name: 'Show the next one' }).click()
  await page.waitForFunction(() => document.activeElement?.getAttribute('aria-invalid') === 'true')
  await page.getByLabel('Price, row 1').fill('2.50')
  await page.getByLabel('Currency, row 1').fill('RUB')
  await state.getByText('1 added, 0 changed, 0 removed').waitFor()
  expect((await tariffs(account)).version).toBe(0)

  // It is still there after a look at another tab.
  await page.locator('.tabs').getByText('Templates').click()
  await page.locator('.tabs').getByText('Prices').click()
  expect(await page.getByLabel('Price, row 1').inputValue()).toBe('2.50')
  await state.getByText('1 added, 0 changed, 0 removed').waitFor()

  const dialog = page.getByRole('dialog')
  const save = async (note?: string): Promise<void> => {
    if (note !== undefined) await dialog.getByLabel('Note').fill(note)
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText(/^Saved as version/).waitFor()
    await settled(page)
  }
  await state.getByRole('button', { name: 'Check and save' }).click()
  await dialog.getByText('Price: 2.50').waitFor()
  await save('first prices 🦊')
  const first = await tariffs(account)
  expect(first.tariffs).toMatchObject([
    {
      channel: 'sms',
      price: '2.50',
      billing: 'per_segment_sent',
      currency: 'RUB',
      valid_from: '2026-11-19T21:00:00Z',
      valid_to: null,
    },
  ])

  await page.getByLabel('Price, row 1').fill('3')
  await page.getByLabel('Valid to, row 1').fill('2027-01-01')
  await state.getByText('0 added, 1 changed, 0 removed').waitFor()
  await state.getByRole('button', { name: 'Check and save' }).click()
  await dialog.getByText('Price: 2.50 → 3.00').waitFor()
  await save('dearer')
  const second = await tariffs(account)
  expect(second.tariffs).toMatchObject([{ price: '3.00', valid_to: '2026-12-31T21:00:00Z' }])

  const versions = page.locator('#history')
  // What was said of the first one may still stand: the second one is in the history when that was asked for again.
  await versions.locator('tbody tr').nth(1).waitFor()
  expect(await versions.locator('tbody tr').count()).toBe(2)
  expect(await versions.innerText()).toContain('first prices 🦊')
  await versions.getByRole('link', { name: `Show: Version ${second.version}` }).click()
  await versions.locator('.difference').getByText('Price: 2.50 → 3.00').waitFor()
  await versions.getByRole('link', { name: `Show: Version ${first.version}` }).click()
  await versions.getByRole('button', { name: `Go back to version ${first.version}` }).click()
  await dialog.getByText('Price: 3.00 → 2.50').waitFor()
  expect(await dialog.getByLabel('Note').inputValue()).toBe(`Back to version ${first.version}`)
  await save()
  const third = await tariffs(account)
  expect(third.tariffs).toEqual(first.tariffs)
  expect(third.version).toBeGreaterThan(second.version)
  expect(await page.getByLabel('Price, row 1').inputValue()).toBe('2.50')
  await call('PUT', `/v1/tariffs?account=${account}`, { tariffs: [] })
})

test('what is chosen in a price list is whole', async () => {
  for (const language of ['en', 'ru'] as const) {
    const page = await open(`/settings?account=lavka&${ZONE}`, 'all', language)
    const cut = await page.locator('#list select').evaluateAll((all) =>
      all.flatMap((one) => {
        const select = one as HTMLSelectElement
        const ink = document.createElement('canvas').getContext('2d')
        if (!ink) throw new Error('nothing to measure with')
        ink.font = getComputedStyle(select).font
        const text = select.selectedOptions[0]?.text ?? ''
        // The arrow of Chromium takes as much.
        return ink.measureText(text).width + 22 > select.clientWidth ? [text] : []
      }),
    )
    expect(cut).toEqual([])
  }
})

test('who is slower than another is told, and chooses', async () => {
  const account = 'page-conflict'
  const row = (price: string): object => ({
    channel: 'sms',
    billing: 'per_segment_sent',
    currency: 'RUB',
    price,
    valid_from: '2026-01-01T00:00:00Z',
  })
  expect((await call('PUT', `/v1/tariffs?account=${account}`, { tariffs: [row('1.00')] })).status).toBe(200)
  const page = await open(`/settings?account=${account}&${ZONE}`)
  await page.getByLabel('Price, row 1').fill('2')
  await page.getByText('0 added, 1 changed, 0 removed').waitFor()
  await call('PUT', `/v1/tariffs?account=${account}`, { tariffs: [row('7.00')] })
  const theirs = await tariffs(account)
  await page.getByRole('button', { name: 'Check and save' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('Somebody else has saved another version').waitFor()
  await dialog.getByRole('button', { name: 'Compare mine with theirs' }).click()
  await dialog.getByText('Price: 7.00 → 2.00').waitFor()
  await dialog.getByText(`Against version ${theirs.version}.`).waitFor()
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  expect(await tariffs(account)).toEqual(theirs)
  await page.getByRole('button', { name: 'Check and save' }).click()
  await dialog.getByRole('button', { name: 'Drop mine, take theirs' }).click()
  await page.waitForFunction(
    () => document.querySelector<HTMLInputElement>('[data-field="price"] input')?.value === '7.00',
  )
  await call('PUT', `/v1/tariffs?account=${account}`, { tariffs: [] })
})

test('a file is judged before it is taken, and keeps what it has no place for', async () => {
  const account = 'page-file'
  await call('PUT', `/v1/tariffs?account=${account}`, { tariffs: [], billing_zone: 'Europe/Moscow' })
  const page = await open(`/settings?account=${account}&${ZONE}`)
  const csv = (price: string): { name: string; mimeType: string; buffer: Buffer } => ({
    name: 'prices.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(
      `channel;valid_from;currency;billing;price\nsms;2026-01-01T00:00:00Z;RUB;per_segment_sent;${price}\n`,
    ),
  })
  const dialog = page.getByRole('dialog')
  await page.locator('#list input[type=file]').setInputFiles(csv('-1'))
  await dialog.getByText('Row 1: Price: cannot be negative').waitFor()
  expect(await dialog.getByRole('button', { name: 'Save', exact: true }).isDisabled()).toBe(true)
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await page.locator('#list input[type=file]').setInputFiles(csv('1.75'))
  await dialog.getByText('1 added, 0 changed, 0 removed').waitFor()
  await dialog.getByRole('button', { name: 'Save', exact: true }).click()
  await page.getByText(/^Saved as version/).waitFor()
  expect(await tariffs(account)).toMatchObject({ billing_zone: 'Europe/Moscow', tariffs: [{ price: '1.75' }] })
  await call('PUT', `/v1/tariffs?account=${account}`, { tariffs: [] })
})

/** keyTime is how long the page takes to draw after a key press, as a rule. */
function keyTime(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const input = document.querySelector<HTMLInputElement>('[data-field="price"] input')
    if (!input) throw new Error('no price')
    const times: number[] = []
    for (const text of ['1', '1.', '1.5', '1.50', '1.5', '1.55', '1.5']) {
      const begin = performance.now()
      input.value = text
      input.dispatchEvent(new InputEvent('input', { bubbles: true }))
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
      times.push(performance.now() - begin)
    }
    return times.toSorted((a, b) => a - b)[3] ?? Infinity
  })
}

test('a list of thousands of rows is as quick as a short one', async () => {
  const times: number[] = []
  for (const [account, length] of [
    ['page-short', 50],
    ['page-long', 5000],
  ] as const) {
    const many = Array.from({ length }, (_, i) => ({
      channel: 'sms',
      billing: 'per_segment_sent',
      currency: 'RUB',
      price: '1.00',
      provider: `p${i}`,
      valid_from: '2026-01-01T00:00:00Z',
    }))
    expect((await call('PUT', `/v1/tariffs?account=${account}`, { tariffs: many })).status).toBe(200)
    const page = await open(`/settings?account=${account}&${ZONE}`)
    expect(await page.locator('#list tbody tr').count()).toBe(50)
    times.push(await keyTime(page))
    await page.getByText('0 added, 1 changed, 0 removed').waitFor()
    const last = grouped(length - 8, 'en')
    await page.getByRole('searchbox').fill(`p${length - 9}`)
    expect(await page.locator('#list tbody tr').count()).toBe(1)
    await page.getByLabel(`Currency, row ${last}`).fill('ABC')
    await page.getByText('1 mistake to mend').waitFor()
    await page.getByRole('searchbox').fill('')
    await page.getByRole('button', { name: 'Show the next one' }).click()
    await page.waitForFunction(
      (label) => document.activeElement?.getAttribute('aria-label') === label,
      `Currency, row ${last}`,
    )
    await page.getByRole('button', { name: 'Discard' }).click()
    await call('PUT', `/v1/tariffs?account=${account}`, { tariffs: [] })
  }
  const [short = 0, long = Infinity] = times
  expect(long).toBeLessThan(4 * short + 100)
})

test('templates, codes and rules are edited as prices are', async () => {
  const account = 'page-lists'
  const page = await open(`/settings?tab=templates&account=${account}&${ZONE}`)
  const dialog = page.getByRole('dialog')
  const save = async (): Promise<void> => {
    await page.getByRole('button', { name: 'Check and save' }).click()
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText(/^Saved as version/).waitFor()
  }
  await page.getByRole('button', { name: 'Add a row' }).click()
  await page.getByLabel('Template, row 1').fill('Скидка <b>')
  await page.getByText('1 mistake to mend').waitFor()
  await page.getByLabel('Or its text, row 1').fill('ж'.repeat(71))
  await save()
  expect(await ask(`/v1/templates?account=${account}`)).toMatchObject({
    templates: [{ template: 'Скидка <b>', sms_segments: 2 }],
  })
  await page.locator('.tabs').getByText('Error codes').click()
  await page.goto(`/settings?tab=error-map&account=${account}&add.provider=smsc&add.code=4242&add.class=barred`)
  await page.getByText('1 added, 0 changed, 0 removed').waitFor()
  expect(new URL(page.url()).searchParams.has('add.code')).toBe(false)
  await save()
  const { lines } = await ask<{ lines: { code: string; origin: string }[] }>(`/v1/error-map?account=${account}`)
  expect(lines.filter((line) => line.origin === 'account')).toMatchObject([
    { provider: 'smsc', code: '4242', class: 'barred' },
  ])
  await page.locator('.tabs').getByText('Number rules').click()
  const first = page.locator('[data-field="value"] input').first()
  await first.fill('0')
  await page.getByText('1 mistake to mend').waitFor()
  expect(await first.getAttribute('aria-invalid')).toBe('true')
  await first.fill('3')
  await save()
  expect(await ask(`/v1/number-rules?account=${account}`)).toMatchObject({ number_rules: { hard_mailings: 3 } })
})

test('a key is made, shown once, used and revoked', async () => {
  const page = await open(`/settings?tab=keys&account=page-keys&${ZONE}`)
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  const dialog = page.getByRole('dialog')
  await page.getByRole('button', { name: 'Make a key' }).click()
  await dialog.getByLabel('For whom').fill('<i>Анна</i> 🦊')
  expect(await dialog.getByRole('button', { name: 'Make a key' }).isDisabled()).toBe(true)
  await dialog.getByRole('checkbox', { name: /^Analytics/ }).check()
  await dialog.getByLabel(/^Last day/).fill('2026-12-31')
  await dialog.getByRole('button', { name: 'Make a key' }).click()
  await dialog.getByText('The key is ready').waitFor()
  await dialog.getByRole('button', { name: 'Copy' }).click()
  await dialog.getByText('Copied').waitFor()
  const secret = await page.evaluate(() => navigator.clipboard.readText())
  expect(await dialog.locator('.secret').innerText()).toBe(secret)
  const session = (await (await call('GET', '/v1/session', undefined, secret)).json()) as object
  expect(session).toMatchObject({ account: 'page-keys', scopes: ['analyst'], expires_at: '2026-12-31T21:00:00.000Z' })
  await dialog.getByRole('button', { name: 'I have kept it' }).click()
  expect(await page.content()).not.toContain(secret)
  const row = page.locator('#keys tbody tr', { hasText: 'Анна' })
  await row.getByText('holds until').waitFor()
  await row.getByRole('button').click()
  await dialog.getByText('Revoke this key?').waitFor()
  expect((await call('GET', '/v1/session', undefined, secret)).status).toBe(200)
  await dialog.getByRole('button', { name: 'Revoke' }).click()
  await row.getByText('revoked').waitFor()
  await expect
    .poll(async () => (await call('GET', '/v1/session', undefined, secret)).status, { timeout: 15_000 })
    .toBe(401)
})

test('without a right there is no dead end', async () => {
  const page = await open(`/settings?tab=keys&${ZONE}`, 'analyst')
  expect(await page.locator('#keys').innerText()).toContain('It takes a key for one of these: Administration.')
  const other = await open('/settings?add.channel=viber')
  await other.getByLabel('Another account').fill('page-other')
  await other.getByRole('button', { name: 'Open' }).click()
  await other.locator('.draft').waitFor()
  expect(await other.getByLabel('Channel, row 1').inputValue()).toBe('viber')
  const none = await open('/settings?account=lavka', 'marketer')
  expect(await none.locator('#list').innerText()).toContain('It takes a key for one of these')
})

test('what can be chosen is what the API takes', async () => {
  const wrong = async (path: string, body: unknown, field: string): Promise<readonly string[]> => {
    const answer = await call('PUT', `${path}?account=page-choices&dry_run=1`, body)
    const { errors } = (await answer.json()) as { errors: { parameter: string; reason: string }[] }
    return (
      (errors.find((one) => one.parameter === field)?.reason ?? '').split(/one of |classes are /)[1]?.split(' ') ?? []
    )
  }
  const row = { channel: 'push', billing: 'zero', currency: 'RUB', valid_from: '2026-01-01T00:00:00Z' }
  expect([...CHANNELS].toSorted()).toEqual(
    (await wrong('/v1/tariffs', { tariffs: [{ ...row, channel: '?' }] }, 'channel')).toSorted(),
  )
  expect(await wrong('/v1/tariffs', { tariffs: [{ ...row, billing: '?' }] }, 'billing')).toEqual([...BILLINGS])
  expect(await wrong('/v1/alerts', { alerts: [{ id: 'a', metric: '?' }] }, 'alerts.metric')).toEqual([...METRICS])
  expect(
    await wrong('/v1/alerts', { alerts: [{ id: 'a', metric: 'open', sensitivity: '?' }] }, 'alerts.sensitivity'),
  ).toEqual([...SENSITIVITIES])
  expect(await wrong('/v1/error-map', { lines: [{ code: '1', class: '?' }] }, 'class')).toEqual([...CLASSES])
})
