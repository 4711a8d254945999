import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { ChannelRow, Report } from '../../api/types'
import { bounded } from '../../charts/dots'
import { Heat } from '../../charts/heat'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { channelName } from '../../parts/names'
import { Picker } from '../../parts/picker'
import { Table, type Column } from '../../parts/table'
import { scope } from '../../state/scope'
import { setParams, url } from '../../state/url'

type Row = ChannelRow & { readonly weekday: number; readonly hour_of_day: number }

// Fewer than this say too little about an hour.
const FEWEST = 30

export function When() {
  const t = w().channels
  const s = scope.value
  const channels = useAnswer<Report<ChannelRow & { readonly channel: string }>>(reportPath('channels', s))
  const reading = (channels.data?.rows ?? []).filter((row) => row.open_den > 0)
    .toSorted((a, b) => b.open_den - a.open_den)
  const wanted = url.value.searchParams.get('when')
  const channel = reading.find((row) => row.channel === wanted)?.channel ?? reading[0]?.channel
  const answer = useAnswer<Report<Row>>(channels.data
    ? reportPath('channels', s, { group_by: 'weekday,hour_of_day', ...(channel ? { channel } : {}) }) : null, channels)
  return (
    <Card id="when" lines={11} wide title={t.when} answer={answer} report="channels" definition="open"
      controls={channel
        ? <Picker label={w().dimensions.channel} value={channel} onPick={(to) => setParams({ when: to }, 'replace')}
          options={reading.map((row) => ({ value: row.channel, label: channelName(row.channel) }))} />
        : null}
      chart={(data) => <Map rows={data.rows} />}
      table={(data) => <Figures rows={data.rows} />}
      sentence={(data) => {
        const [best] = enough(data.rows).toSorted((a, b) => (b.open_rate ?? 0) - (a.open_rate ?? 0))
        return best ? t.whenWord(f.value.weekday(best.weekday), hourName(best.hour_of_day), bounded(best.open_rate, best.open_rate_bound))
          : t.noHour
      }} />
  )
}

function enough(rows: readonly Row[]): readonly Row[] {
  return rows.filter((row) => row.open_rate !== null && row.open_den >= FEWEST)
}

function hourName(hour: number): string {
  return `${String(hour).padStart(2, '0')}:00`
}

function Map({ rows }: { rows: readonly Row[] }) {
  const rates = enough(rows).map((row) => row.open_rate ?? 0)
  const cells = new globalThis.Map(rows.map((row) => [row.weekday * 24 + row.hour_of_day, row]))
  return (
    <Heat label={w().channels.when} low={Math.min(...rates, 1)} high={Math.max(...rates, 0)} cell={(day, hour) => {
      const row = cells.get(day * 24 + hour)
      const many = row !== undefined && row.open_den >= FEWEST
      const place = `${f.value.weekday(day)} ${hourName(hour)}`
      return many
        ? { value: row.open_rate, open: !row.mature,
          told: `${place}: ${bounded(row.open_rate, row.open_rate_bound)} ${w().figures.ofDelivered(row.open_den)}` }
        : { value: null, told: `${place}: ${w().channels.few} (${f.value.count(row?.open_den ?? 0)})` }
    }} />
  )
}

function Figures({ rows }: { rows: readonly Row[] }) {
  const t = w()
  const columns: readonly Column<Row>[] = [
    { key: 'weekday', head: t.channels.weekday, kind: 'text', show: (row) => f.value.weekday(row.weekday), sort: (row) => row.weekday },
    { key: 'hour', head: t.channels.hour, show: (row) => hourName(row.hour_of_day), sort: (row) => row.hour_of_day },
    { key: 'open', head: t.figures.openRate, show: (row) => bounded(row.open_rate, row.open_rate_bound), sort: (row) => row.open_rate },
    { key: 'delivered', head: t.figures.delivered, show: (row) => f.value.count(row.open_den), sort: (row) => row.open_den },
    { key: 'read', head: t.figures.read, show: (row) => f.value.count(row.open_num), sort: (row) => row.open_num },
  ]
  return <Table label={t.channels.when} columns={columns} rows={rows} rowKey={(row) => `${row.weekday} ${row.hour_of_day}`} />
}
