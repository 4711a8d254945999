// What tests of the settings share.
import type { Page } from 'playwright-core'
import { inject } from 'vitest'
import { openPage, settled } from '../../../tests/open'

export const ZONE = 'tz=Europe/Moscow'

/** call asks the API as what has no page would. */
export async function call(method: string, path: string, body?: unknown, key = 'all'): Promise<Response> {
  const { base, keys } = inject('service')
  return fetch(base + path, {
    method,
    headers: { 'Authorization': `Bearer ${keys[key] ?? key}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

/** open opens the settings on a screen that is wide enough for their tables. */
export async function open(path: string, scope = 'all', language: 'en' | 'ru' = 'en'): Promise<Page> {
  const { page } = await openPage(language, scope)
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(path)
  await settled(page)
  return page
}
