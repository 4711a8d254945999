// Keys alone, from the login to a saved price list: what has the focus is seen, and what closes gives it back.
import type { Page } from 'playwright-core'
import { expect, inject, test } from 'vitest'
import { openPage, settled } from './open'

const DAY = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'
// An account of its own: what is set here moves no figure of another test.
const ACCOUNT = 'page-keys'
const NUMBER = '+12025550177'
// What a row of a price list is typed from, in the order of its cells.
const CELLS = [['billing', 'per segment sent'], ['price', '2.50'], ['currency', 'RUB']] as const
// A walk through five views, stop by stop.
const WALK_MS = 180_000
// More stops than any view of the walk has.
const MOST_STOPS = 150

/** unseen says what hides the focus: nothing marks it, it is outside of the window, or something lies on it. */
function unseen(page: Page): Promise<string> {
  return page.evaluate(() => {
    const at = document.activeElement
    if (!at || at === document.body) return 'nothing has the focus'
    const text = at.getAttribute('aria-label') ?? at.textContent?.slice(0, 40)
    const name = `${at.tagName} ${at.id} ${at.className} ${text}`
    const style = getComputedStyle(at)
    const marked = style.outlineStyle !== 'none' && style.outlineWidth !== '0px'
    if (!marked && !at.matches('[data-active-item]')) return `unmarked: ${name}`
    const box = at.getBoundingClientRect()
    const middle = [box.left + box.width / 2, box.top + Math.min(box.height / 2, 12)] as const
    const over = document.elementFromPoint(...middle)
    // What a figure tells when it has the focus may lie on it.
    return over && (at.contains(over) || over.contains(at) || over.querySelector('.tip'))
      ? ''
      : `covered by ${over?.className}: ${name}`
  })
}

/** tabTo goes on by Tab until what has the focus matches, and sees the focus on its way. */
async function tabTo(page: Page, selector: string, key = 'Tab'): Promise<void> {
  for (let stops = 0; stops < MOST_STOPS; stops++) {
    await page.keyboard.press(key)
    const hidden = await unseen(page)
    // Past the last stop the browser's own bar would have it.
    if (!hidden.startsWith('nothing')) expect(hidden).toBe('')
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return
  }
  throw new Error(`${key} does not lead to ${selector}`)
}

/** has waits until what matches has the focus. */
async function has(page: Page, selector: string): Promise<void> {
  await page.waitForFunction((wanted) => document.activeElement?.matches(wanted), selector).catch(async () => {
    const at = await page.evaluate(() => document.activeElement?.outerHTML.slice(0, 200))
    throw new Error(`${selector} has no focus, but ${at}`)
  })
}

/** choose opens the menu that has the focus and goes down to an entry. */
async function choose(page: Page, entry: string): Promise<void> {
  // One that closes has to be gone.
  await page.locator('[role="menu"]').waitFor({ state: 'detached' })
  await page.keyboard.press('Enter')
  // On a busy machine the first entry may not have it yet: the menu takes the arrows as well.
  await has(page, '[role="menu"], [role="menuitem"]')
  for (;;) {
    const at = await page.evaluate(() => document.activeElement?.textContent)
    if (at === entry) break
    await page.keyboard.press('ArrowDown')
    await page.waitForFunction((before) => document.activeElement?.textContent !== before, at)
  }
  await page.keyboard.press('Enter')
}

test('keys alone lead from the login to files, a verdict and a price list', async () => {
  const { page, complaints } = await openPage('en', '')
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.goto(`/?${DAY}&channel=viber&channel=sms`)
  await page.getByLabel('Key').waitFor()
  await has(page, 'input') // shown first, and given the focus then
  await page.keyboard.type(inject('service').keys['all'] ?? '')
  await page.keyboard.press('Enter')
  await page.locator('#arrive .figures').waitFor()
  await has(page, '#content')

  // The first stop of a page leads past the rail; the rail leads to another view, and keeps the focus.
  await tabTo(page, '.rail a[href^="/channels"]', 'Shift+Tab')
  await page.keyboard.press('Enter')
  await page.locator('#which .dots').waitFor()
  await settled(page)
  await has(page, '.rail a[href^="/channels"][aria-current="page"]')
  await tabTo(page, '.skip', 'Shift+Tab')
  await page.keyboard.press('Enter')
  await has(page, '#content')

  // A filter that is removed leaves the focus among the filters.
  await tabTo(page, '.chip', 'Shift+Tab')
  await page.keyboard.press('Enter')
  await has(page, '.filters')
  await tabTo(page, '[aria-label^="Period"]', 'Shift+Tab')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog', { name: 'Period' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog', { name: 'Period' }).waitFor({ state: 'detached' })
  await has(page, '[aria-label^="Period"]')
  await page.keyboard.press('Enter')
  await has(page, '[role="dialog"], [role="dialog"] *')
  await tabTo(page, '.presets .button:nth-child(2)')
  await page.keyboard.press('Enter')
  await has(page, '[aria-label^="Period"]')
  expect(new URL(page.url()).searchParams.get('period')).toBe('7d')
  await settled(page)

  await tabTo(page, '#which header [aria-haspopup="menu"]')
  await choose(page, 'Table')
  await page.locator('#which .table').waitFor()
  await has(page, '#which header [aria-haspopup="menu"]')
  for (const [entry, end] of [['Download CSV', /\.csv$/], ['Download XLSX', /\.xlsx$/]] as const) {
    const file = page.waitForEvent('download')
    await choose(page, entry)
    expect((await file).suggestedFilename()).toMatch(end)
    await has(page, '#which header [aria-haspopup="menu"]')
  }
  await tabTo(page, '#which th:nth-child(3) ~ th .sort')
  await page.keyboard.press('Enter')
  await page.locator('#which th:nth-child(4)[aria-sort]').waitFor()
  await tabTo(page, '#which header [aria-haspopup="menu"]', 'Shift+Tab')
  await choose(page, 'Definition')
  await has(page, '.definitions .here')

  // A mailing is opened from the list.
  await tabTo(page, '.rail a[href^="/campaigns"]', 'Shift+Tab')
  await page.keyboard.press('Enter')
  await page.locator('#mailings tbody a').first().waitFor()
  await settled(page)
  await tabTo(page, '#mailings tbody a')
  const mailing = await page.evaluate(() => document.activeElement?.querySelector('bdi')?.textContent)
  await page.keyboard.press('Enter')
  await page.locator('#what').waitFor()
  await settled(page)
  expect(await page.locator('.card-head h2').textContent()).toBe(mailing)
  await has(page, '#content')
  await tabTo(page, '.card-head a')
  await page.goBack()
  await page.locator('#mailings tbody a').first().waitFor()

  // Prices of an account are seen before they are saved.
  await tabTo(page, '.rail a[href^="/settings"]', 'Shift+Tab')
  await page.keyboard.press('Enter')
  await page.locator('#account form').waitFor()
  await tabTo(page, '#account .field')
  await page.keyboard.type(ACCOUNT)
  await page.keyboard.press('Enter')
  await page.locator('#list .tools').waitFor()
  await settled(page)
  await tabTo(page, '#list .tools .button')
  await page.keyboard.press('Enter')
  await has(page, '[data-field="channel"] .cell')
  await page.keyboard.type('SMS')
  for (const [field, typed] of CELLS) {
    await tabTo(page, `[data-field="${field}"] .cell`)
    await page.keyboard.type(typed)
  }
  await page.locator('.draft .badge.good').waitFor()
  await tabTo(page, '.draft .button.primary')
  await page.keyboard.press('Enter')
  await page.locator('.dialog').getByText('1 added, 0 changed, 0 removed').waitFor()
  await tabTo(page, '.dialog .field')
  await page.keyboard.type('agreed on the phone')
  await tabTo(page, '.dialog .button.primary')
  await page.keyboard.press('Enter')
  await page.locator('#list').getByText(/Saved as version/).waitFor()
  await has(page, '#list')
  await settled(page)

  // A verdict is set by hand, with why, and taken back.
  await tabTo(page, '.rail a[href^="/numbers"]', 'Shift+Tab')
  await page.keyboard.press('Enter')
  await page.locator('#one form').waitFor()
  await settled(page)
  await tabTo(page, '#one [type="search"]')
  await page.keyboard.type(NUMBER)
  await page.keyboard.press('Enter')
  await page.locator('#one .found').waitFor()
  await tabTo(page, '#one summary')
  await page.keyboard.press('Enter')
  await tabTo(page, '#one [role="combobox"]')
  await page.keyboard.press('Enter')
  await page.getByRole('option', { name: 'active' }).waitFor()
  await page.keyboard.press('Escape')
  // An Enter that comes before the list is gone chooses from it.
  await page.getByRole('option', { name: 'active' }).waitFor({ state: 'hidden' })
  await has(page, '#one [role="combobox"]')
  // Not dead, for other tests count those that are. A list that is still closing may swallow the key that opens it.
  const first = page.locator('[role="option"][data-active-item]', { hasText: 'dead' })
  for (let tries = 3; tries > 0 && !(await first.isVisible()); tries--) {
    await page.keyboard.press('Enter')
    await first.waitFor({ timeout: 5000 }).catch(() => undefined)
  }
  await first.waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.locator('#one [role="combobox"]', { hasText: 'active' }).waitFor()
  await tabTo(page, '#one .by-hand .field')
  await page.keyboard.type('she has called')
  await page.keyboard.press('Enter')
  await page.locator('#one blockquote', { hasText: 'she has called' }).waitFor()
  await has(page, '#one .by-hand .field')
  await tabTo(page, '#one .by-hand .button', 'Shift+Tab')
  await tabTo(page, '#one .by-hand > .button', 'Shift+Tab')
  await page.keyboard.press('Enter')
  await page.locator('#one').getByText('It goes by the evidence').waitFor()
  await has(page, '#one, #one *')
  // Browsers log that nobody was known before the login, and that a row is refused while it is typed.
  expect(complaints.filter((one) => !/status of (401|422)/.test(one))).toEqual([])
}, WALK_MS)
