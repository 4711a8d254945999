import { useAnswer } from '../../api/answer'
import { pathOf } from '../../api/paths'
import { w } from '../../i18n'
import { f, NONE } from '../../i18n/format'
import { Card } from '../../parts/card'
import { More, usePages } from '../../parts/paged'
import { Picker } from '../../parts/picker'
import { Table, type Column } from '../../parts/table'
import { setParams, url } from '../../state/url'
import { account, accountColumn, None, NumberLink, StateMark, useCounts, useEdits } from './parts'
import { type ChangeRow, type List, STATES } from './types'
import { ruleName, stateName } from './words'

/** Changes is what verdicts have become, the latest first. */
export function Changes() {
  const t = w().numbers
  const to = STATES.find((one) => one === url.value.searchParams.get('became'))
  const answer = useEdits(useAnswer<List<ChangeRow>>(pathOf('/v1/numbers/changes',
    { account: account(), to, order: 'newest', limit: '20' }), useCounts()))
  const pages = usePages<ChangeRow>(answer.path, answer.data)
  return (
    <Card id="changes" lines={25} wide title={t.changes} answer={answer} none={<None text={t.noChanges} />}
      whole={pathOf('/v1/numbers/changes', { account: account(), to, limit: 'all' })}
      controls={<Picker label={t.to} value={to ?? ''}
        onPick={(state) => setParams({ became: state || null }, 'replace')}
        options={[{ value: '', label: t.all }, ...STATES.map((one) => ({ value: one, label: stateName(one) }))]} />}
      table={() => (
        <>
          <ChangeTable rows={pages.rows} />
          <More pages={pages} />
        </>
      )} />
  )
}

/** ChangeTable lists changes; those of one number do not name it. */
export function ChangeTable({ rows, one = false }: { rows: readonly ChangeRow[]; one?: boolean }) {
  const t = w().numbers
  const number: Column<ChangeRow> = { key: 'number', head: t.number, kind: 'text',
    show: (row) => <NumberLink number={row.number} /> }
  const columns: readonly Column<ChangeRow>[] = [
    ...one ? [] : [number, ...accountColumn<ChangeRow>()],
    { key: 'at', head: t.at, kind: 'text',
      show: (row) => row.at === null ? NONE : <span class="number">{f.value.time(row.at)}</span> },
    { key: 'from', head: t.was, kind: 'text', show: (row) => <StateMark state={row.from} /> },
    { key: 'to', head: t.is, kind: 'text', show: (row) => <StateMark state={row.to} /> },
    { key: 'rule', head: t.rule, kind: 'text', show: (row) => row.rule === '' ? NONE
      : <span class="wordy">{ruleName(row.rule)}</span> },
  ]
  return <Table label={one ? t.history : t.changes} columns={columns} rows={rows} rowKey={(row) => String(row.seq)} />
}
