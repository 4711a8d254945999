// Periods are dates, half-open as in the API: `to` is the first day that is not in it any more.

export const PRESETS = ['today', '7d', '30d', 'last_month'] as const
export type Preset = (typeof PRESETS)[number]

export interface Period {
  readonly preset: Preset | 'custom'
  readonly from: string
  readonly to: string
}

const DAY_MS = 86_400_000
const DATE = /^\d{4}-\d{2}-\d{2}$/

export function isDate(text: string | null): text is string {
  return text !== null && DATE.test(text) && !Number.isNaN(Date.parse(text))
}

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(date) + days * DAY_MS).toISOString().slice(0, 10)
}

function addMonths(firstOfMonth: string, months: number): string {
  const d = new Date(firstOfMonth)
  return new Date(Date.UTC(d.getUTCFullYear(), d.getUTCMonth() + months, 1)).toISOString().slice(0, 10)
}

/** dateIn is the date that a calendar in the zone shows. */
export function dateIn(zone: string, now: Date): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' })
    .format(now)
}

export function presetPeriod(preset: Preset, today: string): Period {
  const tomorrow = addDays(today, 1)
  switch (preset) {
    case 'today':
      return { preset, from: today, to: tomorrow }
    case '7d':
      return { preset, from: addDays(today, -6), to: tomorrow }
    case '30d':
      return { preset, from: addDays(today, -29), to: tomorrow }
    case 'last_month': {
      const first = today.slice(0, 8) + '01'
      return { preset, from: addMonths(first, -1), to: first }
    }
  }
}

/** previous is the period before, of the same length: for a month the month before. */
export function previous(p: Period): Period {
  if (p.from.endsWith('-01') && p.to.endsWith('-01')) {
    const months = (Number(p.to.slice(0, 4)) - Number(p.from.slice(0, 4))) * 12 +
      Number(p.to.slice(5, 7)) - Number(p.from.slice(5, 7))
    if (months > 0) return { preset: 'custom', from: addMonths(p.from, -months), to: p.from }
  }
  const days = Math.round((Date.parse(p.to) - Date.parse(p.from)) / DAY_MS)
  return { preset: 'custom', from: addDays(p.from, -days), to: p.from }
}
