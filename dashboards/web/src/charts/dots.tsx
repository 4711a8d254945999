// Rates as dots on a line from 0 to 100 %, each with its 95 % interval, sorted by who asks. It is a table, so a screen
// reader hears the figures themselves. An arrowhead says that the truth lies beyond the dot.
import type { ComponentChildren } from 'preact'
import type { Bound } from '../api/types'
import { w } from '../i18n'
import { f, NONE } from '../i18n/format'
import { Why } from '../parts/why'
import { Open } from './hatch'

export interface DotRow {
  readonly key: string
  readonly label: ComponentChildren
  /** tone is a class that sets --c, such as that of a channel. */
  readonly tone: string
  readonly rate: number | null
  readonly low: number | null
  readonly high: number | null
  readonly bound: Bound
  /** of is the denominator in words. */
  readonly of: string
  /** weight is the length of the faint bar behind the dot: the row's share of the largest row, 0…1. */
  readonly weight: number
  /** hatched rows are not final. */
  readonly hatched?: boolean
  /** to is the address that a click on the row opens. */
  readonly to?: string
  /** before is the rate one period earlier. */
  readonly before?: number | null | undefined
  /** why says what it means that there is no rate. */
  readonly why?: string
}

/** bounded prints a rate with ≥ or ≤ where it is a bound. */
export function bounded(rate: number | null, bound: Bound): string {
  if (rate === null) return NONE
  const sign = bound === 'lower' ? '≥\u00a0' : bound === 'upper' ? '≤\u00a0' : bound === 'mixed' ? '≈\u00a0' : ''
  return sign + f.value.rate(rate)
}

export function interval(low: number | null, high: number | null): string {
  return low === null || high === null ? NONE : `${f.value.rate(low)} – ${f.value.rate(high)}`
}

const SCALE = [0, 0.25, 0.5, 0.75, 1]
const W = 400
const H = 22

function Plot({ row }: { row: DotRow }) {
  const x = (share: number): number => 7 + share * (W - 14)
  const { rate, low, high, bound } = row
  const weight = Math.max(0, x(row.weight) - x(0))
  return (
    <svg viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" class="dotplot" aria-hidden="true">
      {row.hatched ? <defs><Open /></defs> : null}
      <rect x={x(0)} y="3" width={weight} height={H - 6} class="weight" />
      {row.hatched ? <rect x={x(0)} y="3" width={weight} height={H - 6} class="open" /> : null}
      {SCALE.map((at) => <line key={at} x1={x(at)} x2={x(at)} y1="0" y2={H} class="grid" />)}
      {row.before != null ? <line x1={x(row.before)} x2={x(row.before)} y1="3" y2={H - 3} class="before" /> : null}
      {low !== null && high !== null ? <line x1={x(low)} x2={x(high)} y1={H / 2} y2={H / 2} class="interval" /> : null}
      {rate !== null ? <line x1={x(rate)} x2={x(rate)} y1={H / 2} y2={H / 2} class="point" /> : null}
      {rate !== null && (bound === 'lower' || bound === 'mixed') ? <Arrow at={Math.min(x(Math.max(high ?? rate, rate)) + 4, W - 6)} way={1} /> : null}
      {rate !== null && (bound === 'upper' || bound === 'mixed') ? <Arrow at={Math.max(x(Math.min(low ?? rate, rate)) - 4, 6)} way={-1} /> : null}
    </svg>
  )
}

function Arrow({ at, way }: { at: number; way: 1 | -1 }) {
  return <path d={`M${at} ${H / 2 - 4}l${way * 5} 4l${-way * 5} 4`} class="arrow" />
}

export function Dots({ label, rows, head }: { label: string; rows: readonly DotRow[]; head: { name: string; rate: string; of: string } }) {
  const t = w().figures
  return (
    <table class="dots">
      <caption class="unseen">{label}</caption>
      <thead class="unseen">
        <tr><th scope="col">{head.name}</th><td /><th scope="col">{head.rate}</th><th scope="col">{head.of}</th></tr>
      </thead>
      <tbody>
        <tr class="axis" aria-hidden="true">
          <td />
          <td class="plot"><span>{SCALE.map((at) => <i key={at}>{f.value.whole(at)}</i>)}</span></td>
          <td /><td />
        </tr>
        {rows.map((row) => (
          <tr key={row.key} class={row.tone}>
            <th scope="row">{row.to ? <a class="through" href={row.to}>{row.label}</a> : row.label}</th>
            <td class="plot">
              {row.rate === null ? <span class="muted">{row.why}</span>
                : row.to ? <a href={row.to} tabIndex={-1} aria-hidden="true"><Plot row={row} /></a>
                  : <Plot row={row} />}
            </td>
            <td class="rate">
              {row.rate === null
                ? <Why text={row.why ?? w().states.unknown}>{NONE}</Why>
                : (
                  <Why text={[`${t.interval}: ${interval(row.low, row.high)}, ${row.of}.`,
                    row.bound ? t.bounds[row.bound] : '', row.hatched ? `${w().card.notFinal}. ${w().card.notFinalWhy}` : ''].join(' ')}>
                    <strong>{bounded(row.rate, row.bound)}</strong>
                  </Why>
                )}
            </td>
            <td class="of muted">{row.of}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
