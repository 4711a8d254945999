import { useAnswer } from '../../api/answer'
import { before, reportPath } from '../../api/paths'
import type { Report } from '../../api/types'
import { bounded, interval } from '../../charts/dots'
import { w } from '../../i18n'
import { f, NONE } from '../../i18n/format'
import { Card } from '../../parts/card'
import { Figure, Figures } from '../../parts/figure'
import { scope } from '../../state/scope'
import type { GroupRow } from './rows'

export function Sum() {
  const t = w()
  const s = scope.value
  const answer = useAnswer<Report<GroupRow>>(reportPath('groups', s, { group_by: '' }))
  const earlier = useAnswer<Report<GroupRow>>(s.compare ? reportPath('groups', before(s), { group_by: '' }) : null)
  const was = earlier.data?.rows[0]
  return (
    <Card id="read" wide title={t.campaigns.isRead} answer={answer} report="groups" definition="open"
      chart={(data) => {
        const [row] = data.rows
        if (!row) return null
        const between = row.open_rate === null ? t.channels.noReads
          : `${interval(row.open_rate_low, row.open_rate_high)} ${t.figures.ofDelivered(row.open_den)}`
        return (
          <Figures>
            <Figure main name={t.figures.openRate} value={bounded(row.open_rate, row.open_rate_bound)} of={between}
              before={was && bounded(was.open_rate, was.open_rate_bound)} />
            <Figure name={t.figures.deliveryRate} value={f.value.rate(row.delivery_rate)}
              of={t.figures.ofSent(row.delivery_den)}
              before={was && f.value.rate(was.delivery_rate)} />
            <Figure name={t.figures.sent} value={f.value.count(row.sent)} of={t.overview.attempts}
              before={was && f.value.count(was.sent)} />
            <Figure name={t.figures.replied} value={f.value.count(row.replied)} of={f.value.rate(row.reply_rate)} />
            <Figure name={t.campaigns.start} value={row.first_at ? f.value.time(row.first_at) : NONE} />
          </Figures>
        )
      }} />
  )
}
