// What is shown where there is nothing to show: no data, no right to see them, no answer.
import { useEffect, useState } from 'preact/hooks'
import type { Problem } from '../api/types'
import { w } from '../i18n'
import { url, withParams } from '../state/url'
import { addDays, dateIn } from '../state/period'
import { clock, FILTERS, scope } from '../state/scope'

export function Empty() {
  const t = w().states
  const { tz, period, filters } = scope.value
  const today = dateIn(tz, clock.value)
  const year = { from: addDays(today, -399), to: addDays(today, 1) }
  const filtered = Object.keys(filters).length > 0
  // Who has looked at all there can be is told how data come.
  const whole = period.from <= year.from && period.to >= year.to
  return (
    <div class="state">
      <strong>{filtered ? t.emptyFiltered : whole ? t.emptyEver : t.empty}</strong>
      <p>{filtered ? t.emptyFilteredHow : whole ? t.emptyEverHow : t.emptyHow}</p>
      {filtered
        ? <a class="button" href={withParams(url.value, Object.fromEntries(FILTERS.map((one) => [one, null]))).href}>{w().shell.clearFilters}</a>
        : whole ? <a class="button" href="/docs">{t.howToSend}</a>
        : <a class="button" href={withParams(url.value, { period: null, ...year }).href}>{t.wholeYear}</a>}
    </div>
  )
}

/** Failed says what went wrong; kept: the last answer stands beside it. */
export function Failed({ problem, retry, kept = false }: { problem: Problem; retry: () => void; kept?: boolean }) {
  const scopes = /needs one of ([a-z ]+), and/.exec(problem.detail)?.[1]
  if (problem.status === 403) {
    return (
      <div class="state" role="status">
        <strong>{w().states.forbidden}</strong>
        <p>{scopes ? w().states.forbiddenHow(scopes) : <span lang="en">{problem.detail}</span>}</p>
      </div>
    )
  }
  return (
    <div class="state" role="alert">
      <strong>{w().states.failed}</strong>
      <p>{problem.status === 0 ? `${w().states.away}${kept ? ` ${w().states.lastAnswer}` : ''}` : <span lang="en">{problem.detail}</span>}</p>
      <button type="button" class="button" onClick={retry}>{w().states.retry}</button>
    </div>
  )
}

const LINE_PX = 28
const DRAWN = 5

// After this long it is said that something is still on its way.
const SLOW_MS = 4000

/** Waiting has about the height of what is to come, so that nothing jumps. */
export function Waiting({ lines = DRAWN }: { lines?: number }) {
  const [slow, tell] = useState(false)
  useEffect(() => {
    const timer = window.setTimeout(() => tell(true), SLOW_MS)
    return () => window.clearTimeout(timer)
  }, [])
  return (
    <div class="waiting" role="status" aria-label={w().card.loading} style={{ minHeight: `${lines * LINE_PX}px` }}>
      {Array.from({ length: Math.min(lines, DRAWN) }, (_, i) => <span key={i} />)}
      {slow ? <p class="muted">{w().states.slow}</p> : null}
    </div>
  )
}
