// What went wrong, in the page's own words. What the API says of it stands below, in English as it comes.
import type { Problem } from '../api/types'
import { w, type Words } from '../i18n'
import { f } from '../i18n/format'
import { FILTERS } from '../state/scope'

/** typeOf is the name of a problem, which programs may compare. */
export function typeOf(problem: Problem): string {
  return problem.type.replace('urn:kaskad:problem:', '')
}

function known(name: string): string | undefined {
  return Object.hasOwn(w().problems, name) ? w().problems[name as keyof Words['problems']] : undefined
}

/** parameterName is what the page calls a parameter of a question. */
function parameterName(name: string): string {
  const t = w()
  if (name === 'from' || name === 'to') return t.period.label
  if (name === 'tz') return t.shell.zone
  if (name === 'account') return t.dimensions.account
  const filter = FILTERS.find((one) => one === name)
  return filter ? t.dimensions[filter] : name
}

/** problemWord says what is wrong and what to do about it; '' where the API alone knows. */
function problemWord(problem: Problem): string {
  const t = w().states
  if (problem.status === 0) return t.away
  const wrong = problem.status === 400 ? problem.errors ?? [] : []
  if (wrong.length > 0) {
    return t.parameter([...new Set(wrong.map((one) => parameterName(one.parameter)))].join(', '))
  }
  const word = known(typeOf(problem)) ?? known(String(problem.status)) ?? ''
  return problem.after === undefined ? word : `${word} ${t.after(f.value.duration(problem.after))}`
}

/** Told is the word, and the API's own below it. */
export function Told({ problem }: { problem: Problem }) {
  const word = problemWord(problem)
  return (
    <>
      {word}
      {problem.status !== 0 && problem.detail
        ? <span lang="en" class={word ? 'detail' : ''}>{problem.detail}</span>
        : null}
    </>
  )
}
