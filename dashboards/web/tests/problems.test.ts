// What the page says when the API refuses: in its own words, with what to do; and that it waits as long as the
// server may.
import type { Page, Route } from 'playwright-core'
import { expect, test } from 'vitest'
import { ask, openPage, settled } from './open'

const DAY = 'from=2026-11-18&to=2026-11-19&tz=Europe/Moscow'
const LINK = `/channels?${DAY}`

interface Problem {
  readonly status: number
  readonly type: string
  readonly detail: string
  readonly errors?: readonly { readonly parameter: string; readonly reason: string }[]
  readonly after?: number
}

function refuse(route: Route, { status, type, detail, errors, after }: Problem): Promise<void> {
  const body = JSON.stringify({ type: `urn:kaskad:problem:${type}`, title: 'A title', status, detail, errors })
  return route.fulfill({ status, body, contentType: 'application/problem+json',
    headers: after === undefined ? {} : { 'Retry-After': String(after) } })
}

/** said is what main says in its own words, what is marked as English aside. */
function said(page: Page): Promise<string> {
  return page.locator('main').evaluate((main) => {
    const copy = main.cloneNode(true) as HTMLElement
    copy.querySelectorAll('[lang="en"]').forEach((one) => one.remove())
    return copy.textContent.replaceAll('\u00a0', ' ')
  })
}

const PROBLEMS: readonly (readonly [Problem, string])[] = [
  [{ status: 503, type: 'too-slow', detail: 'took too long' }, 'Выберите период короче или один аккаунт'],
  [{ status: 429, type: 'too-many-requests', detail: 'asks too often', after: 30 }, 'Сервер просит подождать 30 с'],
  [{ status: 503, type: 'of-tomorrow', detail: 'nobody knows' }, 'Сервер сейчас не может ответить'],
  [{ status: 400, type: 'bad-parameter', detail: 'sender: too long',
    errors: [{ parameter: 'sender', reason: 'is too long' }] }, 'не принимает: Имя отправителя'],
  [{ status: 403, type: 'scope', detail: 'this needs one of marketer analyst, and it has ingest' },
    'Маркетинг, Аналитика'],
]

test('a refusal is told in the words of the page, with what to do, and the API stands beside it', async () => {
  const { page } = await openPage('ru', 'all')
  let problem: Problem | undefined
  let asked = 0
  await page.route('**/v1/reports/**', (route) => {
    asked++
    return problem ? refuse(route, problem) : route.continue()
  })
  for (const [one, word] of PROBLEMS) {
    problem = one
    asked = 0
    await page.goto(LINK)
    await page.locator('main .state').first().waitFor()
    const text = await said(page)
    expect(text).toContain(word)
    expect(text).not.toMatch(/[a-z]{4}/i)
    const detail = page.locator('main [lang="en"]').first()
    if (one.status !== 403) expect(await detail.textContent()).toBe(one.detail)
    // The frame asks two questions and the view one; what is to be asked later is not asked at once.
    expect(asked).toBeLessThan(4)
  }
})

test('what an address asks wrongly is named, and there is a way out', async () => {
  const { page } = await openPage('en', 'all')
  await page.goto(`/channels?${DAY}&channel=pigeon`)
  await page.locator('main [role="alert"]').first().waitFor()
  expect(await said(page)).toContain('does not know or take: Channel')
  await page.getByRole('link', { name: 'Open without all that' }).click()
  await page.locator('#which .dots').waitFor()
})

test('a link of another account leads to the own one', async () => {
  const { page } = await openPage('en', 'analyst')
  await page.goto(`/channels?${DAY}&account=kinozal`)
  await page.getByRole('link', { name: 'To your own account' }).click()
  await page.locator('#which .dots').waitFor()
})

test('a question that takes longer than a minute is waited for, and can be asked anew', async () => {
  const { page } = await openPage('en', 'all')
  await page.clock.install()
  let held: Route | undefined
  let asked = 0
  await page.route('**/v1/reports/groups?**', (route) => {
    asked++
    held = route
  })
  await page.goto(`/campaigns?${DAY}`)
  await page.locator('#mailings .waiting').waitFor()
  await page.clock.runFor(5_000)
  await page.getByText('This takes longer than usual').waitFor()
  await page.clock.runFor(90_000)
  await page.getByText('There is no answer yet').waitFor()
  await page.locator('#mailings').getByRole('button', { name: 'Try again' }).click()
  await expect.poll(() => asked).toBe(2)
  expect(await page.locator('main [role="alert"]').count()).toBe(0)
  await held?.continue()
  await page.locator('#mailings .table').waitFor()
})

test('a table beside a chart says that its own answer did not come', async () => {
  const { page } = await openPage('en', 'all')
  const { rows } = await ask<{ rows: { campaign: string }[] }>(
    `/v1/reports/failures?${DAY}&group_by=campaign&limit=1`)
  const internal: Problem = { status: 500, type: 'internal', detail: 'something went wrong inside' }
  for (const [path, card, own] of [
    [`/campaigns?${DAY}&campaign=${encodeURIComponent(rows[0]?.campaign ?? '')}&table=why`, '#why',
      (q: URLSearchParams) => !q.has('group_by')],
    ['/numbers?from=2026-10-01&to=2026-11-19&tz=Europe/Moscow&table=cost', '#cost',
      (q: URLSearchParams) => q.get('group_by') === 'rule'],
  ] as const) {
    await page.route(/\/v1\/reports\/(failures|dead-spend)\?/, (route) =>
      own(new URL(route.request().url()).searchParams) ? refuse(route, internal) : route.continue())
    await page.goto(path)
    await page.locator(card).getByRole('alert').waitFor()
    expect(await page.locator(`${card} .table`).count()).toBe(0)
    await page.unrouteAll()
    await page.locator(card).getByRole('button', { name: 'Try again' }).click()
    await page.locator(`${card} .table tbody tr`).first().waitFor()
    await settled(page)
  }
})

test('a filter is picked by mouse alone, after its values did not come at first', async () => {
  const { page } = await openPage('en', 'all')
  await page.goto(LINK)
  await settled(page)
  await page.route('**/v1/reports/groups?**', (route) => route.abort())
  await page.getByRole('button', { name: 'Filter', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('alert').waitFor()
  await page.unrouteAll()
  await dialog.getByRole('button', { name: 'Try again' }).click()
  // A click fails where something lies on what is to be clicked.
  await dialog.getByRole('combobox', { name: /^Filter by/ }).click()
  await page.getByRole('option', { name: 'Traffic' }).click()
  await dialog.getByRole('combobox', { name: /^Value/ }).click()
  await page.getByRole('option', { name: 'promo' }).click()
  await dialog.getByRole('button', { name: 'Apply' }).click()
  expect(new URL(page.url()).searchParams.getAll('traffic')).toEqual(['promo'])
})

test('of more values than a list has the server finds what is typed', async () => {
  const { page } = await openPage('en', 'all')
  await page.goto(LINK)
  await settled(page)
  // Two of the values come at first, as of a hundred thousand a thousand would.
  await page.route('**/v1/reports/groups?**', (route) => {
    const url = new URL(route.request().url())
    if (!url.searchParams.has('search')) url.searchParams.set('limit', '2')
    return route.continue({ url: url.href })
  })
  await page.getByRole('button', { name: 'Filter', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('combobox', { name: /^Value/ }).click()
  expect(await page.getByRole('option').count()).toBe(2)
  await page.getByPlaceholder('Search…').fill('insta')
  await page.getByRole('option', { name: 'Instagram' }).click()
  await dialog.getByRole('button', { name: 'Apply' }).click()
  await expect.poll(() => new URL(page.url()).searchParams.getAll('channel')).toEqual(['instagram'])
})
