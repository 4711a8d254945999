import { expect, test } from 'vitest'
import { parseList, readNumber } from './parse'

test('a number is read however it is written', () => {
  const same = ['+79161234567', '+7 (916) 123-45-67', '+7\u00a0916\u00a0123‑45‑67', ' 8 (916) 123 45 67',
    '79161234567', '007 916 123 45 67',
    '"+7.916.123.45.67"', '\u202a+7 916 123-45-67\u202c', 'tel:+7-916-123-45-67', '＋７９１６１２３４５６７', '+٧٩١٦١٢٣٤٥٦٧',
      "'+79161234567",
    '+7–916—123−45/67', '[+7] 916 123 45 67']
  for (const given of same) expect(readNumber(given), given).toMatchObject({ number: '+79161234567' })
  expect(readNumber('+44 (0)20 7946 0958')).toMatchObject({ number: '+442079460958' })
  expect(readNumber('Anna <anna+shop@example.com>')).toMatchObject({ number: 'email:anna+shop@example.com' })
  expect(readNumber('email:a@b.ru')).toMatchObject({ number: 'email:a@b.ru' })
})

test('what is not sure is told and not guessed', () => {
  const faults = { '9161234567': 'code', '020 7946 0958': 'code', '+0791612345': 'zero', '+791612': 'short',
    '12345': 'short', '+7916123456712345': 'long',
    '7,91612E+10': 'excel', '7.91612e+10': 'excel', 'Anna': 'none', '+7 916 12A 45 67': 'none', '84951234567': 'code',
      '@': 'none' }
  for (const [given, wrong] of Object.entries(faults)) expect(readNumber(given), given).toEqual({ wrong })
})

test('a country code completes what has none', () => {
  const cases: [string, string, string][] = [['9161234567', '7', '+79161234567'], ['84951234567', '7', '+74951234567'],
    ['7012345678', '7', '+77012345678'],
    ['020 7946 0958', '44', '+442079460958'], ['442079460958', '44', '+442079460958'],
      ['(415) 555-2671', '1', '+14155552671'],
    ['14155552671', '1', '+14155552671'], ['+49 30 901820', '44', '+4930901820']]
  for (const [given, code, number] of cases) expect(readNumber(given, code), given).toMatchObject({ number })
})

test('columns, lists in a line, duplicates and lines that hold nothing', () => {
  const list = parseList('\ufeffname;phone;since\r\nАнна;8 (916) 123-45-67;2024-01-01\r\n\r\n' +
    '"Bob, Jr",+79161234568\n+79161234567 +79161234569\n' +
    '+79161234570, 123456, x@y.com\r89161234571 89161234572\nnobody\n7,91612E+10;Ann')
  expect(list.numbers.map((one) => one.number)).toEqual(['+79161234567', '+79161234568', '+79161234569',
    '+79161234570', 'email:x@y.com',
    '+79161234571', '+79161234572'])
  expect(list.numbers[1]).toMatchObject({ line: 4, given: '+79161234568' })
  expect(list.twice).toBe(1)
  expect(list.completed).toBe(3)
  expect(list.misread).toEqual([{ line: 1, given: 'name;phone;since', wrong: 'none' },
    { line: 6, given: '123456', wrong: 'short' },
    { line: 8, given: 'nobody', wrong: 'none' }, { line: 9, given: '7,91612E+10;Ann', wrong: 'excel' }])
})

test('a hundred thousand lines take no time worth waiting for', () => {
  const lines = Array.from({ length: 100_000 }, (_, i) =>
    `Имя ${i};8 (916) ${String(i % 90_000).padStart(7, '0')};${'x'.repeat(20)}`)
  const began = performance.now()
  const list = parseList(lines.join('\n'))
  expect(list.numbers).toHaveLength(90_000)
  expect(list.twice).toBe(10_000)
  expect(performance.now() - began).toBeLessThan(20_000)
})
