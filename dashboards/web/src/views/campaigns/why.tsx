import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { FailureRow, Report } from '../../api/types'
import { Waterfall } from '../../charts/waterfall'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark, reasonName } from '../../parts/names'
import { Beside } from '../../parts/states'
import { scope } from '../../state/scope'
import { Failures } from '../channels/what'

// The most frequent ones; the table has them all, with providers and codes.
const SHOWN = 10

export function Why() {
  const t = w().campaigns
  const classes = useAnswer<Report<FailureRow>>(reportPath('failures', scope.value, { group_by: 'channel,reason' }))
  const codes = useAnswer<Report<FailureRow>>(reportPath('failures', scope.value))
  return (
    <Card id="why" wide title={t.why} answer={classes} report="failures" definition="share_rate"
      none={<p class="state">{t.noFailures}</p>}
      chart={(data) => <Reasons rows={data.rows.toSorted((a, b) => b.count - a.count).slice(0, SHOWN)} />}
      table={() => <Beside answer={codes}>{({ rows }) => <Failures rows={rows} />}</Beside>}
      sentence={() => t.whyWord} />
  )
}

function Reasons({ rows }: { rows: readonly FailureRow[] }) {
  const t = w()
  return (
    <Waterfall label={t.campaigns.why} head={{ name: t.channels.why, amount: t.figures.failed,
      note: t.channels.shareOfFailed }}
      rows={rows.map((row) => ({ key: `${row.channel} ${row.reason}`, tone: `c-${row.channel}`, from: 0, to: row.count,
        label: <><ChannelMark channel={row.channel} />: {reasonName(row.reason)}</>, amount: f.value.count(row.count),
        note: t.campaigns.ofFailed(f.value.rate(row.share_rate), row.share_den) }))} />
  )
}
