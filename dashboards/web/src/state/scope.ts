// What every view asks about: account, period, zone and filters, as the address says them.
import { computed, signal } from '@preact/signals'
import { dateIn, isDate, presetPeriod, PRESETS, type Period, type Preset } from './period'
import { url } from './url'

/** FILTERS are the dimensions that the page filters by, named as in the API. */
export const FILTERS = [
  'channel', 'provider', 'campaign', 'template', 'sender', 'app', 'operator', 'country', 'traffic', 'step', 'trigger',
] as const
export type Filter = (typeof FILTERS)[number]

export interface Scope {
  /** account is '' for all. */
  readonly account: string
  readonly period: Period
  readonly compare: boolean
  readonly tz: string
  readonly filters: Readonly<Partial<Record<Filter, readonly string[]>>>
}

/** SHARED are the parameters that stay when another view is opened. */
export const SHARED: readonly string[] = ['account', 'period', 'from', 'to', 'compare', 'tz', ...FILTERS]

export const DEFAULT_PERIOD: Preset = '30d'

export function browserZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'
}

/** clock moves with the hours, so that "today" is not yesterday in a page that was left open. */
export const clock = signal(new Date())
window.setInterval(() => {
  clock.value = new Date()
}, 600_000)

function isZone(name: string | null): name is string {
  if (!name) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

export function readScope(address: URL, now: Date): Scope {
  const q = address.searchParams
  const given = q.get('tz')
  const tz = isZone(given) ? given : browserZone()
  const today = dateIn(tz, now)
  const [from, to, preset] = [q.get('from'), q.get('to'), q.get('period')]
  let period = presetPeriod(PRESETS.find((one) => one === preset) ?? DEFAULT_PERIOD, today)
  if (isDate(from) && isDate(to) && from < to) period = { preset: 'custom', from, to }
  const filters: Partial<Record<Filter, readonly string[]>> = {}
  for (const name of FILTERS) {
    const values = q.getAll(name)
    if (values.length > 0) filters[name] = values
  }
  return { account: q.get('account') ?? '', period, compare: q.get('compare') === '1', tz, filters }
}

export const scope = computed(() => readScope(url.value, clock.value))

/** toView is the address of another view about the same. */
export function toView(path: string, from: URL = url.value): string {
  const q = new URLSearchParams()
  for (const [name, value] of from.searchParams) if (SHARED.includes(name)) q.append(name, value)
  const query = q.toString()
  return query ? `${path}?${query}` : path
}
