import { useEffect } from 'preact/hooks'
import { useAnswer } from '../../api/answer'
import { pathOf } from '../../api/paths'
import { w } from '../../i18n'
import { f, NONE } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark } from '../../parts/names'
import { More, usePages } from '../../parts/paged'
import { Picker } from '../../parts/picker'
import { Table, type Column } from '../../parts/table'
import { Why } from '../../parts/why'
import { setParams, url } from '../../state/url'
import { account, accountColumn, None, Day, NumberLink, useCounts, useEdits } from './parts'
import { type List, RULES, type Verdict } from './types'
import { evidence } from './words'

const KINDS = ['phone', 'email'] as const

/** DeadList is all dead numbers, each with why. */
export function DeadList() {
  const t = w().numbers
  const q = url.value.searchParams
  const kind = KINDS.find((one) => one === q.get('kind')) ?? 'phone'
  const rule = RULES.find((one) => one === q.get('rule'))
  const query = { account: account(), kind: kind === 'phone' ? undefined : kind, rule }
  const answer = useEdits(useAnswer<List<Verdict>>(pathOf('/v1/numbers/dead', { ...query, limit: '50' }), useCounts()))
  const here = url.value.hash === '#list'
  useEffect(() => {
    if (here) document.getElementById('list')?.scrollIntoView({ block: 'start' })
  }, [here, rule])
  const pages = usePages<Verdict>(answer.path, answer.data)
  return (
    <Card id="list" lines={25} wide title={t.list} answer={answer} whole={pathOf('/v1/numbers/dead', { ...query, limit: 'all' })}
      none={<None text={rule ? t.noneDead : t.noDead} />}
      controls={(
        <>
          <Picker label={t.kind} value={kind} options={KINDS.map((one) => ({ value: one, label: t.kinds[one] }))}
            onPick={(to) => setParams({ kind: to === 'phone' ? null : to }, 'replace')} />
          <Picker label={t.rule} value={rule ?? ''} onPick={(to) => setParams({ rule: to || null }, 'replace')}
            options={[{ value: '', label: t.all }, ...RULES.map((one) => ({ value: one, label: t.rules[one] }))]} />
        </>
      )}
      table={() => (
        <>
          <Figures rows={pages.rows} />
          <More pages={pages} />
        </>
      )} />
  )
}

function Figures({ rows }: { rows: readonly Verdict[] }) {
  const t = w().numbers
  const columns: readonly Column<Verdict>[] = [
    { key: 'number', head: t.number, kind: 'text', show: (row) => <NumberLink number={row.number} />,
      sort: (row) => row.number },
    ...accountColumn<Verdict>(),
    { key: 'since', head: t.since, kind: 'text', show: (row) => <Day at={row.since} />, sort: (row) => row.since },
    { key: 'evidence', head: t.evidence, kind: 'text', show: (row) => <span class="wordy">{evidence(row)}</span> },
    { key: 'delivered', head: t.lastDelivered, kind: 'text', sort: (row) => row.last_delivered_at,
      show: (row) => row.last_delivered_at === null ? t.never : <Day at={row.last_delivered_at} /> },
    { key: 'wasted', head: t.wasted, sort: (row) => row.wasted_cost === null ? null : Number(row.wasted_cost),
      show: (row) => row.wasted_cost === null ? <Why text={t.wastedWhy}>{NONE}</Why>
        : f.value.money(row.wasted_cost, row.currency) },
    { key: 'reachable', head: t.reachable, kind: 'text', show: (row) => row.reachable_on.length === 0 ? NONE
      : (
        <span class="each">
          {row.reachable_on.map((one) => <ChannelMark key={one.channel} channel={one.channel} />)}
        </span>
      ) },
  ]
  return <Table label={t.list} columns={columns} rows={rows} rowKey={(row) => `${row.account} ${row.number}`} />
}
