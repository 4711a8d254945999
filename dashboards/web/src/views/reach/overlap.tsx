// Which of the largest channels reach the same people: a row for each set of them, as an upset plot has it.
import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { Report } from '../../api/types'
import { interval } from '../../charts/dots'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark, channelName } from '../../parts/names'
import { Why } from '../../parts/why'
import { scope } from '../../state/scope'
import { byReach } from './penetration'
import { Sets } from './sets'
import type { OverlapRow, PenetrationRow } from './types'

const LARGEST = 3
const W = 100

export function Overlap() {
  const t = w().reach
  const s = scope.value
  const channels = useAnswer<Report<PenetrationRow>>(reportPath('penetration',
    { ...s, filters: { ...s.filters, channel: [] } }))
  const largest = (channels.data?.rows ?? []).filter((row) => row.reached > 0).toSorted(byReach).slice(0, LARGEST)
    .map((row) => row.channel)
  const few = channels.data !== undefined && largest.length < 2
  const answer = useAnswer<Report<OverlapRow>>(channels.data
    ? reportPath('overlap', s, few ? {} : { channel: largest }) : null, channels)
  return (
    <Card id="overlap" lines={24} title={t.overlap} answer={answer} report="overlap"
      chart={(data) => few ? <p>{t.only}</p> : <Upset rows={data.rows} channels={largest} />}
      table={(data) => <Sets label={t.overlap} rows={data.rows} none={t.none} />}
      sentence={(data) => {
        if (few) return null
        const all = data.rows.find((row) => row.channels.split(',').length === largest.length && row.channels !== '')
        return all ? t.overlapWord(all.people, f.value.rate(all.share)) : null
      }} />
  )
}

function told(row: OverlapRow): string {
  return `${f.value.rate(row.share)} ${w().reach.ofPeople(row.audience)}. ${w().figures.interval}: ${
    interval(row.share_low, row.share_high)}`
}

function Upset({ rows, channels }: { rows: readonly OverlapRow[]; channels: readonly string[] }) {
  const t = w().reach
  const most = Math.max(1, ...rows.map((row) => row.people))
  return (
    <table class="upset">
      <caption class="unseen">{t.overlap}</caption>
      <thead>
        <tr>
          {channels.map((one) => <th key={one} scope="col"><ChannelMark channel={one} /></th>)}
          <td /><th scope="col">{t.people}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => {
          const on = row.channels.split(',')
          return (
            <tr key={row.channels}>
              {channels.map((one) => (
                <td key={one} class={`c-${one}`}>
                  <span class={on.includes(one) ? 'in' : 'out'} role="img"
                    aria-label={on.includes(one) ? t.on(channelName(one)) : t.not(channelName(one))} />
                </td>
              ))}
              <td class="plot" aria-hidden="true">
                <svg viewBox={`0 0 ${W} 12`} preserveAspectRatio="none">
                  <rect width={W * row.people / most} height="12" />
                </svg>
              </td>
              <td class="rate">
                <Why text={told(row)}>
                  <strong>{f.value.count(row.people)}</strong>
                </Why>
                <span class="muted"> {f.value.rate(row.share)}</span>
              </td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
