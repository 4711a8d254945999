import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { ChannelRow, Report } from '../../api/types'
import { bounded, interval } from '../../charts/dots'
import { Funnel } from '../../charts/funnel'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark, channelName } from '../../parts/names'
import { Table, type Column } from '../../parts/table'
import { scope } from '../../state/scope'

type Counts = 'attempted' | 'sent' | 'delivered' | 'read' | 'clicked' | 'replied' | 'failed' | 'pending' | 'skipped'
type Row = ChannelRow & { readonly channel: string; readonly step: number }

/** stepsPath is the question that the view begins with: what became of each step. */
export function stepsPath(): string {
  return reportPath('channels', scope.value, { group_by: 'step,channel' })
}

export function What() {
  const t = w().campaigns
  const answer = useAnswer<Report<Row>>(stepsPath())
  const all = useAnswer<Report<ChannelRow>>(reportPath('channels', scope.value, { group_by: '' }))
  const total = all.data?.rows[0]
  return (
    <Card id="what" wide title={t.what} answer={answer} report="channels" definition="delivered"
      chart={(data) => (
        <Funnel rows={data.rows.map((row) => ({ ...row, key: keyOf(row), tone: `c-${row.channel}`,
          reported: row.delivery_den,
          label: <span class="step"><b>{f.value.count(row.step)}</b><ChannelMark channel={row.channel} /></span> }))} />
      )}
      table={(data) => <Figures rows={data.rows} />}
      sentence={() => total && total.delivery_rate !== null
        ? w().channels.funnelWord(f.value.rate(total.delivery_rate), total.delivery_den) : null} />
  )
}

function keyOf(row: Row): string {
  return `${row.step} ${row.channel}`
}

function Figures({ rows }: { rows: readonly Row[] }) {
  const t = w().figures
  const count = (key: Counts): Column<Row> =>
    ({ key, head: t[key], show: (row) => f.value.count(row[key]), sort: (row) => row[key] })
  const columns: readonly Column<Row>[] = [
    { key: 'step', head: w().dimensions.step, show: (row) => f.value.count(row.step), sort: (row) => row.step },
    { key: 'channel', head: w().dimensions.channel, kind: 'text', show: (row) => <ChannelMark channel={row.channel} />,
      sort: (row) => channelName(row.channel) },
    { key: 'delivery', head: t.deliveryRate, show: (row) => f.value.rate(row.delivery_rate),
      sort: (row) => row.delivery_rate },
    { key: 'open', head: t.openRate, show: (row) => bounded(row.open_rate, row.open_rate_bound),
      sort: (row) => row.open_rate },
    { key: 'interval', head: t.interval, show: (row) => interval(row.open_rate_low, row.open_rate_high) },
    count('attempted'), count('sent'), count('delivered'), count('read'), count('clicked'), count('replied'),
      count('failed'),
    count('pending'), count('skipped'),
  ]
  return <Table label={w().campaigns.what} columns={columns} rows={rows} rowKey={keyOf}
    first={{ key: 'step', down: false }} />
}
