// A table that sorts by click and keeps its head in sight. Figures are on the right, in digits of one width.
import type { ComponentChildren } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { w } from '../i18n'

export interface Column<Row> {
  readonly key: string
  readonly head: string
  /** show is what stands in the cell. */
  readonly show: (row: Row) => ComponentChildren
  /** sort is what rows are compared by; a column without it is not sorted. Money is sorted by its digits. */
  readonly sort?: (row: Row) => number | string | null
  readonly kind?: 'text' | 'figure'
}

export interface Order {
  readonly key: string
  readonly down: boolean
}

/** compare puts what is not known last, whichever way a column is sorted. */
export function compare(a: number | string | null, b: number | string | null, down: boolean): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
  const by = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b))
  return down ? -by : by
}

/** tellWhole has a name that is too long for its cell told on hover. */
function tellWhole({ currentTarget: cell }: { currentTarget: HTMLTableCellElement }): void {
  const name = cell.querySelector('bdi')
  cell.title = name && name.scrollHeight > name.clientHeight ? name.textContent : ''
}

export function Table<Row>({ label, columns, rows, first, rowKey, open, sorting, most = Infinity }: {
  label: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  first?: Order
  rowKey: (row: Row) => string
  /** open is the address that a row leads to. */
  open?: (row: Row) => string | undefined
  /** most is how many rows are drawn at a time, of a table that may have very many. */
  most?: number
  /** sorting is of rows that come sorted: their order, and what asks for another one. */
  sorting?: { readonly order: Order; readonly sortBy: (order: Order) => void }
}) {
  const [own, sortOwn] = useState<Order | undefined>(first)
  const [drawn, draw] = useState(most)
  const order = sorting ? sorting.order : own
  const sortBy = sorting ? sorting.sortBy : sortOwn
  const sorted = useMemo(() => {
    if (sorting) return rows
    const by = columns.find((one) => one.key === order?.key)?.sort
    return by ? rows.toSorted((a, b) => compare(by(a), by(b), order?.down ?? false)) : rows
  }, [rows, order, columns])
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table class="table named">
        <caption class="unseen">{label}</caption>
        <thead>
          <tr>
            {columns.map((one) => {
              const on = order?.key === one.key
              return (
                <th key={one.key} scope="col" class={one.kind === 'text' ? 'text' : 'figure'}
                  aria-sort={on ? (order.down ? 'descending' : 'ascending') : undefined}>
                  {one.sort
                    ? (
                      <button type="button" class="sort" onClick={() => sortBy({ key: one.key,
                        down: on ? !order.down : one.kind !== 'text' })}>
                        {one.head}<span aria-hidden="true">{on ? (order.down ? ' ↓' : ' ↑') : ''}</span>
                      </button>
                    )
                    : one.head}
                </th>
              )
            })}
          </tr>
        </thead>
        <tbody>
          {sorted.slice(0, drawn).map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((one, i) => {
                const to = i === 0 ? open?.(row) : undefined
                const cell = one.show(row)
                const text = one.kind === 'text'
                return (
                  <td key={one.key} class={text ? 'text' : 'figure'} onMouseEnter={text ? tellWhole : undefined}>
                    {to ? <a href={to}>{cell}</a> : cell}
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {sorted.length > drawn
        ? <button type="button" class="button" onClick={() => draw(drawn + most)}>{w().card.perPage}</button>
        : null}
      {rows.length === 0 ? <p class="muted pad">{w().states.empty}</p> : null}
    </div>
  )
}
