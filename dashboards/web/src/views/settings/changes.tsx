// What a list changes, row by row.
import { w } from '../../i18n'
import { Table, type Column as Shown } from '../../parts/table'
import { shownValue } from './cell'
import { rawText, type Change } from './draft'
import type { Column, Kind } from './kinds'

/** described are the changes with the columns of their parts; a setting is a row of one column. */
function columnsOf(
  kind: Kind,
  change: Change,
): { readonly columns: readonly Column[]; readonly keys: readonly string[] } {
  const part = kind.parts.find(({ name }) => name === change.list)
  return part ?? { columns: [{ field: 'billing_zone', kind: 'text', width: 20 }], keys: [] }
}

function valueOf(column: Column, row: Change['before']): string {
  const text = rawText(row, column.field)
  return text === '' ? '' : shownValue(column, text)
}

export function Changes({ kind, changes }: { kind: Kind; changes: readonly Change[] }) {
  const t = w().settings
  const columns: readonly Shown<Change>[] = [
    {
      key: 'change',
      head: t.change,
      kind: 'text',
      show: (row) => <span class={`change ${row.change}`}>{t.changes[row.change]}</span>,
      sort: (row) => row.change,
    },
    { key: 'row', head: t.row, kind: 'text', show: (row) => <Which kind={kind} change={row} /> },
    { key: 'what', head: t.what, kind: 'text', show: (row) => <What kind={kind} change={row} /> },
  ]
  return (
    <Table
      label={t.wouldChange}
      columns={columns}
      rows={changes}
      rowKey={(row) => JSON.stringify([row.list, row.before, row.after])}
    />
  )
}

/** Which names the row by its keys. */
function Which({ kind, change }: { kind: Kind; change: Change }) {
  const { columns, keys } = columnsOf(kind, change)
  const row = change.after ?? change.before
  const parts = columns
    .filter(({ field }) => keys.includes(field) && rawText(row, field) !== '*')
    .map((column) => valueOf(column, row))
    .filter((text) => text !== '')
  return <bdi>{parts.length > 0 ? parts.join(' · ') : w().settings.fields.billing_zone}</bdi>
}

/** What tells the fields that are not keys: what they were and what they are. */
function What({ kind, change }: { kind: Kind; change: Change }) {
  const t = w().settings
  const { columns, keys } = columnsOf(kind, change)
  const fields = columns
    .filter(({ field }) => !keys.includes(field))
    .map((column) => ({ column, before: valueOf(column, change.before), after: valueOf(column, change.after) }))
    .filter(({ before, after }) => (change.change === 'changed' ? before !== after : before !== '' || after !== ''))
  return (
    <ul class="fields">
      {fields.map(({ column, before, after }) => (
        <li key={column.field}>
          <span class="muted">{t.fields[column.field]}: </span>
          {change.before ? (
            <del>
              <bdi>{before || t.nothing}</bdi>
            </del>
          ) : null}
          {change.before && change.after ? <span aria-hidden="true"> → </span> : null}
          {change.after ? (
            <ins>
              <bdi>{after || t.nothing}</bdi>
            </ins>
          ) : null}
        </li>
      ))}
    </ul>
  )
}
