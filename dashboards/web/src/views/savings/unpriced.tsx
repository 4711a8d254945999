import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { Report, SavingsRow } from '../../api/types'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { unpricedReason } from '../../parts/names'
import { Table, type Column } from '../../parts/table'
import { scope, toView } from '../../state/scope'

type Reason = SavingsRow['unpriced_reasons'][number]

/** Unpriced is as high as what stands beside it: lines, while it waits. */
export function Unpriced({ lines }: { lines: number }) {
  const t = w().savings
  const answer = useAnswer<Report<SavingsRow>>(reportPath('savings', scope.value))
  return (
    <Card id="unpriced" lines={lines} title={t.unpriced} answer={answer} report="savings" definition="unpriced_reasons"
      table={(data) => {
        const reasons = data.rows.flatMap((row) => row.unpriced_reasons.map((one) => ({ ...one, currency: row.currency })))
        return reasons.length > 0 ? <Reasons rows={reasons} /> : <p>{t.allPriced}</p>
      }} />
  )
}

// Where each is mended in the settings; what is missing in events can be mended by who sends them alone.
const MENDED: Readonly<Record<string, (row: Reason) => Readonly<Record<string, string>>>> = {
  no_segments: () => ({ tab: 'templates' }),
  no_sms_tariff: () => ({ 'add.channel': 'sms', 'add.billing': 'per_segment_sent' }),
  no_tariff: (row) => ({ 'add.channel': row.channel }),
  two_currencies: () => ({}),
}

function Mend({ row }: { row: Reason }) {
  const text = w().savings.mends[row.reason] ?? ''
  const query = MENDED[row.reason]?.(row)
  if (!query) return <>{text}</>
  const to = toView('/settings')
  const asked = new URLSearchParams(query).toString()
  return <a href={asked ? `${to}${to.includes('?') ? '&' : '?'}${asked}` : to}>{text}</a>
}

function Reasons({ rows }: { rows: readonly (Reason & { readonly currency: string })[] }) {
  const t = w().savings
  const columns: readonly Column<Reason & { readonly currency: string }>[] = [
    { key: 'reason', head: t.reason, kind: 'text', show: (row) => unpricedReason(row.reason, row.channel),
      sort: (row) => row.reason },
    { key: 'messages', head: t.messages, show: (row) => f.value.count(row.messages), sort: (row) => row.messages },
    { key: 'mend', head: t.mend, kind: 'text', show: (row) => <Mend row={row} /> },
  ]
  return <Table label={t.unpriced} columns={columns} rows={rows} first={{ key: 'messages', down: true }}
    rowKey={(row) => `${row.reason} ${row.channel} ${row.currency}`} />
}
