// How the frame of all views is used: by names of all kinds, keys, addresses, filters, and on a phone.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import type { ChannelRow, Report } from '../src/api/types'
import { faultsOfLooks } from './looks'
import { ask, openPage, settled, goTo } from './open'

const DAY = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'

async function open(path: string, scope = 'all'): Promise<{ page: Page; complaints: string[] }> {
  const opened = await openPage('en', scope)
  await opened.page.goto(path)
  await settled(opened.page)
  return opened
}

function address(page: Page): URLSearchParams {
  return new URL(page.url()).searchParams
}

test('names are shown as they are, whatever they hold', async () => {
  const { page, complaints } = await openPage('en', 'all')
  const names = ['<img src=x onerror=alert(1)>', 'שלום ‮drac', '🦊'.repeat(50), 'Ж'.repeat(128), '  ', 'x"\'><script>']
  await page.route('**/v1/reports/channels?group_by=account', (route) => route.fulfill({ json: {
    as_of: '2026-11-20T12:00:00Z', lag_seconds: 0, mature: true, next_cursor: null, rows: names.map((account) => ({ account })) } }))
  await page.goto('/definitions')
  await settled(page)
  for (const name of names) {
    await goTo(page, `/channels?${DAY}&campaign=${encodeURIComponent(name)}&account=${encodeURIComponent(name)}`)
    for (const width of [1440, 375]) {
      await page.setViewportSize({ width, height: 900 })
      expect((await faultsOfLooks(page)).filter((fault) => !fault.startsWith('cut: '))).toEqual([])
    }
    expect(await page.locator('.chip').innerText()).toContain(name.trim())
  }
  expect(complaints).toEqual([])
})

test('the address says all, and the browser goes back', async () => {
  const { page } = await open(`/channels?${DAY}&channel=viber&table=which`)
  expect(await page.locator('.chip').innerText()).toContain('Viber')
  expect(await page.locator('#which .table tbody tr').count()).toBe(1)
  await page.locator('.chip').click()
  expect(address(page).has('channel')).toBe(false)
  await page.waitForFunction(() => document.querySelectorAll('#which .table tbody tr').length > 5)
  await page.locator('.rail').getByRole('link', { name: 'Overview' }).click()
  expect(address(page).get('from')).toBe('2026-11-18')
  expect(address(page).has('table')).toBe(false)
  await page.goBack()
  await page.goBack()
  expect(await page.locator('.chip').innerText()).toContain('Viber')
})

test('a filter is picked from the values that there are', async () => {
  const { page } = await open(`/channels?${DAY}`)
  await page.getByRole('button', { name: 'Filter', exact: true }).click()
  await page.getByRole('combobox', { name: /^Value/ }).click()
  await page.getByPlaceholder('Search…').fill('vib')
  await page.waitForFunction(() => document.querySelectorAll('[role="option"]').length === 1)
  await page.locator('[role="option"][data-active-item]', { hasText: 'Viber' }).waitFor()
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Apply' }).click()
  expect(address(page).getAll('channel')).toEqual(['viber'])
})

test('what is copied as curl is what is shown', async () => {
  const { page } = await open(`/channels?${DAY}`)
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.locator('#which').getByRole('button', { name: 'Actions' }).click()
  await page.getByRole('menuitem', { name: 'Copy as curl' }).click()
  await page.getByText('Copied').waitFor()
  const copied = await page.evaluate(() => navigator.clipboard.readText())
  const [, path] = /^curl -s -H "Authorization: Bearer \$KASKAD_KEY" 'http:\/\/[^/]+(\/.+)'$/.exec(copied) ?? []
  const { rows } = await ask<Report<ChannelRow>>(path ?? '')
  expect(await page.locator('#which .dots tr[class^="c-"]').count()).toBe(rows.length)
})

test('a phone has the most used views in a bar, and the others behind it', async () => {
  const { page } = await openPage('ru', 'all')
  await page.setViewportSize({ width: 375, height: 812 })
  await page.goto('/')
  await settled(page)
  const bar = await page.locator('.rail').boundingBox()
  expect(bar && Math.round(bar.y + bar.height)).toBe(812)
  expect(await page.locator('.rail').getByRole('link', { name: 'Каналы' }).isVisible()).toBe(true)
})
