// Views that are saved under a name.
import { expect, test } from 'vitest'
import { ask, openPage, settled } from './open'

const DAY = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'

test('a view is saved, opened, renamed, shared and deleted', async () => {
  const { page, complaints } = await openPage('en', 'analyst')
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.goto(`/channels?${DAY}&channel=viber&table=which`)
  await settled(page)
  await page.getByRole('button', { name: 'Saved views' }).click()
  const dialog = page.getByRole('dialog', { name: 'Saved views' })
  await dialog.getByText('Nothing is saved yet').waitFor()
  const name = '<b>Май</b> 🎉 שלום'
  await dialog.getByLabel('Save what is on screen').fill(name)
  await page.keyboard.press('Enter')
  await dialog.getByRole('link', { name }).waitFor()
  const stored = (): Promise<{ views: readonly { name: string; url: string }[] }> => ask('/v1/views', 'analyst')
  const address = new URL(page.url())
  expect((await stored()).views).toEqual([{ name, url: address.pathname + address.search }])
  await dialog.getByLabel('Save what is on screen').fill(name)
  await dialog.getByText('There is a view of this name').waitFor()
  await dialog.getByRole('button', { name: `Rename: ${name}` }).click()
  await dialog.getByLabel('Rename').fill('Viber')
  await page.keyboard.press('Enter')
  await dialog.getByRole('link', { name: 'Viber', exact: true }).waitFor()
  await dialog.getByRole('button', { name: 'Copy link: Viber' }).click()
  await dialog.getByText('Link copied').waitFor()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(page.url())
  await dialog.getByRole('button', { name: 'Close' }).click()
  await page.locator('.rail').getByRole('link', { name: 'Overview' }).click()
  await page.getByRole('button', { name: 'Saved views' }).click()
  await dialog.getByRole('link', { name: 'Viber', exact: true }).click()
  await page.locator('#which .table').waitFor()
  expect(new URL(page.url()).searchParams.getAll('channel')).toEqual(['viber'])
  // Somebody else with the key saves meanwhile: nothing of theirs is lost.
  await page.getByRole('button', { name: 'Saved views' }).click()
  await dialog.getByRole('link', { name: 'Viber', exact: true }).waitFor()
  const other = [...(await stored()).views, { name: 'Other', url: '/savings' }]
  await put(other)
  await dialog.getByRole('button', { name: 'Delete: Viber' }).click()
  await dialog.getByText('changed elsewhere').waitFor()
  await dialog.getByRole('link', { name: 'Other' }).waitFor()
  await dialog.getByRole('button', { name: 'Delete: Viber' }).click()
  await dialog.getByText('was deleted').waitFor()
  expect((await stored()).views.map((one) => one.name)).toEqual(['Other'])
  await dialog.getByRole('button', { name: 'Undo' }).click()
  await dialog.getByRole('link', { name: 'Viber', exact: true }).waitFor()
  expect((await stored()).views).toEqual(other)
  await put([])
  // A conflict is an answer that the browser logs too.
  expect(complaints.filter((one) => !one.includes('412'))).toEqual([])
})

async function put(views: readonly unknown[]): Promise<void> {
  await ask('/v1/views', 'analyst', { views }, 'PUT')
}

test('what names a person is not saved, and the page says so', async () => {
  const { page } = await openPage('ru', 'crm')
  await page.goto('/numbers?number=%2B79161234567')
  await settled(page)
  await page.getByRole('button', { name: 'Сохранённые виды' }).click()
  const dialog = page.getByRole('dialog', { name: 'Сохранённые виды' })
  await dialog.getByLabel('Сохранить то, что на экране').fill('Иван')
  await page.keyboard.press('Enter')
  await dialog.getByRole('alert').filter({ hasText: 'Не сохранено' }).waitFor()
  expect((await ask<{ views: readonly unknown[] }>('/v1/views', 'crm')).views).toEqual([])
})
