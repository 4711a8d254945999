// The cards of a view. Where none of them has anything to show, one card says so and what to do next.
import type { ComponentChildren } from 'preact'
import type { Answer } from '../api/answer'
import { Empty } from './states'

/** Cards are those that show rows of an answer, and what stands before and behind them in any case. */
export function Cards({ of, first, children, always }: {
  of: Answer<{ readonly rows: readonly unknown[] }>
  first?: ComponentChildren
  children: ComponentChildren
  always?: ComponentChildren
}) {
  return (
    <div class="cards">
      {first}
      {!of.stale && of.data?.rows.length === 0 ? <Nothing /> : children}
      {always}
    </div>
  )
}

export function Nothing() {
  return <section class="card wide" id="nothing"><Empty /></section>
}
