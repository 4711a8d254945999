import { interval } from '../../charts/dots'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { ChannelMark } from '../../parts/names'
import { Table, type Column } from '../../parts/table'
import type { OverlapRow } from './types'

// Thirteen channels make thousands of sets; the largest ones are what a person reads.
const MOST = 50

/** Sets lists sets of channels with the people that they reach; none is the name of the empty one. */
export function Sets({ label, rows, none }: { label: string; rows: readonly OverlapRow[]; none: string }) {
  const t = w().reach
  const columns: readonly Column<OverlapRow>[] = [
    { key: 'channels', head: t.set, kind: 'text', show: (row) => row.channels === '' ? none
      : <span class="marks">{row.channels.split(',').map((one) => <ChannelMark key={one} channel={one} />)}</span> },
    { key: 'people', head: t.people, show: (row) => f.value.count(row.people), sort: (row) => row.people },
    { key: 'share', head: t.rate, show: (row) => f.value.rate(row.share), sort: (row) => row.share },
    { key: 'interval', head: w().figures.interval, show: (row) => interval(row.share_low, row.share_high) },
  ]
  return <Table label={label} columns={columns} rows={rows} rowKey={(row) => row.channels} most={MOST}
    first={{ key: 'people', down: true }} />
}
