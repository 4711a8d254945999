import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { Report, SavingsRow } from '../../api/types'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark, channelName, nameOf } from '../../parts/names'
import { Table, type Column } from '../../parts/table'
import { scope } from '../../state/scope'

export interface SpendRow {
  readonly provider: string
  readonly channel: string
  readonly currency: string
  readonly attempts: number
  readonly units: number
  readonly cost: string | null
  readonly unpriced: number
  readonly billed_segments: number
  readonly computed_segments: number
  readonly segment_drift: number
  readonly reported_attempts: number
  readonly reported_cost: string | null
  readonly drift: string | null
}

export function Invoice() {
  const t = w().savings
  const all = useAnswer<Report<SavingsRow>>(reportPath('savings', scope.value))
  const answer = useAnswer<Report<SpendRow>>(reportPath('spend', scope.value, { group_by: 'provider,channel' }), all)
  return (
    <Card id="invoice" lines={24} wide title={t.invoice} answer={answer} report="spend" definition="drift"
      table={(data) => <Figures rows={data.rows} />}
      sentence={(data) => {
        const off = data.rows.filter((row) => row.reported_attempts > 0 && row.drift !== null && Number(row.drift) !== 0).length
        return off === 0 ? t.agrees : t.differs(off)
      }} />
  )
}

function Figures({ rows }: { rows: readonly SpendRow[] }) {
  const t = w().savings
  // The API sums what was reported: 0.00 where nothing was, which is not known rather than nothing.
  const amount = (row: SpendRow, key: 'cost' | 'reported_cost' | 'drift'): string | null =>
    key !== 'cost' && row.reported_attempts === 0 ? null : row[key]
  const money = (key: 'cost' | 'reported_cost' | 'drift', head: string): Column<SpendRow> => ({ key, head,
    show: (row) => f.value.money(amount(row, key), row.currency), sort: (row) => amount(row, key) === null ? null : Number(amount(row, key)) })
  const count = (key: 'attempts' | 'units' | 'unpriced' | 'segment_drift', head: string): Column<SpendRow> =>
    ({ key, head, show: (row) => f.value.count(row[key]), sort: (row) => row[key] })
  const columns: readonly Column<SpendRow>[] = [
    { key: 'provider', head: w().dimensions.provider, kind: 'text', show: (row) => <bdi>{nameOf(row.provider)}</bdi>,
      sort: (row) => row.provider },
    { key: 'channel', head: w().dimensions.channel, kind: 'text', show: (row) => <ChannelMark channel={row.channel} />,
      sort: (row) => channelName(row.channel) },
    count('attempts', t.attempts), count('units', t.billed), money('cost', t.computed), money('reported_cost', t.reported),
    money('drift', t.drift), count('segment_drift', t.segmentDrift), count('unpriced', t.unpricedCount),
  ]
  return <Table label={t.invoice} columns={columns} rows={rows} first={{ key: 'cost', down: true }}
    rowKey={(row) => `${row.provider} ${row.channel} ${row.currency}`} />
}
