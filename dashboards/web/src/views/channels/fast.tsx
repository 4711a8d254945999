import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { ChannelRow, Report } from '../../api/types'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark, channelName } from '../../parts/names'
import { Table, type Column } from '../../parts/table'
import { scope } from '../../state/scope'

type Row = ChannelRow & { readonly channel: string }

export function Fast() {
  const t = w().channels
  const answer = useAnswer<Report<Row>>(reportPath('channels', scope.value))
  return (
    <Card id="fast" title={t.fast} answer={answer} report="channels" definition="time_to_read"
      table={(data) => <Figures rows={data.rows} />}
      sentence={(data) => {
        const [first] = data.rows.filter((row) => row.time_to_read_p50 !== null)
          .toSorted((a, b) => (a.time_to_read_p50 ?? 0) - (b.time_to_read_p50 ?? 0))
        return first ? t.fastWord(channelName(first.channel), f.value.duration(first.time_to_read_p50)) : t.noneFast
      }} />
  )
}

function Figures({ rows }: { rows: readonly Row[] }) {
  const t = w()
  const seconds = (key: keyof Row & `time_to_${string}`, head: string): Column<Row> =>
    ({ key, head, show: (row) => f.value.duration(row[key]), sort: (row) => row[key] })
  const columns: readonly Column<Row>[] = [
    { key: 'channel', head: t.dimensions.channel, kind: 'text', show: (row) => <ChannelMark channel={row.channel} />,
      sort: (row) => channelName(row.channel) },
    seconds('time_to_read_p50', t.channels.half), seconds('time_to_read_p90', t.channels.most),
    seconds('time_to_read_p99', t.channels.nearlyAll),
  ]
  return <Table label={t.channels.fast} columns={columns} rows={rows.filter((row) => row.time_to_read_p50 !== null)}
    rowKey={(row) => row.channel} first={{ key: 'time_to_read_p50', down: false }} />
}
