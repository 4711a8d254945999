// The cards of a view. Where none of them has anything to show, or what the view is about did not come, one card says
// so and what to do next.
import type { ComponentChildren } from 'preact'
import type { Answer } from '../api/answer'
import { Empty, Failed } from './states'

/** Cards are those that show rows of an answer, and what stands before and behind them in any case. */
export function Cards({ of, first, children, always }: {
  of: Answer<{ readonly rows: readonly unknown[] }>
  first?: ComponentChildren
  children: ComponentChildren
  always?: ComponentChildren
}) {
  const lost = of.problem && (!of.data || of.problem.status === 403) ? of.problem : undefined
  return (
    <div class="cards">
      {first}
      {lost
        ? <section class="card wide" id="nothing"><Failed problem={lost} retry={of.retry} /></section>
        : !of.stale && of.data?.rows.length === 0 ? <Nothing /> : children}
      {always}
    </div>
  )
}

export function Nothing() {
  return <section class="card wide" id="nothing"><Empty /></section>
}
