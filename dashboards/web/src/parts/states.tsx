// What is shown where there is nothing to show: no data, no right to see them, no answer.
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Answer } from '../api/answer'
import type { Problem } from '../api/types'
import { w } from '../i18n'
import { url, withParams } from '../state/url'
import { addDays, dateIn } from '../state/period'
import { clock, FILTERS, scope } from '../state/scope'
import { Told, typeOf } from './problem'

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

/** Failed says what went wrong and what to do; kept: the last answer stands beside it. */
export function Failed({ problem, retry, kept = false }: { problem: Problem; retry: () => void; kept?: boolean }) {
  const t = w().states
  if (problem.status === 403) return <Forbidden problem={problem} />
  return (
    <div class="state" role="alert">
      <strong>{t.failed}</strong>
      <p><Told problem={problem} />{kept ? ` ${t.lastAnswer}` : ''}</p>
      <div class="buttons">
        <button type="button" class="button" onClick={retry}>{t.retry}</button>
        {problem.status === 400 && url.value.search
          ? <a class="button" href={url.value.pathname}>{t.plain}</a>
          : null}
      </div>
    </div>
  )
}

function Forbidden({ problem }: { problem: Problem }) {
  const t = w().states
  const names: Readonly<Record<string, string>> = w().settings.keys.scopeNames
  const scopes = /needs one of ([a-z ]+), and/.exec(problem.detail)?.[1]?.split(' ').map((one) => names[one] ?? one)
  return (
    <div class="state" role="status">
      <strong>{t.forbidden}</strong>
      <p>{scopes ? t.forbiddenHow(scopes.join(', ')) : <Told problem={problem} />}</p>
      {typeOf(problem) === 'foreign-account'
        ? <a class="button" href={withParams(url.value, { account: null }).href}>{t.ownAccount}</a>
        : null}
    </div>
  )
}

/** Beside is what stands in a card by an answer of its own: it says itself that it waits, or did not come. */
export function Beside<T>({ answer, children }: { answer: Answer<T>; children: (data: T) => ComponentChildren }) {
  if (answer.problem) return <Failed problem={answer.problem} retry={answer.retry} />
  return answer.data === undefined ? <Waiting retry={answer.retry} /> : <>{children(answer.data)}</>
}

const LINE_PX = 28
const DRAWN = 5

// After this long it is said that something is still on its way, and after a minute it can be asked for anew: the
// server ends a question by itself, but what stands between may have lost it.
const SLOW_MS = 4000
const LONG_MS = 60_000

/** Waiting has about the height of what is to come, so that nothing jumps. */
export function Waiting({ lines = DRAWN, retry }: { lines?: number | undefined; retry?: () => void }) {
  const [since, tell] = useState<'' | 'slow' | 'long'>('')
  useEffect(() => {
    const timers = [window.setTimeout(() => tell('slow'), SLOW_MS), window.setTimeout(() => tell('long'), LONG_MS)]
    return () => timers.forEach((one) => window.clearTimeout(one))
  }, [])
  const long = since === 'long' && retry !== undefined
  return (
    <div class="waiting" role="status" aria-label={w().card.loading} style={{ minHeight: `${lines * LINE_PX}px` }}>
      {Array.from({ length: Math.min(lines, DRAWN) }, (_, i) => <span key={i} />)}
      {since === '' ? null : <p class="muted">{long ? w().states.still : w().states.slow}</p>}
      {long ? <button type="button" class="button" onClick={retry}>{w().states.retry}</button> : null}
    </div>
  )
}
