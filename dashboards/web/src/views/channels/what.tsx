import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { ChannelRow, FailureRow, Report } from '../../api/types'
import { bounded } from '../../charts/dots'
import { Funnel } from '../../charts/funnel'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark, channelName, nameOf, reasonName } from '../../parts/names'
import { Beside } from '../../parts/states'
import { Table, type Column } from '../../parts/table'
import { scope } from '../../state/scope'

type Row = ChannelRow & { readonly channel: string }

export function What() {
  const t = w().channels
  const answer = useAnswer<Report<Row>>(reportPath('channels', scope.value))
  const failures = useAnswer<Report<FailureRow>>(reportPath('failures', scope.value), answer)
  const all = useAnswer<Report<ChannelRow>>(reportPath('channels', scope.value, { group_by: '' }), answer)
  const total = all.data?.rows[0]
  return (
    <Card id="what" lines={28} wide title={t.funnel} answer={answer} report="channels" definition="delivered"
      chart={(data) => (
        <Funnel rows={data.rows.toSorted((a, b) => b.attempted - a.attempted).map((row) => ({
          ...row, key: row.channel, label: <ChannelMark channel={row.channel} />, tone: `c-${row.channel}`,
          reported: row.delivery_den, told: told(row),
        }))} />
      )}
      table={() => <Beside answer={failures}>{({ rows }) => <Failures rows={rows} />}</Beside>}
      sentence={() => total ? t.funnelWord(f.value.rate(total.delivery_rate), total.delivery_den) : null} />
  )
}

function told(row: Row): string {
  const t = w().figures
  return [`${t.deliveryRate}: ${f.value.rate(row.delivery_rate)} ${t.ofSent(row.delivery_den)}`,
    `${t.openRate}: ${bounded(row.open_rate, row.open_rate_bound)} ${t.ofDelivered(row.open_den)}`].join('\n')
}

export function Failures({ rows }: { rows: readonly FailureRow[] }) {
  const columns: readonly Column<FailureRow>[] = [
    { key: 'channel', head: w().dimensions.channel, kind: 'text', show: (row) => <ChannelMark channel={row.channel} />,
      sort: (row) => channelName(row.channel) },
    { key: 'provider', head: w().dimensions.provider, kind: 'text',
      show: (row) => <bdi>{nameOf(row.provider)}</bdi>, sort: (row) => row.provider },
    { key: 'reason', head: w().channels.why, kind: 'text', show: (row) => reasonName(row.reason), sort: (row) => reasonName(row.reason) },
    { key: 'code', head: w().channels.code, kind: 'text',
      show: (row) => <bdi>{row.error_code}</bdi>, sort: (row) => row.error_code },
    { key: 'count', head: w().figures.failed, show: (row) => f.value.count(row.count), sort: (row) => row.count },
    { key: 'share', head: w().channels.shareOfFailed, show: (row) => f.value.rate(row.share_rate), sort: (row) => row.share_rate },
  ]
  return <Table label={w().channels.failures} columns={columns} rows={rows} first={{ key: 'count', down: true }}
    rowKey={(row) => [row.channel, row.provider, row.reason, row.error_code].join(' ')} />
}
