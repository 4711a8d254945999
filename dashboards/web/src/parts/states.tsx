// What is shown where there is nothing to show: no data, no right to see them, no answer.
import type { Problem } from '../api/types'
import { w } from '../i18n'
import { url, withParams } from '../state/url'
import { addDays, dateIn } from '../state/period'
import { clock, scope } from '../state/scope'

export function Empty() {
  const today = dateIn(scope.value.tz, clock.value)
  const year = withParams(url.value, { period: null, from: addDays(today, -399), to: addDays(today, 1) })
  return (
    <div class="state">
      <strong>{w().states.empty}</strong>
      <p>{w().states.emptyHow}</p>
      <a class="button" href={year.href}>{w().states.wholeYear}</a>
    </div>
  )
}

export function Failed({ problem, retry }: { problem: Problem; retry: () => void }) {
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
      <p>{problem.status === 0 ? w().states.away : <span lang="en">{problem.detail}</span>}</p>
      <button type="button" class="button" onClick={retry}>{w().states.retry}</button>
    </div>
  )
}

/** Waiting has the height of what is to come, so that nothing jumps. */
export function Waiting({ lines = 5 }: { lines?: number }) {
  return (
    <div class="waiting" role="status" aria-label={w().card.loading}>
      {Array.from({ length: lines }, (_, i) => <span key={i} />)}
    </div>
  )
}
