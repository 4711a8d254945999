import { useAnswer } from '../../api/answer'
import { may } from '../../api/client'
import { pathOf, reportPath } from '../../api/paths'
import type { Report } from '../../api/types'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark, channelName } from '../../parts/names'
import { scope } from '../../state/scope'
import type { BestCount, PenetrationRow } from './types'

interface Best {
  readonly channel: string
  readonly read: number
  readonly delivered: number
  readonly unpriced: number
}

/** byChannel puts both kinds of evidence of a channel into one row, the channel that is best for most first. */
function byChannel(rows: readonly BestCount[]): readonly Best[] {
  const found = new Map<string, Best>()
  for (const row of rows) {
    const known = found.get(row.channel) ?? { channel: row.channel, read: 0, delivered: 0, unpriced: 0 }
    found.set(row.channel, { ...known, [row.evidence]: row.people, unpriced: known.unpriced + row.unpriced })
  }
  return [...found.values()].toSorted((a, b) => b.read + b.delivered - a.read - a.delivered)
}

const W = 400

/** BestChannel is of how many people each channel is the best; the file has each person. */
export function BestChannel() {
  const t = w().reach
  const s = scope.value
  const query = { from: s.period.from, to: s.period.to, tz: s.tz, account: s.account || undefined,
    channel: s.filters.channel }
  // Who may see people and no figures has no answer to wait for.
  const first = useAnswer<Report<PenetrationRow>>(may('marketer', 'analyst') ? reportPath('penetration', s) : null)
  const answer = useAnswer<Report<BestCount>>(pathOf('/v1/numbers/best-channel/counts', query),
    first.path === null ? undefined : first)
  return (
    <Card id="best" lines={21} wide title={t.bestChannel} answer={answer}
      whole={pathOf('/v1/numbers/best-channel', { ...query, limit: 'all' })}
      none={<div class="state"><strong>{t.noBest}</strong></div>}
      chart={(data) => <Chart rows={byChannel(data.rows)} />}
      sentence={(data) => {
        const [most] = byChannel(data.rows)
        if (!most) return null
        return (
          <>
            {t.bestWord(channelName(most.channel), most.read + most.delivered)}{' '}
            <span class="muted">{t.bestWhy}</span>
          </>
        )
      }} />
  )
}

function Chart({ rows }: { rows: readonly Best[] }) {
  const t = w().reach
  const most = Math.max(1, ...rows.map((row) => row.read + row.delivered))
  return (
    <table class="dots best">
      <caption class="unseen">{t.bestChannel}</caption>
      <thead>
        <tr>
          <th scope="col"><span class="unseen">{w().dimensions.channel}</span></th><td />
          <th scope="col" class="rate">{t.evidence.read}</th><th scope="col" class="rate">{t.evidence.delivered}</th>
          {rows.some((row) => row.unpriced > 0) ? <th scope="col" class="rate">{t.unpriced}</th> : null}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.channel} class={`c-${row.channel}`}>
            <th scope="row"><ChannelMark channel={row.channel} /></th>
            <td class="plot">
              <svg viewBox={`0 0 ${W} 22`} preserveAspectRatio="none" class="barplot" aria-hidden="true">
                <rect y="5" width={W * row.read / most} height="12" class="front" />
                <rect y="5" x={W * row.read / most} width={W * row.delivered / most} height="12" class="front light" />
              </svg>
            </td>
            <td class="rate">{f.value.count(row.read)}</td>
            <td class="rate">{f.value.count(row.delivered)}</td>
            {rows.some((one) => one.unpriced > 0) ? <td class="rate">{f.value.count(row.unpriced)}</td> : null}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
