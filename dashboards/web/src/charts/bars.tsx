// Shares of all as bars on one line from 0 to 100 %: what was tried is faint, what was reached is in front of it with
// its 95 % interval. It is a table, so a screen reader hears the figures themselves.
import type { ComponentChildren } from 'preact'
import { f, NONE } from '../i18n/format'
import { Why } from '../parts/why'

export interface Bar {
  readonly key: string
  readonly label: ComponentChildren
  /** tone is a class that sets --c, such as that of a channel. */
  readonly tone?: string
  readonly share: number | null
  readonly low: number | null
  readonly high: number | null
  /** behind is the share that is drawn faint. */
  readonly behind?: number | null
  /** shown is the figure, and why says more of it. */
  readonly shown: string
  readonly why: string
  readonly of: ComponentChildren
}

const SCALE = [0, 0.25, 0.5, 0.75, 1]
const W = 400
const H = 22

function x(share: number): number {
  return 1 + share * (W - 2)
}

function Plot({ bar }: { bar: Bar }) {
  const { share, low, high, behind } = bar
  return (
    <svg viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" class="barplot" aria-hidden="true">
      {SCALE.map((at) => <line key={at} x1={x(at)} x2={x(at)} y1="0" y2={H} class="grid" />)}
      {behind != null ? <rect x={x(0)} y="2" width={x(behind) - x(0)} height={H - 4} class="behind" /> : null}
      {share !== null ? <rect x={x(0)} y="5" width={x(share) - x(0)} height={H - 10} class="front" /> : null}
      {low !== null && high !== null ? <line x1={x(low)} x2={x(high)} y1={H / 2} y2={H / 2} class="interval" /> : null}
    </svg>
  )
}

export function Bars({ label, rows, head }: {
  label: string
  rows: readonly Bar[]
  head: { name: string; share: string; of: string }
}) {
  return (
    <table class="dots">
      <caption class="unseen">{label}</caption>
      <thead class="unseen">
        <tr><th scope="col">{head.name}</th><td /><th scope="col">{head.share}</th><th scope="col">{head.of}</th></tr>
      </thead>
      <tbody>
        <tr class="axis" aria-hidden="true">
          <td />
          <td class="plot"><span>{SCALE.map((at) => <i key={at}>{f.value.whole(at)}</i>)}</span></td>
          <td /><td />
        </tr>
        {rows.map((bar) => (
          <tr key={bar.key} class={bar.tone}>
            <th scope="row">{bar.label}</th>
            <td class="plot"><Plot bar={bar} /></td>
            <td class="rate"><Why text={bar.why}><strong>{bar.share === null ? NONE : bar.shown}</strong></Why></td>
            <td class="of muted">{bar.of}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
