// The frame of all views: who asks, what is asked, and what happens when there is no answer.
import type { Page } from 'playwright-core'
import { expect, inject, test } from 'vitest'
import type { ChannelRow, Report } from '../src/api/types'
import { ask, openPage, settled, goTo } from './open'
import { NOW } from './service'

const DAY = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'
const REPORTS = '**/v1/reports/**'

async function open(path: string, scope = 'all', language: 'en' | 'ru' = 'en'): Promise<{ page: Page; complaints: string[] }> {
  const opened = await openPage(language, scope)
  await opened.page.goto(path)
  await settled(opened.page)
  return opened
}

function address(page: Page): URLSearchParams {
  return new URL(page.url()).searchParams
}

test('a key is asked for, and a session ends', async () => {
  const { page } = await open('/channels', '')
  const { keys } = inject('service')
  await page.getByLabel('Key').fill('kaskad_wrong')
  await page.keyboard.press('Enter')
  await page.getByText('This key is not known here').waitFor()
  await page.getByLabel('Key').fill(keys['marketer'] ?? '')
  await page.keyboard.press('Enter')
  await page.locator('#which').waitFor()
  expect(await page.evaluate(() => JSON.stringify(Object.entries(localStorage)) + document.cookie)).not.toContain('kaskad_')
  await page.getByRole('button', { name: 'Preferences' }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByLabel('Key').waitFor()
  await page.reload()
  await page.getByLabel('Key').waitFor()
})

test('a session that ends in the middle says so, and one goes on where one was', async () => {
  // A session of its own: that of the other tests goes on.
  const { page } = await open('/channels', '')
  const { keys } = inject('service')
  const signIn = async (key: string): Promise<void> => {
    await page.getByLabel('Key').fill(keys[key] ?? '')
    await page.keyboard.press('Enter')
    await page.locator('#which').waitFor()
  }
  await signIn('analyst')
  await settled(page)
  await page.getByRole('button', { name: /^Period/ }).click()
  // What is still asked when the session ends would tell of it before the click.
  await settled(page)
  await page.context().clearCookies()
  await page.getByRole('button', { name: '7 days' }).click()
  await page.getByText('The session is over. Sign in again.').waitFor()
  const questions: string[] = []
  page.on('request', (request) => questions.push(new URL(request.url()).pathname))
  await signIn('marketer')
  await settled(page)
  expect(address(page).get('period')).toBe('7d')
  // What the key before was shown is not shown to this one.
  await expect.poll(() => questions).toContain('/v1/reports/channels')
  expect(await page.getByRole('alert').count()).toBe(0)
})

test('who asks is waited for in sight', async () => {
  const { page } = await openPage('en', 'all')
  let go = (): void => undefined
  const wait = new Promise<void>((resolve) => {
    go = resolve
  })
  await page.route('**/v1/session', async (route) => {
    await wait
    await route.continue()
  })
  await page.goto(`/channels?${DAY}`)
  await page.locator('main[aria-busy="true"] .waiting').waitFor()
  go()
  await page.locator('#which').waitFor()
})

test('a marketer sees his account, no money and no numbers', async () => {
  const { page, complaints } = await open(`/?${DAY}`, 'marketer')
  expect(await page.locator('.account').innerText()).toBe('lavka')
  expect(await page.locator('#arrive').count()).toBe(1)
  expect(await page.locator('#saved').count()).toBe(0)
  for (const name of ['Numbers', 'Savings', 'Settings', 'Data quality']) {
    expect(await page.locator('.rail').getByRole('link', { name, exact: true }).count(), name).toBe(0)
  }
  await page.goto(`/channels?${DAY}`)
  await settled(page)
  const { rows } = await ask<Report<ChannelRow & { channel: string }>>(`/v1/reports/channels?${DAY}`, 'marketer')
  expect(await page.locator('#what li[class^="c-"]').count()).toBe(rows.length)
  expect(complaints).toEqual([])
})

test('nothing is asked of another host', async () => {
  const { page } = await openPage('en', 'all')
  const hosts = new Set<string>()
  page.on('request', (request) => hosts.add(new URL(request.url()).origin))
  await page.goto('/')
  await settled(page)
  for (const path of ['/channels', '/definitions']) await goTo(page, path)
  expect([...hosts]).toEqual([inject('service').base])
})

test('an error says what to do, keeps what was there, and goes away', async () => {
  const { page } = await open(`/channels?${DAY}`)
  const before = await page.locator('#which .dots').innerText()
  await page.route(REPORTS, (route) => route.abort())
  await page.getByRole('button', { name: /^Period/ }).click()
  await page.getByRole('button', { name: '7 days' }).click()
  const which = page.locator('#which')
  await which.getByRole('alert').getByText('What you see is the last answer').waitFor()
  expect(await which.locator('.dots').innerText()).toBe(before)
  await page.unroute(REPORTS)
  await which.getByRole('button', { name: 'Try again' }).click()
  await which.locator('.content:not(.old)').waitFor()
  expect(await which.getByRole('alert').count()).toBe(0)

  // Where nothing was there, it is said once.
  await page.route(REPORTS, (route) => route.abort())
  await page.goto(`/savings?${DAY}`)
  await page.locator('#nothing [role=alert]').waitFor()
  expect(await page.locator('main').innerText()).not.toContain('What you see')
  expect(await page.locator('main .card').evaluateAll((all) => all.map((one) => one.id))).toEqual(['nothing', 'what-if'])
})

test('while an answer is slow the last one is greyed, with its age', async () => {
  const { page } = await open(`/channels?${DAY}`)
  let go = (): void => undefined
  const wait = new Promise<void>((resolve) => {
    go = resolve
  })
  await page.route(REPORTS, async (route) => {
    await wait
    await route.continue()
  })
  await page.getByRole('button', { name: /^Period/ }).click()
  await page.getByRole('button', { name: 'Last month' }).click()
  await page.locator('#which .old .dots').waitFor()
  await page.clock.setFixedTime(Date.parse(NOW) + 30_000)
  await page.locator('#which').getByText(/Showing the answer from .* ago/).waitFor()
  go()
  await page.locator('#which .content:not(.old)').waitFor()
  expect(await page.locator('#which').getByText(/Showing the answer from/).count()).toBe(0)
})

test('no data is said, with a way on', async () => {
  const { page } = await open(`/channels?${DAY}&account=nobody`)
  const state = page.locator('main .state')
  await state.getByText('No messages in this period').waitFor()
  expect(await page.locator('main .card').count()).toBe(1)
  await state.getByRole('link', { name: 'Show the last 400 days' }).click()
  await state.getByText('No messages yet').waitFor()
  expect(await state.getByRole('link', { name: 'How to send events' }).getAttribute('href')).toBe('/docs')
  expect(address(page).get('from')).toBe('2025-10-17')
  expect(address(page).get('account')).toBe('nobody')
})

test('a key that may not see something is told what it needs', async () => {
  const { page } = await open(`/channels?${DAY}`, 'crm')
  expect(await page.locator('main').innerText()).toContain('It takes a key for one of these: Analytics, Marketing, Administration.')
})
