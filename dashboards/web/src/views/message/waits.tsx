// Events that wait: nothing has said yet when their message was submitted.
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { ChannelMark } from '../../parts/names'
import { Table, type Column } from '../../parts/table'
import type { Parked } from './answer'
import { statusName } from './happened'

export function Waits({ rows }: { rows: readonly Parked[] }) {
  const t = w()
  const columns: readonly Column<Parked>[] = [
    { key: 'at', head: t.message.when, kind: 'text', show: (row) => f.value.moment(row.occurred_at) },
    { key: 'step', head: t.dimensions.step, show: (row) => f.value.count(row.step) },
    { key: 'channel', head: t.dimensions.channel, kind: 'text', show: (row) => <ChannelMark channel={row.channel} /> },
    { key: 'provider', head: t.dimensions.provider, kind: 'text', show: (row) => <bdi>{row.provider}</bdi> },
    { key: 'status', head: t.campaigns.state, kind: 'text', show: (row) => statusName(row.status) },
    { key: 'parked', head: t.message.parkedAt, kind: 'text', show: (row) => f.value.moment(row.parked_at) },
  ]
  return (
    <section class="card wide" id="waits" aria-labelledby="waits-title">
      <header><h2 id="waits-title">{t.message.waits}</h2></header>
      <Table label={t.message.waits} columns={columns} rows={rows}
        rowKey={(row) => `${row.step} ${row.status} ${row.occurred_at}`} />
      <p class="muted">{t.message.waitsHow}</p>
    </section>
  )
}
