// One badge: fresh, late, or wrong.
import { useEffect } from 'preact/hooks'
import { useAnswer } from '../api/answer'
import { pathOf } from '../api/paths'
import type { Report } from '../api/types'
import { may } from '../api/client'
import { w } from '../i18n'
import { f } from '../i18n/format'
import { Why } from '../parts/why'
import { scope } from '../state/scope'

const LATE_SECONDS = 300
const EVERY_MS = 30_000

export function Freshness() {
  const t = w().freshness
  // An empty grouping is one row: the cheapest question that says how far the figures are.
  const { data, problem, retry } = useAnswer<Report<unknown>>(may('marketer', 'analyst')
    ? pathOf('/v1/reports/channels', { group_by: '', limit: '1', account: scope.value.account || undefined }) : null)
  useEffect(() => {
    const timer = window.setInterval(() => {
      if (!document.hidden) retry()
    }, EVERY_MS)
    return () => window.clearInterval(timer)
  }, [])
  if (problem) return <span class="badge bad" role="status">{problem.status === 0 ? t.away : t.unknown}</span>
  if (!data) return null
  if (!data.as_of || data.lag_seconds === null) return <span class="badge" role="status">{t.none}</span>
  const late = data.lag_seconds > LATE_SECONDS
  const ago = f.value.duration(Math.round(data.lag_seconds))
  return (
    <span role="status">
      <Why text={`${t.asOf} ${f.value.time(data.as_of)}. ${t.explain}`}>
        <span class={late ? 'badge bad' : 'badge good'}>{late ? t.late(ago) : t.fresh(ago)}</span>
      </Why>
    </span>
  )
}
