import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { Report, SavingsRow } from '../../api/types'
import { w } from '../../i18n'
import { f, NONE } from '../../i18n/format'
import { Card } from '../../parts/card'
import { channelName, nameOf } from '../../parts/names'
import { More, usePages } from '../../parts/paged'
import { Picker } from '../../parts/picker'
import { Table, type Column } from '../../parts/table'
import { toCampaign } from '../../state/links'
import { scope } from '../../state/scope'
import { sorting, type Sorting } from '../../state/sorting'
import { setParams, toQuery, url } from '../../state/url'

const KEYS = ['campaign', 'template', 'path', 'month', 'first_channel', 'reached_by', 'sender', 'traffic', 'country'] as const
type Key = (typeof KEYS)[number]
type Row = SavingsRow & { readonly [K in Key]?: string }
// These can be chosen as a filter, so a click on their name leads on, as one on a mailing leads to it.
const FILTERS: readonly Key[] = ['template', 'sender', 'traffic', 'country']

// As many rows are drawn at once, and a file has as many as a page of a report may.
const PAGE = '200'
const FILE = '10000'
const SORTS = ['messages', 'reached', 'sms_only_cost', 'actual_cost', 'saved_reached', 'saved_rate', 'saved_unreached', 'double_paid',
  'unpriced']

export function Where() {
  const t = w().savings
  const wanted = url.value.searchParams.get('by')
  const by = KEYS.find((one) => one === wanted) ?? 'campaign'
  // Months come as they went by, of all else the greatest saving first.
  const sorted = sorting(SORTS, by, by === 'month' ? '' : '-saved_reached')
  const query = { group_by: by, ...sorted.query }
  const all = useAnswer<Report<SavingsRow>>(reportPath('savings', scope.value))
  const answer = useAnswer<Report<Row>>(reportPath('savings', scope.value, { ...query, limit: PAGE }), all)
  const pages = usePages<Row>(answer.path, answer.data)
  return (
    <Card id="where" lines={13} wide title={t.where} answer={answer} report="savings" definition="saved"
      whole={reportPath('savings', scope.value, { ...query, limit: FILE })}
      controls={<Picker label={t.by} value={by} onPick={(to) => setParams({ by: to, sort: null }, 'replace')}
        options={KEYS.map((one) => ({ value: one, label: t.keys[one] }))} />}
      table={() => (
        <>
          <Figures by={by} rows={pages.rows} sorted={sorted} />
          <More pages={pages} />
        </>
      )}
      sentence={() => pages.more ? t.firstWord(pages.rows.length) : null} />
  )
}

function named(by: Key, value: string | undefined): string {
  if (value === undefined || value === '') return by === 'reached_by' ? w().savings.nobody : w().dimensions.none
  if (by === 'path') return value.split('>').map(channelName).join(' → ')
  if (by === 'first_channel' || by === 'reached_by') return channelName(value)
  return by === 'month' ? f.value.month(value) : nameOf(value)
}

function Figures({ by, rows, sorted }: { by: Key; rows: readonly Row[]; sorted: Sorting }) {
  const t = w().savings
  const money = (key: 'sms_only_cost' | 'actual_cost' | 'saved_reached' | 'saved_unreached' | 'double_paid', head: string): Column<Row> =>
    ({ key, head, show: (row) => row[key] === null ? NONE : f.value.money(row[key], row.currency),
      sort: (row) => row[key] === null ? null : Number(row[key]) })
  const count = (key: 'messages' | 'reached' | 'unpriced', head: string): Column<Row> =>
    ({ key, head, show: (row) => f.value.count(row[key]), sort: (row) => row[key] })
  const columns: readonly Column<Row>[] = [
    { key: by, head: t.keys[by], kind: 'text', show: (row) => <bdi>{named(by, row[by])}</bdi>, sort: (row) => row[by] ?? '' },
    // What is looked for stands next to the name; on a narrow screen the rest is scrolled to.
    money('saved_reached', t.reached),
    { key: 'saved_rate', head: t.rate, show: (row) => f.value.rate(row.saved_rate), sort: (row) => row.saved_rate },
    money('actual_cost', t.paid), money('sms_only_cost', t.asSMS), count('messages', t.messages), count('reached', t.reachedCount),
    money('saved_unreached', t.unreached), money('double_paid', t.twice), count('unpriced', t.unpricedCount),
  ]
  return <Table label={t.where} columns={columns} rows={rows} sorting={sorted}
    rowKey={(row) => `${row[by] ?? ''} ${row.currency}`}
    open={(row) => by === 'campaign' && row.campaign !== undefined ? toCampaign(row.campaign)
      : FILTERS.includes(by) && row[by] ? toQuery({ [by]: row[by] }) : undefined} />
}
