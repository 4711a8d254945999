// What the check of a list has found: how many of each, which they are, and the list as a file.
import type { ComponentChildren } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Table, type Column } from '../../parts/table'
import { csv, save } from './file'
import type { Misread, Parsed, Read } from './parse'
import { Day, NumberLink, OptedOut, StateMark } from './parts'
import { type CheckedRow, type OptOut, STATES } from './types'
import { ruleName } from './words'

type Row = Read & Extract<CheckedRow, { readonly error?: undefined }>
type Faulty = Pick<Misread, 'line' | 'given'> & { readonly why: ComponentChildren; readonly problem: string }

// More rows are in the file.
const MOST_SHOWN = 200

interface Sorted {
  readonly rows: readonly Row[]
  readonly faulty: readonly Faulty[]
}

/** sorted puts answers beside what was given. What the API takes for no number is not understood either. */
function sorted(list: Parsed, rows: readonly CheckedRow[]): Sorted {
  const t = w().numbers
  const faulty: Faulty[] = list.misread.map((one) => ({ ...one, why: t.wrongs[one.wrong], problem: one.wrong }))
  const good: Row[] = []
  for (const [i, row] of rows.entries()) {
    const given = list.numbers[i]
    if (!given) continue
    if (row.state === undefined) faulty.push({ ...given, why: <span lang="en">{row.error}</span>, problem: row.error })
    else good.push({ ...given, ...row })
  }
  return { rows: good, faulty }
}

function inWords(of: OptOut): string {
  return [of.kind, of.channel, of.app, of.sender].filter((part) => part !== '').join(' ')
}

function asFile({ rows, faulty }: Sorted): string {
  return csv([['line', 'given', 'number', 'state', 'rule', 'since', 'opt_outs', 'problem'],
    ...rows.map((row) => [String(row.line), row.given, row.number, row.state, row.rule, row.since ?? '',
      row.opt_outs.map(inWords).join('; '), '']),
    ...faulty.map((one) => [String(one.line), one.given, '', '', '', '', '', one.problem])])
}

export function Result({ list, rows }: { list: Parsed; rows: readonly CheckedRow[] }) {
  const t = w().numbers
  const found = useMemo(() => sorted(list, rows), [list, rows])
  const of = (state: string): readonly Row[] => found.rows.filter((row) => row.state === state)
  const dead = of('dead').length
  const optedOut = found.rows.filter((row) => row.opt_outs.length > 0)
  const kinds = [...STATES.map((state) => ({ key: state as string, name: t.states[state], rows: of(state) })),
    { key: 'opt-out', name: t.optOut, rows: optedOut }].filter((one) => one.rows.length > 0)
  const [wanted, choose] = useState('dead')
  const shown = [...kinds.map((one) => one.key), 'misread'].includes(wanted) ? wanted : kinds[0]?.key ?? 'misread'
  if (found.rows.length === 0 && found.faulty.length === 0) return <p role="status">{t.nothing}</p>
  const chosen = kinds.find((one) => one.key === shown)?.rows ?? []
  const kept = found.rows.filter((row) => row.state !== 'dead' && row.state !== 'quarantined')
  const chip = (key: string, name: string, count: number): ComponentChildren => (
    <button key={key} type="button" class="button" aria-pressed={shown === key}
      aria-label={t.resultOf(`${name}, ${f.value.count(count)}`)}
      onClick={() => choose(key)}>{name} <b>{f.value.count(count)}</b></button>
  )
  return (
    <div class="content result" id="check-result">
      <p class="sentence" role="status">
        <strong>{dead > 0 ? t.found(dead, found.rows.length) : t.noneOfThem(found.rows.length)}</strong>{' '}
        {list.completed > 0 ? t.completed(list.completed) : ''}
      </p>
      <div class="buttons">
        {kinds.map((one) => chip(one.key, one.name, one.rows.length))}
        {found.faulty.length > 0 ? chip('misread', t.misread, found.faulty.length) : null}
        {list.twice > 0 ? <span class="told">{t.twice} <b>{f.value.count(list.twice)}</b></span> : null}
      </div>
      {shown === 'misread' && found.faulty.length > 0 ? <FaultyTable rows={found.faulty} />
        : <RowTable rows={chosen} />}
      <div class="buttons">
        <button type="button" class="button"
          onClick={() => save('numbers-checked.csv', asFile(found))}>{t.download}</button>
        {kept.length > 0
          ? (
            <button type="button" class="button"
              onClick={() => save('numbers-without-dead.csv', csv([['number'], ...kept.map((row) => [row.number])]))}>
              {t.downloadKept} <b>{f.value.count(kept.length)}</b>
            </button>
          )
          : null}
      </div>
    </div>
  )
}

function Some({ of }: { of: number }) {
  return of > MOST_SHOWN ? <p class="muted">{w().numbers.some(MOST_SHOWN, of)}</p> : null
}

function RowTable({ rows }: { rows: readonly Row[] }) {
  const t = w().numbers
  const columns: readonly Column<Row>[] = [
    { key: 'number', head: t.number, kind: 'text', show: (row) => <NumberLink number={row.number} />,
      sort: (row) => row.number },
    { key: 'state', head: t.state, kind: 'text', show: (row) => <StateMark state={row.state} /> },
    { key: 'rule', head: t.rule, kind: 'text', show: (row) => row.rule === '' ? '' : ruleName(row.rule) },
    { key: 'since', head: t.stateSince, kind: 'text', show: (row) => row.since === null ? '' : <Day at={row.since} />,
      sort: (row) => row.since },
    { key: 'opt-outs', head: t.optOut, kind: 'text', show: (row) =>
      row.opt_outs.map((one) => <OptedOut key={JSON.stringify(one)} of={one} />) },
    { key: 'line', head: t.line, show: (row) => f.value.count(row.line), sort: (row) => row.line },
  ]
  return (
    <>
      <Table label={t.check} columns={columns} rows={rows.slice(0, MOST_SHOWN)} rowKey={(row) => row.number} />
      <Some of={rows.length} />
    </>
  )
}

function FaultyTable({ rows }: { rows: readonly Faulty[] }) {
  const t = w().numbers
  const columns: readonly Column<Faulty>[] = [
    { key: 'line', head: t.line, show: (row) => f.value.count(row.line), sort: (row) => row.line },
    { key: 'given', head: t.given, kind: 'text', show: (row) => <bdi>{row.given.slice(0, 80)}</bdi> },
    { key: 'why', head: t.problem, kind: 'text', show: (row) => row.why },
  ]
  return (
    <>
      <Table label={t.misread} columns={columns} rows={rows.slice(0, MOST_SHOWN)}
        rowKey={(row) => `${row.line} ${row.given}`} />
      <Some of={rows.length} />
    </>
  )
}
