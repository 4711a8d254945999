import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { Report, SavingsRow } from '../../api/types'
import { Waterfall, type Fall } from '../../charts/waterfall'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark, channelName } from '../../parts/names'
import { Table, type Column } from '../../parts/table'
import { scope, toView } from '../../state/scope'

export function Saved() {
  const t = w().savings
  const answer = useAnswer<Report<SavingsRow>>(reportPath('savings', scope.value))
  return (
    <Card id="what-saved" lines={22} wide title={t.saved} answer={answer} report="savings" definition="saved_reached"
      chart={(data) => {
        const rows = data.rows.filter((row) => row.saved !== null)
        return rows.length > 0 ? rows.map((row) => <Chart key={row.currency} row={row} />) : <NoPrices />
      }}
      table={(data) => <Paid rows={data.rows} />}
      sentence={(data) => {
        const [row] = data.rows.filter((one) => one.saved !== null)
        if (!row) return null
        const less = !row.saved_reached?.startsWith('-')
        const word = less ? t.savedWord : t.dearerWord
        return word(f.value.money(less ? row.saved_reached : row.saved_reached?.slice(1), row.currency), row.priced_reached,
          f.value.money(row.double_paid, row.currency), data.tariff_version ?? 0)
      }} />
  )
}

function NoPrices() {
  const t = w().savings
  return (
    <div class="state">
      <strong>{t.noPrices}</strong>
      <p>{t.noPricesHow}</p>
      <a class="button" href={toView('/settings')}>{t.setPrices}</a>
    </div>
  )
}

// Lengths are drawn from the amounts; the amounts that are printed are the API's.
function falls(row: SavingsRow): readonly Fall[] {
  const t = w().savings
  const money = (amount: string | null): string => f.value.money(amount, row.currency)
  const all = Number(row.sms_only_cost)
  const paid = Number(row.actual_cost)
  const reached = paid + Number(row.saved_reached)
  let at = 0
  const channels = row.by_channel.filter((one) => Number(one.cost) !== 0).toSorted((a, b) => Number(b.cost) - Number(a.cost))
    .map((one): Fall => {
      const from = at
      at += Number(one.cost)
      return { key: one.channel, label: <ChannelMark channel={one.channel} />, tone: `c-${one.channel}`, from, to: at,
        amount: money(one.cost), note: t.units(one.units) }
    })
  return [
    { key: 'all', label: t.asSMS, from: 0, to: all, amount: money(row.sms_only_cost), note: t.segments(row.sms_segments), look: 'total' },
    ...channels,
    { key: 'paid', label: t.paid, from: 0, to: paid, amount: money(row.actual_cost), note: t.ofMessages(row.priced_messages), look: 'total' },
    { key: 'twice', label: t.twice, from: paid - Number(row.double_paid), to: paid, amount: money(row.double_paid),
      note: t.unread(money(row.double_paid_unread)), look: 'striped' },
    { key: 'reached', label: t.reached, from: paid, to: reached, amount: money(row.saved_reached),
      note: t.onReached(row.priced_reached), look: 'saved' },
    { key: 'unreached', label: t.unreached, from: reached, to: all, amount: money(row.saved_unreached), note: t.noSaving,
      look: 'striped' },
    ...(row.minimum_top_up !== null && Number(row.minimum_top_up) !== 0 ? [{ key: 'minimum', label: t.minimum, from: paid,
      to: paid + Number(row.minimum_top_up), amount: money(row.minimum_top_up), note: t.afterMinimum(money(row.saved_after_minimum)),
      look: 'total' as const }] : []),
  ]
}

function Chart({ row }: { row: SavingsRow }) {
  const t = w().savings
  return <Waterfall label={t.saved} rows={falls(row)} open={!row.mature}
    head={{ name: w().dimensions.channel, amount: t.paid, note: t.note }} />
}

interface ChannelCost {
  readonly channel: string
  readonly attempts: number
  readonly units: number
  readonly cost: string
  readonly currency: string
}

function Paid({ rows }: { rows: readonly SavingsRow[] }) {
  const t = w()
  const costs = rows.flatMap((row) => row.by_channel.map((one): ChannelCost => ({ ...one, currency: row.currency })))
  const columns: readonly Column<ChannelCost>[] = [
    { key: 'channel', head: t.dimensions.channel, kind: 'text', show: (row) => <ChannelMark channel={row.channel} />,
      sort: (row) => channelName(row.channel) },
    { key: 'attempts', head: t.savings.attempts, show: (row) => f.value.count(row.attempts), sort: (row) => row.attempts },
    { key: 'units', head: t.savings.billed, show: (row) => f.value.count(row.units), sort: (row) => row.units },
    { key: 'cost', head: t.savings.paid, show: (row) => f.value.money(row.cost, row.currency), sort: (row) => Number(row.cost) },
  ]
  return <Table label={t.savings.saved} columns={columns} rows={costs} first={{ key: 'cost', down: true }}
    rowKey={(row) => `${row.channel} ${row.currency}`} />
}
