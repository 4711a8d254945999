import { useAnswer } from '../../api/answer'
import { before, reportPath } from '../../api/paths'
import type { ChannelRow, Report } from '../../api/types'
import { bounded, interval } from '../../charts/dots'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { Figure, Figures } from '../../parts/figure'
import { Why } from '../../parts/why'
import { scope } from '../../state/scope'

export function Arrive() {
  const t = w().overview
  const s = scope.value
  const answer = useAnswer<Report<ChannelRow>>(reportPath('channels', s, { group_by: '' }))
  const earlier = useAnswer<Report<ChannelRow>>(s.compare ? reportPath('channels', before(s), { group_by: '' }) : null)
  const was = earlier.data?.rows[0]
  return (
    <Card id="arrive" title={t.arrive} answer={answer} report="channels" definition="open"
      chart={(data) => {
        const [row] = data.rows
        if (!row) return null
        return (
          <Figures>
            <Figure main name={t.read} value={<Rate row={row} />} of={w().figures.ofDelivered(row.open_den)}
              before={was && bounded(was.open_rate, was.open_rate_bound)} />
            <Figure name={t.delivered} value={f.value.rate(row.delivery_rate)} of={w().figures.ofSent(row.delivery_den)}
              before={was && f.value.rate(was.delivery_rate)} />
            <Figure name={t.sent} value={f.value.count(row.sent)} of={t.attempts} before={was && f.value.count(was.sent)} />
            <Figure name={t.optOuts} of={t.optOutsOf}
              value={[row.unsubscribe_num, row.block_num, row.complaint_num].map(f.value.count).join(' · ')} />
          </Figures>
        )
      }}
      sentence={(data) => {
        const [row] = data.rows
        return row && row.open_rate !== null ? t.word(bounded(row.open_rate, row.open_rate_bound), row.open_den) : null
      }} />
  )
}

function Rate({ row }: { row: ChannelRow }) {
  const t = w().figures
  const why = row.open_rate === null ? w().states.unknown
    : `${t.interval}: ${interval(row.open_rate_low, row.open_rate_high)}. ${row.open_rate_bound ? t.bounds[row.open_rate_bound] : ''}`
  return <Why text={why}>{bounded(row.open_rate, row.open_rate_bound)}</Why>
}
