import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { ask, openPage, settled, textOf } from '../../../tests/open'
import { NUMBERS } from '../../../tests/numbers'
import { grouped, money, testView } from '../../../tests/view'
import type { ChangeRow, CountRow, DeadSpendRow, List, OneNumber, Verdict } from './types'

// A day on which numbers of tests/numbers.ts were sent to that were dead already.
const PERIOD = 'from=2026-11-06&to=2026-11-07&tz=Europe/Moscow'

async function sum(state: string, rule?: string): Promise<number> {
  const { rows } = await ask<List<CountRow>>('/v1/numbers/counts')
  return rows.filter((row) => row.kind === 'phone' && row.state === state && (rule === undefined || row.rule === rule))
    .reduce((all, row) => all + row.numbers, 0)
}

function asWritten(number: string): string {
  return number.replace(/^email:/, '')
}

testView(`/numbers?${PERIOD}`, async ({ page, language, shows }) => {
  const counts = (await ask<List<CountRow>>('/v1/numbers/counts')).rows.filter((row) => row.kind === 'phone')
  const dead = counts.filter((row) => row.state === 'dead')
  expect(dead.map((row) => row.rule)).toEqual(expect.arrayContaining(['hard', 'soft', 'invalid_format']))
  expect(await page.locator('#dead .headline').innerText()).toBe(grouped(await sum('dead'), language))
  await shows('#dead .reasons', ...dead.map((row) => grouped(row.numbers, language)))
  await shows('#dead', ...counts.filter((row) => row.state !== 'dead').map((row) => grouped(row.numbers, language)))
  const spent = (await ask<List<DeadSpendRow>>(`/v1/reports/dead-spend?group_by=&${PERIOD}`)).rows
  for (const row of spent) {
    await shows('#cost', money(row.avoidable_cost, language), money(row.cost, language),
      grouped(row.attempts, language), grouped(row.delivered, language))
  }
  expect(spent[0]?.attempts).toBe(NUMBERS.hard)
  const list = await ask<List<Verdict>>('/v1/numbers/dead?limit=50')
  expect(await page.locator('#list tbody tr').count()).toBe(list.rows.length)
  await shows('#list', ...list.rows.flatMap((row) =>
    [asWritten(row.number), money(row.wasted_cost, language, row.currency ? '₽' : '')]))
  const changes = await ask<List<ChangeRow>>('/v1/numbers/changes?order=newest&limit=20')
  expect(await page.locator('#changes tbody tr').allInnerTexts()).toHaveLength(changes.rows.length)
  expect(await page.locator('#changes tbody a').allInnerTexts()).toEqual(changes.rows.map((row) =>
    asWritten(row.number)))
})

async function open(query: string, scope = 'crm'): Promise<{ page: Page; complaints: string[] }> {
  const opened = await openPage('en', scope)
  await opened.page.goto(`/numbers?${PERIOD}${query}`)
  await settled(opened.page)
  return opened
}

async function chips(page: Page): Promise<Record<string, number>> {
  const texts = await page.locator('#check-result > .buttons').first().locator('button, .told').allInnerTexts()
  return Object.fromEntries(texts.map((text) => {
    const [, name = '', count = ''] = /^(.*?)\s+([\d,]+)$/s.exec(text) ?? []
    return [name, Number(count.replaceAll(',', ''))]
  }))
}

test('a pasted list is checked, however its numbers are written', async () => {
  const { page, complaints } = await open('')
  const { rows } = await ask<List<Verdict>>('/v1/numbers/dead?limit=1000', 'crm')
  const dead = rows.map((row) => row.number)
  const [first = ''] = dead
  const spaced = `${first.slice(0, 3)} (${first.slice(3, 6)}) ${first.slice(6)}`
  const lines = ['name;phone', ...dead.slice(1), spaced, `Ann;${first}`, '+12025550123', '9161234567', '7,91612E+10']
  await page.getByLabel('Paste numbers, or drop').fill(lines.join('\n'))
  await page.getByRole('button', { name: 'Check', exact: true }).click()
  await page.locator('#check-result').waitFor()
  expect(await chips(page)).toEqual({ dead: dead.length, unknown: 1, 'Not understood': 3, 'Twice in the list': 1 })
  expect((await page.locator('#check-result .sentence').innerText()).replace(/\s/gu, ' '))
    .toContain(`${dead.length} of ${dead.length + 1} numbers are dead`)
  expect((await page.locator('#check-result a.number').allInnerTexts()).toSorted()).toEqual(dead.toSorted())
  await page.getByRole('button', { name: /^Show: Not understood/ }).click()
  const faults = await page.locator('#check-result tbody tr').allInnerTexts()
  expect(faults.map((text) => text.replace(/\s+/g, ' '))).toEqual(['1 name;phone no number in it',
    `${lines.length - 1} 9161234567 no country code`,
    `${lines.length} 7,91612E+10 Excel has shortened it: format the column as text`])
  const [file] = await Promise.all([page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download all' }).click()])
  const csv = await textOf(file)
  expect(csv.trim().split('\r\n')).toHaveLength(1 + dead.length + 1 + 3)
  expect(csv).toContain(`"${lines.indexOf(spaced) + 1}","${spaced}","${first}","dead"`)
  const [kept] = await Promise.all([page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download without dead' }).click()])
  expect(await textOf(kept)).toBe('"number"\r\n"+12025550123"\r\n')
  await page.getByLabel('Country code').fill('7')
  await page.getByRole('button', { name: 'Check', exact: true }).click()
  await page.getByRole('button', { name: /^Show: unknown, 2/ }).waitFor()
  expect(complaints).toEqual([])
})

test('a file of 100 000 lines goes within the limits of the API', async () => {
  const { page, complaints } = await open('')
  const asked: number[] = []
  page.on('request', (request) => {
    if (!request.url().includes('/v1/numbers/check')) return
    asked.push((JSON.parse(request.postData() ?? '{}') as { numbers: string[] }).numbers.length)
  })
  const lines = Array.from({ length: 100_000 }, (_, i) =>
    `"Имя ${i}";8 (9${String(i % 99_000).padStart(2, '0').slice(0, 2)}) ${String(i % 99_000).padStart(7, '0')}`)
  const wanted = new Set(lines.map((line) => line.replace(/^.*;8/, '').replace(/\D/g, ''))).size
  await page.locator('#check input[type=file]').setInputFiles({ name: 'list.csv', mimeType: 'text/csv',
    buffer: Buffer.from(lines.join('\r\n')) })
  await page.getByText('list.csv: 100,000 lines').waitFor()
  await page.getByRole('button', { name: 'Check', exact: true }).click()
  await page.locator('#check-result').waitFor({ timeout: 60_000 })
  // The browser may tell of a request after its answer is shown.
  await expect.poll(() => asked.reduce((all, count) => all + count, 0)).toBe(wanted)
  expect(Math.max(...asked)).toBe(10_000)
  const found = await chips(page)
  expect(found['Twice in the list']).toBe(100_000 - wanted)
  expect((found['unknown'] ?? 0) + (found['dead'] ?? 0) + (found['active'] ?? 0) + (found['suspect'] ?? 0)).toBe(wanted)
  expect(await page.locator('#check-result tbody tr').count()).toBeLessThanOrEqual(200)
  expect(complaints).toEqual([])
})

test('what is dropped and no list is refused with what to do', async () => {
  const { page } = await open('')
  await page.locator('#check input[type=file]').setInputFiles({ name: 'list.xlsx', mimeType: 'application/zip',
    buffer: Buffer.from('PK\u0003\u0004') })
  await page.getByText('Save the sheet as CSV').waitFor()
  const utf16 = Buffer.from('\ufeff+12025550123\r\n', 'utf16le')
  const transfer = await page.evaluateHandle((bytes) => {
    const data = new DataTransfer()
    data.items.add(new File([new Uint8Array(bytes)], 'unicode.txt'))
    return data
  }, [...utf16])
  await page.dispatchEvent('#check', 'drop', { dataTransfer: transfer })
  await page.getByText('unicode.txt: 1 line').waitFor()
  await page.getByRole('button', { name: 'Check', exact: true }).click()
  await page.getByText('None of 1 number is dead').waitFor()
})

test('a verdict is set by hand, seen and taken back', async () => {
  const { page, complaints } = await open('')
  const number = NUMBERS.suspect
  const one = page.locator('#one')
  await one.getByRole('searchbox').fill(`${number.slice(0, 5)} (${number.slice(5)})`)
  await one.getByRole('button', { name: 'Find' }).click()
  await one.locator('.found').getByText('suspect').waitFor()
  await one.getByText('why: 1 hard failure in 1 mailing since 5 Nov 2026: no such subscriber').waitFor()
  expect(new URL(page.url()).search, 'a number goes to no server by the address').not.toContain(number.slice(1))
  await one.getByText('Overrule the evidence').click()
  await one.getByRole('combobox', { name: /^It is/ }).click()
  await page.getByRole('option', { name: 'quarantined' }).click()
  await one.getByLabel('Why', { exact: true }).fill('позвонил <b>сам</b>')
  await one.getByRole('button', { name: 'Set by hand' }).click()
  await one.getByText('Set by hand to “quarantined”').waitFor()
  const path = `/v1/numbers/${encodeURIComponent(number)}`
  const { state, override } = await ask<OneNumber>(path, 'crm')
  expect({ state, why: override?.why, to: override?.state })
    .toEqual({ state: 'quarantined', why: 'позвонил <b>сам</b>', to: 'quarantined' })
  expect(await one.locator('blockquote').innerText()).toBe('позвонил <b>сам</b>')
  expect(await one.innerText()).toContain(`by ${override?.by}`)
  await page.locator('#dead .figures').getByText('quarantined').waitFor()
  await one.getByRole('button', { name: 'Go by the evidence again' }).click()
  await one.getByText('It goes by the evidence').waitFor()
  expect((await ask<OneNumber>(path, 'crm')).override).toBeNull()
  await page.locator('#dead .figures').getByText('quarantined').waitFor({ state: 'detached' })
  await page.reload()
  await one.locator('.found').getByText(number).waitFor()
  expect(complaints).toEqual([])
})

test('what is searched and no number says why', async () => {
  const { page } = await open('')
  const one = page.locator('#one')
  for (const [text, why] of [['Anna', 'no number in it'], ['9161234567', 'no country code']] as const) {
    await one.getByRole('searchbox').fill(text)
    await page.keyboard.press('Enter')
    await one.getByRole('alert').getByText(why).waitFor()
  }
  await one.getByRole('searchbox').fill('+12025550123')
  await page.keyboard.press('Enter')
  await one.getByText('Nothing was ever sent to this number').waitFor()
})

test('a list is filtered by why and exported as a whole', async () => {
  const { page } = await open('')
  const { rows } = await ask<List<Verdict>>('/v1/numbers/dead?limit=1000', 'crm')
  await page.locator('#list').getByRole('button', { name: 'Actions' }).click()
  const [file] = await Promise.all([page.waitForEvent('download'),
    page.getByRole('menuitem', { name: 'Download CSV' }).click()])
  const csv = await textOf(file)
  for (const row of rows) expect(csv).toContain(row.number)
  expect(csv.trim().split('\r\n')).toHaveLength(rows.length + 1)
  const [rule] = new Set(rows.map((row) => row.rule))
  await page.locator('#dead .reasons a').first().click()
  await settled(page)
  const shown = new URL(page.url()).searchParams.get('rule')
  expect(new Set(rows.map((row) => row.rule))).toContain(shown)
  expect(rule).toBeTruthy()
  expect(await page.locator('#list tbody tr').count()).toBe(rows.filter((row) => row.rule === shown).length)
})

test('a marketer sees no numbers', async () => {
  const { page } = await open('', 'marketer')
  expect(await page.locator('.rail').getByRole('link', { name: 'Numbers' }).count()).toBe(0)
  for (const id of ['dead', 'list', 'changes', 'opt-outs']) {
    expect(await page.locator(`#${id}`).innerText(), id).toContain('Your key does not show this')
  }
  expect(await page.locator('main').innerText()).not.toMatch(/\+\d{7}/)
  await page.locator('#one').getByRole('searchbox').fill('+12025550123')
  await page.keyboard.press('Enter')
  await page.locator('#one').getByText('Your key does not show this').waitFor()
  await page.getByLabel('Paste numbers, or drop').fill('+12025550123')
  await page.getByRole('button', { name: 'Check', exact: true }).click()
  await page.locator('#check').getByText('Your key does not show this').waitFor()
})

test('who sees several accounts is told to choose one before a list is checked', async () => {
  const { page } = await open('', 'all')
  await page.getByLabel('Paste numbers, or drop').fill('+12025550123')
  await page.getByRole('button', { name: 'Check', exact: true }).click()
  await page.locator('#check').getByText('Several accounts have numbers').waitFor()
})

test('an account without numbers is told so, and the page stands', async () => {
  const { page } = await open('&account=nobody', 'all')
  await page.locator('#dead').getByText('No number is known yet').waitFor()
  await page.locator('#list').getByText('No number is dead').waitFor()
  await page.locator('#cost').getByText('Nothing was sent to dead numbers').waitFor()
  await page.locator('#changes').getByText('No verdict has changed yet').waitFor()
})
