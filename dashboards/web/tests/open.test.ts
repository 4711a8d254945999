// Tests of a worker share pages: what one of them leaves is nothing to the next one.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { openPage, settled } from './open'

let left: Page

test('a test leaves a page with much in it', async () => {
  const { page } = await openPage('en', 'all')
  await page.route('**/v1/**', (route) => route.abort())
  await page.goto('/definitions')
  await page.evaluate(() => localStorage.setItem('of', 'the first'))
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.setViewportSize({ width: 375, height: 800 })
  left = page
})

test('the next one finds nothing of it', async () => {
  const { page } = await openPage('en', '')
  expect(page).toBe(left)
  await page.goto('/definitions')
  await page.getByLabel('Key').waitFor()
  const { of, width, dark, status } = await page.evaluate(async () => ({ of: localStorage.getItem('of'),
    width: innerWidth, dark: matchMedia('(prefers-color-scheme: dark)').matches,
    status: (await fetch('/v1/session')).status }))
  expect({ of, width, dark, status }).toEqual({ of: null, width: 1280, dark: false, status: 401 })
})

test('what is asked after a page was loaded is waited for too', async () => {
  const { page } = await openPage('en', '')
  await page.goto('/definitions')
  await settled(page)
  let answered = false
  await page.route('**/v1/later', async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 300))
    answered = true
    await route.fulfill({ json: {} })
  })
  await page.evaluate(() => {
    void fetch('/v1/later')
  })
  await settled(page)
  expect(answered).toBe(true)
})

test.fails('an error of a script fails the test that met it', async () => {
  const { page } = await openPage('en', '')
  await page.goto('/healthz')
  const met = page.waitForEvent('pageerror')
  await page.evaluate(() => {
    void Promise.reject(new Error('met'))
  })
  await met
})
