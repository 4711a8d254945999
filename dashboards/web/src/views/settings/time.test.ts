import { expect, test } from 'vitest'
import { readTime, shownTime } from './time'

test('a time is shown as it is typed, and read as it was meant', () => {
  for (const [tz, typed, api] of [
    ['UTC', '2026-01-01', '2026-01-01T00:00:00Z'],
    ['Europe/Moscow', '2026-01-01', '2025-12-31T21:00:00Z'],
    ['Europe/Moscow', '2026-01-01 03:15', '2026-01-01T00:15:00Z'],
    ['Europe/Berlin', '2026-07-01', '2026-06-30T22:00:00Z'],
    // The day on which clocks go forward, before and after they do.
    ['Europe/Berlin', '2026-03-29 01:45', '2026-03-29T00:45:00Z'],
    ['Europe/Berlin', '2026-03-29 03:00', '2026-03-29T01:00:00Z'],
    ['America/New_York', '2026-11-01', '2026-11-01T04:00:00Z'],
    ['America/New_York', '2026-11-02', '2026-11-02T05:00:00Z'],
    ['Asia/Kathmandu', '2026-01-01 05:45', '2026-01-01T00:00:00Z'],
    ['Pacific/Kiritimati', '2026-01-01', '2025-12-31T10:00:00Z'],
  ] as const) {
    expect(readTime(typed, tz), `${tz} ${typed}`).toBe(api)
    expect(shownTime(api, tz), `${tz} ${api}`).toBe(typed)
  }
})

test('what is no time stays as it is, for the API to refuse it', () => {
  for (const text of ['', 'soon', '2026-02-31', '2026-1-1', '2026-01-01 25:00', '2026-01-01 12:60', '01.01.2026']) {
    expect(readTime(text, 'Europe/Moscow')).toBe(text)
  }
  for (const text of ['', 'soon', '2026-02-31', '2026-01-01']) expect(shownTime(text, 'Europe/Moscow')).toBe(text)
  expect(readTime(' 2026-01-01T9:00 ', 'UTC')).toBe('2026-01-01T09:00:00Z')
})
