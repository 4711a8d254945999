// The mailings of the period: the server sorts and searches them, so 100 000 are as calm as ten.
import { useEffect, useState } from 'preact/hooks'
import { useAnswer } from '../../api/answer'
import { may, session } from '../../api/client'
import { reportPath } from '../../api/paths'
import type { Report } from '../../api/types'
import { bounded, interval } from '../../charts/dots'
import { w } from '../../i18n'
import { f, NONE } from '../../i18n/format'
import { Card } from '../../parts/card'
import { nameOf } from '../../parts/names'
import { More, usePages } from '../../parts/paged'
import { Table, type Column } from '../../parts/table'
import { Why } from '../../parts/why'
import { toCampaign } from '../../state/links'
import { scope } from '../../state/scope'
import { sorting, type Sorting } from '../../state/sorting'
import { setParams, url } from '../../state/url'
import { costOf, useCosts } from './costs'
import type { GroupRow } from './rows'

const PAGE = '50'
// A page of a report has as many rows at most, and so has a file.
const FILE = '10000'
const SORTS = ['first_at', 'sent', 'delivered', 'open_rate', 'replied'] as const
const NEWEST = '-first_at'
// Typing asks when it pauses.
const PAUSE_MS = 250

export function List() {
  const t = w().campaigns
  const s = scope.value
  const sorted = sorting(SORTS, 'campaign', NEWEST)
  const search = url.value.searchParams.get('search') ?? ''
  const accounts = s.account === '' && session.value?.account == null
  const query = { group_by: accounts ? 'account,campaign' : 'campaign', ...(search ? { search } : {}), ...sorted.query }
  const answer = useAnswer<Report<GroupRow>>(reportPath('groups', s, { ...query, limit: PAGE }))
  const pages = usePages<GroupRow>(answer.path, answer.data)
  return (
    <Card id="mailings" lines={24} wide title={t.which} answer={answer} report="groups" definition="open"
      whole={reportPath('groups', s, { ...query, limit: FILE })} controls={<Search text={search} />}
      none={search ? <p class="state">{t.nothingFound(search)}</p> : undefined}
      table={() => (
        <>
          <Mailings rows={pages.rows} sorted={sorted} />
          <More pages={pages} />
        </>
      )}
      sentence={(data) => data.next_cursor && !search ? t.manyWord : null} />
  )
}

function Search({ text }: { text: string }) {
  const t = w().campaigns
  const [typed, type] = useState(text)
  useEffect(() => type(text), [text])
  useEffect(() => {
    if (typed.trim() === text) return
    const timer = window.setTimeout(() => setParams({ search: typed.trim() || null }, 'replace'), PAUSE_MS)
    return () => window.clearTimeout(timer)
  }, [typed, text])
  return (
    <input type="search" class="field search" aria-label={t.search} placeholder={t.search} value={typed} maxLength={100}
      onInput={(event) => type(event.currentTarget.value)} />
  )
}

function Mailings({ rows, sorted }: { rows: readonly GroupRow[]; sorted: Sorting }) {
  const t = w()
  const costs = useCosts(may('analyst') ? rows : [])
  const columns: readonly Column<GroupRow>[] = [
    { key: 'campaign', head: t.dimensions.campaign, kind: 'text', show: (row) => <Name row={row} />,
      sort: (row) => row.campaign },
    { key: 'open_rate', head: t.figures.openRate, show: (row) => <Opened row={row} />, sort: (row) => row.open_rate },
    { key: 'sent', head: t.figures.sent, show: (row) => f.value.count(row.sent), sort: (row) => row.sent },
    { key: 'delivered', head: t.figures.delivered, show: (row) => <Delivered row={row} />,
      sort: (row) => row.delivered },
    { key: 'replied', head: t.figures.replied, show: (row) => f.value.count(row.replied), sort: (row) => row.replied },
    ...(may('analyst') ? [{ key: 'cost', head: t.savings.paid, show: (row: GroupRow) => costOf(costs, row) }] : []),
    { key: 'first_at', head: t.campaigns.start, show: (row) => row.first_at ? f.value.time(row.first_at) : NONE,
      sort: (row) => row.first_at },
  ]
  return <Table label={t.campaigns.which} columns={columns} rows={rows} sorting={sorted}
    rowKey={(row) => `${row.account ?? ''} ${row.campaign}`} open={(row) => toCampaign(row.campaign, row.account)} />
}

function Name({ row }: { row: GroupRow }) {
  return (
    <>
      <bdi>{nameOf(row.campaign)}</bdi>
      {row.account === undefined ? null : <small><bdi>{row.account}</bdi></small>}
    </>
  )
}

function Delivered({ row }: { row: GroupRow }) {
  return (
    <>
      {f.value.count(row.delivered)}
      {row.delivery_rate === null ? null : <small>{f.value.rate(row.delivery_rate)}</small>}
    </>
  )
}

function Opened({ row }: { row: GroupRow }) {
  const t = w()
  if (row.open_rate === null) return <Why text={t.channels.noReads}>{NONE}</Why>
  const between = interval(row.open_rate_low, row.open_rate_high)
  const bound = row.open_rate_bound ? t.figures.bounds[row.open_rate_bound] : ''
  return (
    <>
      <Why text={`${t.figures.interval}: ${between}. ${bound}`}>
        <strong>{bounded(row.open_rate, row.open_rate_bound)}</strong>
      </Why>
      <small>{between} {t.figures.ofDelivered(row.open_den)}</small>
    </>
  )
}
