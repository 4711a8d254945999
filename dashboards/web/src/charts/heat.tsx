// Days by hours as a table of cells. A cell with too little behind it is hatched, and says how little.
import { useState } from 'preact/hooks'
import { w } from '../i18n'
import { f } from '../i18n/format'

export interface HeatCell {
  /** value colours the cell; null hatches it. */
  readonly value: number | null
  readonly told: string
  /** open cells are not final. */
  readonly open?: boolean
}

const HOURS = Array.from({ length: 24 }, (_, hour) => hour)
const DAYS = [1, 2, 3, 4, 5, 6, 7]

export function Heat({ label, cell, low, high }: {
  label: string
  cell: (weekday: number, hour: number) => HeatCell
  /** low and high are the ends of the palette; without a cell that has a colour low is above high. */
  low: number
  high: number
}) {
  const [told, tell] = useState('')
  const shade = (value: number): string => {
    const share = high > low ? (value - low) / (high - low) : 1
    return (0.08 + 0.84 * Math.min(1, Math.max(0, share))).toFixed(3)
  }
  return (
    <>
      <div class="heat-scroll" tabIndex={0} role="region" aria-label={label}>
        <table class="heat">
          <caption class="unseen">{label}</caption>
          <thead>
            <tr><th scope="col"><span class="unseen">{w().channels.weekday}</span></th>
              {HOURS.map((hour) => <th key={hour} scope="col">{hour % 6 === 0 ? hour : <span class="unseen">{hour}</span>}</th>)}
            </tr>
          </thead>
          <tbody onMouseLeave={() => tell('')}>
            {DAYS.map((day) => (
              <tr key={day}>
                <th scope="row">{f.value.weekday(day)}</th>
                {HOURS.map((hour) => {
                  const { value, told: text, open } = cell(day, hour)
                  return (
                    <td key={hour} class={value === null ? 'few' : open ? 'open' : ''}
                      style={value === null ? {} : { '--share': shade(value) }}
                      onMouseEnter={() => tell(text)} title={text}>
                      <span class="unseen">{text}</span>
                    </td>
                  )
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="heat-told" aria-hidden="true">{told || (low <= high ? <Ramp low={low} high={high} /> : null)}</p>
    </>
  )
}

function Ramp({ low, high }: { low: number; high: number }) {
  return (
    <span class="ramp">
      {f.value.rate(low)}
      <svg viewBox="0 0 5 1" preserveAspectRatio="none">
        {[0, 1, 2, 3, 4].map((i) => <rect key={i} x={i} width="1" height="1" fill="rgb(var(--heat))" fillOpacity={0.08 + 0.21 * i} />)}
      </svg>
      {f.value.rate(high)}
    </span>
  )
}
