import { useAnswer } from '../../api/answer'
import { before, reportPath } from '../../api/paths'
import type { ChannelRow, Report } from '../../api/types'
import { bounded, Dots, interval, type DotRow } from '../../charts/dots'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark, channelName } from '../../parts/names'
import { Table, type Column } from '../../parts/table'
import { scope } from '../../state/scope'
import { toQuery } from '../../state/url'

type Row = ChannelRow & { readonly channel: string }

/** byRate puts the channel that is read most first, and those that report no reads last. */
function byRate(a: Row, b: Row): number {
  return (b.open_rate ?? -1) - (a.open_rate ?? -1) || b.sent - a.sent
}

export function Which() {
  const t = w().channels
  const s = scope.value
  const answer = useAnswer<Report<Row>>(reportPath('channels', s))
  const earlier = useAnswer<Report<Row>>(s.compare ? reportPath('channels', before(s)) : null)
  return (
    <Card id="which" lines={19} wide title={t.which} answer={answer} report="channels" definition="open"
      chart={(data) => <Chart rows={data.rows} earlier={earlier.data?.rows} />}
      table={(data) => <Figures rows={data.rows} />}
      sentence={(data) => {
        const [best] = data.rows.filter((row) => row.open_rate !== null).toSorted(byRate)
        return best ? t.best(channelName(best.channel), bounded(best.open_rate, best.open_rate_bound), best.open_den)
          : t.noneReads
      }} />
  )
}

// A channel that is the only one already leads nowhere.
function only(channel: string): boolean {
  const chosen = scope.value.filters.channel
  return chosen?.length === 1 && chosen[0] === channel
}

function Chart({ rows, earlier }: { rows: readonly Row[]; earlier: readonly Row[] | undefined }) {
  const t = w().channels
  const most = Math.max(1, ...rows.map((row) => row.attempted))
  const dots = rows.toSorted(byRate).map((row): DotRow => ({
    key: row.channel,
    label: <ChannelMark channel={row.channel} />,
    tone: `c-${row.channel}`,
    rate: row.open_rate,
    low: row.open_rate_low,
    high: row.open_rate_high,
    bound: row.open_rate_bound,
    of: row.open_rate === null ? `${t.tried} ${f.value.count(row.attempted)}` : w().figures.ofDelivered(row.open_den),
    weight: row.attempted / most,
    hatched: !row.mature,
    ...(only(row.channel) ? {} : { to: toQuery({ channel: row.channel }) }),
    before: earlier?.find((one) => one.channel === row.channel)?.open_rate,
    why: t.noReads,
  }))
  return <Dots label={t.which} rows={dots} head={{ name: w().dimensions.channel, rate: w().figures.openRate, of: t.tried }} />
}

function Figures({ rows }: { rows: readonly Row[] }) {
  const t = w().figures
  const count = (key: 'attempted' | 'sent' | 'delivered' | 'read' | 'failed' | 'pending'): Column<Row> =>
    ({ key, head: t[key], show: (row) => f.value.count(row[key]), sort: (row) => row[key] })
  const columns: readonly Column<Row>[] = [
    { key: 'channel', head: w().dimensions.channel, kind: 'text', show: (row) => <ChannelMark channel={row.channel} />,
      sort: (row) => channelName(row.channel) },
    { key: 'open', head: t.openRate, show: (row) => bounded(row.open_rate, row.open_rate_bound), sort: (row) => row.open_rate },
    { key: 'interval', head: t.interval, show: (row) => interval(row.open_rate_low, row.open_rate_high) },
    { key: 'delivery', head: t.deliveryRate, show: (row) => f.value.rate(row.delivery_rate), sort: (row) => row.delivery_rate },
    { key: 'click', head: t.clickRate, show: (row) => f.value.rate(row.click_rate), sort: (row) => row.click_rate },
    { key: 'reply', head: t.replyRate, show: (row) => f.value.rate(row.reply_rate), sort: (row) => row.reply_rate },
    count('attempted'), count('sent'), count('delivered'), count('read'), count('failed'), count('pending'),
  ]
  return <Table label={w().channels.which} columns={columns} rows={rows} rowKey={(row) => row.channel} first={{ key: 'open', down: true }} />
}
