// Amounts that follow each other on one line: each bar begins where the one before ended. It is a table, so a screen
// reader hears the amounts themselves. Where a bar lies is drawn from the amounts; what is printed is the API's text.
import type { ComponentChildren } from 'preact'
import { Hatch, Open } from './hatch'

export interface Fall {
  readonly key: string
  readonly label: ComponentChildren
  /** tone is a class that sets --c, such as that of a channel. */
  readonly tone?: string
  readonly from: number
  readonly to: number
  readonly amount: string
  readonly note?: ComponentChildren
  readonly look?: 'plain' | 'saved' | 'striped' | 'total'
}

const W = 1000
const H = 20

export function Waterfall({ label, rows, head, open = false }: {
  label: string
  rows: readonly Fall[]
  head: { name: string; amount: string; note: string }
  /** open says that the amounts are not final. */
  open?: boolean
}) {
  const ends = rows.flatMap((row) => [row.from, row.to])
  const low = Math.min(0, ...ends)
  const width = Math.max(0, ...ends) - low || 1
  const x = (value: number): number => W * (value - low) / width
  return (
    <table class="fall">
      <caption class="unseen">{label}</caption>
      <thead class="unseen"><tr><th scope="col">{head.name}</th><td /><th scope="col">{head.amount}</th><th scope="col">{head.note}</th></tr></thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.key} class={row.tone}>
            <th scope="row">{row.label}</th>
            <td class="plot">
              <svg viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" aria-hidden="true">
                <defs><Hatch /><Open step={22} /></defs>
                {low < 0 ? <line x1={x(0)} x2={x(0)} y1="0" y2={H} class="zero" /> : null}
                {[`fall-${row.look ?? 'plain'}`, ...(open && row.look !== 'striped' ? ['open'] : [])].map((look) => (
                  <rect key={look} x={Math.min(x(row.from), x(row.to))} y="2" height={H - 4} class={look}
                    width={row.from === row.to ? 0 : Math.max(2, Math.abs(x(row.to) - x(row.from)))} />
                ))}
              </svg>
            </td>
            <td class="rate"><strong>{row.amount}</strong></td>
            <td class="of muted">{row.note}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
