// Small multiples: a figure by week as bars, the weeks before as a thin line behind. It is decoration of the table that
// has the figures; the newest figure stands beside its name.
import type { ComponentChildren } from 'preact'
import { Open } from './hatch'

export interface WeekBar {
  readonly key: string
  readonly value: number | null
  /** before is the figure of as many weeks earlier. */
  readonly before: number | null
  /** told says all of it in words. */
  readonly told: string
  readonly open: boolean
}

const W = 240
const H = 56

export function Weeks({ name, newest, bars }: { name: string; newest: ComponentChildren; bars: readonly WeekBar[] }) {
  const top = Math.max(...bars.flatMap((one) => [one.value ?? 0, one.before ?? 0])) || 1
  const wide = W / bars.length
  const y = (value: number): number => H - 2 - ((H - 6) * value) / top
  const line = bars
    .map((one, i) => (one.before === null ? null : `${i * wide + wide / 2},${y(one.before)}`))
    .filter((one) => one !== null)
    .join(' ')
  return (
    <figure class="weeks">
      <figcaption>
        <span class="muted">{name}</span>
        <strong>{newest}</strong>
      </figcaption>
      <svg viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" aria-hidden="true">
        <defs>
          <Open />
        </defs>
        <line x1="0" x2={W} y1={H - 1} y2={H - 1} class="weeks-base" />
        {bars.map((one, i) =>
          one.value === null ? null : (
            <g key={one.key}>
              <title>{one.told}</title>
              <rect x={i * wide} width={wide} y="0" height={H} fill="transparent" />
              <rect
                x={i * wide + 3}
                width={wide - 6}
                y={y(one.value)}
                height={H - 2 - y(one.value)}
                class="weeks-bar"
              />
              {one.open ? (
                <rect x={i * wide + 3} width={wide - 6} y={y(one.value)} height={H - 2 - y(one.value)} class="open" />
              ) : null}
            </g>
          )
        )}
        {line ? <polyline points={line} class="weeks-before" /> : null}
      </svg>
    </figure>
  )
}
