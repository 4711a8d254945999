// The rows of a part as a table whose cells are fields. Long lists come in pages, so that a key press stays quick.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Icon } from '../../parts/icons'
import { scope } from '../../state/scope'
import { Cell, shownValue } from './cell'
import { newRow, type Row, type Wrong } from './draft'
import type { Column, Part, Values } from './kinds'
import { Reason } from './reason'

const PAGE = 50
// What a column that is rare has in most rows.
const USUAL: readonly string[] = ['', '*', '0']
// A list that fits on one page needs no search.
const SEARCH_FROM = 12

/** Place is a row that is to be shown and taken into focus. */
export interface Place {
  readonly id: number
  readonly field: string
}

function visible(part: Part, rows: readonly Row[], all: boolean): readonly Column[] {
  return part.columns.filter(
    (one) => all || !one.rare || rows.some((row) => !USUAL.includes(row.values[one.field] ?? '')),
  )
}

function found(columns: readonly Column[], row: Row, text: string): boolean {
  return columns.some((one) =>
    shownValue(one, row.values[one.field] ?? '')
      .toLocaleLowerCase()
      .includes(text),
  )
}

// On a phone every row is a block of fields.
const PHONE = 599
// A field of more characters has twice the room in a block.
const WIDE = 20

/**
 * useBlocks tells whether rows are shown as blocks of fields: on a phone, and of a short list where it is too wide.
 * heads are what stands over its columns.
 */
function useBlocks(
  short: boolean,
  heads: string,
  table: { readonly current: HTMLTableElement | null },
): boolean {
  const [blocks, show] = useState(false)
  // The width that rows need as lines is known while they are, and only of these columns.
  const needed = useRef({ heads, width: 0 })
  const look = (): void => {
    const scroll = table.current?.parentElement
    if (!scroll) return
    if (blocks && needed.current.heads !== heads) {
      show(false)
      return
    }
    // To measure makes the browser lay out: not of long lists, which are typed in as well.
    if (!blocks) needed.current = { heads, width: short ? scroll.scrollWidth : 0 }
    show(window.innerWidth <= PHONE || (short && needed.current.width > scroll.clientWidth))
  }
  useLayoutEffect(look)
  useEffect(() => {
    window.addEventListener('resize', look)
    return () => window.removeEventListener('resize', look)
  })
  return blocks
}

export function Grid({
  part,
  rows,
  wrong,
  edit,
  place,
  today,
}: {
  part: Part
  rows: readonly Row[]
  wrong: readonly Wrong[]
  /** edit stores other rows; without it the table is to be read. */
  edit: ((rows: readonly Row[]) => void) | undefined
  place: Place | undefined
  /** today is when a new row begins to be valid. */
  today: string
}) {
  const t = w().settings
  const [sought, seek] = useState('')
  const [own, onlyOwn] = useState(false)
  const [all, showAll] = useState(false)
  const [page, turn] = useState(0)
  const wanted = useRef<Place | undefined>(undefined)
  const table = useRef<HTMLTableElement>(null)
  const columns = visible(part, rows, all)
  const blocks = useBlocks(part.short ?? false, columns.map((one) => t.fields[one.field]).join(), table)
  const text = sought.trim().toLocaleLowerCase()
  const numbered = useMemo(() => rows.map((row, i) => ({ row, n: i + 1 })), [rows])
  const shown = useMemo(
    () => numbered.filter(({ row }) => !(own && row.shipped) && (!text || found(part.columns, row, text))),
    [numbered, own, text, part, scope.value.tz],
  )
  const pages = Math.max(1, Math.ceil(shown.length / PAGE))
  const here = Math.min(page, pages - 1)
  const faults = useMemo(() => {
    const of = new Map<number | undefined, Wrong[]>()
    for (const one of wrong) of.set(one.id, [...(of.get(one.id) ?? []), one])
    return of
  }, [wrong])

  const go = (to: Place): void => {
    wanted.current = to
    const i = shown.findIndex(({ row }) => row.id === to.id)
    if (i >= 0) turn(Math.floor(i / PAGE))
    else {
      seek('')
      onlyOwn(false)
      turn(
        Math.floor(
          Math.max(
            0,
            rows.findIndex((row) => row.id === to.id),
          ) / PAGE,
        ),
      )
    }
  }
  useEffect(() => {
    if (place && rows.some((row) => row.id === place.id)) go(place)
  }, [place])
  useEffect(() => {
    const to = wanted.current
    const cell =
      to &&
      table.current?.querySelector<HTMLElement>(
        `[data-row="${to.id}"] ${to.field ? `[data-field="${to.field}"] ` : ''}.cell`,
      )
    if (!cell) return
    wanted.current = undefined
    cell.focus()
    cell.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  })

  const set = (id: number, values: Values, clears: readonly string[] = []): void =>
    edit?.(
      rows.map((row) =>
        row.id === id
          ? {
              ...row,
              values: {
                ...Object.fromEntries(Object.entries(row.values).filter(([field]) => !clears.includes(field))),
                ...values,
              },
            }
          : row,
      ),
    )
  const add = (values: Values): void => {
    const row = newRow(values)
    wanted.current = { id: row.id, field: '' }
    seek('')
    turn(Math.floor(rows.length / PAGE))
    edit?.([...rows, row])
  }
  const without = (id: number): void => edit?.(rows.filter((row) => row.id !== id))
  const title = t.parts[part.name] ?? ''
  return (
    <div class="part">
      <div class="tools">
        {rows.length >= SEARCH_FROM ? (
          <input
            type="search"
            class="field search"
            placeholder={w().shell.search}
            aria-label={`${w().shell.search} ${title}`}
            value={sought}
            onInput={(event) => {
              seek(event.currentTarget.value)
              turn(0)
            }}
          />
        ) : null}
        {rows.some((row) => row.shipped) ? (
          <label class="check">
            <input type="checkbox" checked={own} onChange={(event) => onlyOwn(event.currentTarget.checked)} />
            {t.onlyOwn}
          </label>
        ) : null}
        {part.columns.some((one) => one.rare) ? (
          <label class="check">
            <input type="checkbox" checked={all} onChange={(event) => showAll(event.currentTarget.checked)} />
            {t.allColumns}
          </label>
        ) : null}
        <span class="muted" role="status">
          {part.fixed ? '' : w().card.rows(shown.length)}
        </span>
        {columns.some((one) => one.kind === 'time') ? (
          <span class="muted">
            {t.timesIn} <bdi>{scope.value.tz.replaceAll('_', ' ')}</bdi>
          </span>
        ) : null}
        <span class="gap" />
        {edit && !part.fixed ? (
          <button type="button" class="button" onClick={() => add(part.fresh?.(rows.at(-1)?.values, today) ?? {})}>
            <Icon name="plus" />
            {t.add}
          </button>
        ) : null}
      </div>
      <div class={`scroll grid ${blocks ? 'blocks' : ''}`} tabIndex={0} role="region" aria-label={title}>
        <table class="table" ref={table} aria-rowcount={shown.length + 1}>
          <caption class="unseen">{title}</caption>
          <thead>
            <tr>
              {part.fixed ? null : (
                <th scope="col" class="figure">
                  {t.number}
                </th>
              )}
              {columns.map((one) => (
                <th
                  key={one.field}
                  scope="col"
                  class={one.kind === 'money' || one.kind === 'count' ? 'figure' : 'text'}>
                  {t.fields[one.field]}
                </th>
              ))}
              {edit && !part.fixed ? (
                <th scope="col" class="acts">
                  <span class="unseen">{w().card.menu}</span>
                </th>
              ) : null}
            </tr>
          </thead>
          <tbody>
            {shown.slice(here * PAGE, (here + 1) * PAGE).map(({ row, n }) => (
              <Line
                key={row.id}
                part={part}
                columns={columns}
                row={row}
                n={n}
                wrong={faults.get(row.id) ?? []}
                set={edit ? (values, clears) => set(row.id, values, clears) : undefined}
                copy={() => add({ ...row.values })}
                remove={() => without(row.id)}
              />
            ))}
          </tbody>
        </table>
        {shown.length === 0 ? <p class="muted pad">{text || own ? w().shell.nothingFound : t.none}</p> : null}
      </div>
      {pages > 1 ? <Pages here={here} pages={pages} turn={turn} /> : null}
    </div>
  )
}

function Line({
  part,
  columns,
  row,
  n,
  wrong,
  set,
  copy,
  remove,
}: {
  part: Part
  columns: readonly Column[]
  row: Row
  n: number
  wrong: readonly Wrong[]
  set: ((values: Values, clears?: readonly string[]) => void) | undefined
  copy: () => void
  remove: () => void
}) {
  const t = w().settings
  const told = `wrong-${row.id}`
  return (
    <>
      <tr data-row={row.id} class={wrong.length > 0 ? 'faulty' : ''} aria-rowindex={n + 1}>
        {part.fixed ? null : <td class="figure muted">{f.value.count(n)}</td>}
        {columns.map((one) => {
          const value = row.values[one.field] ?? ''
          const figure = one.kind === 'money' || one.kind === 'count'
          const fixed = !set || (one.own && (row.shipped || part.fixed))
          return (
            <td
              key={one.field}
              data-field={one.field}
              data-head={t.fields[one.field]}
              class={`${figure ? 'figure' : 'text'} ${one.width > WIDE ? 'broad' : ''}`}>
              {fixed ? (
                <bdi class={one.kind === 'any' && value === '*' ? 'muted' : ''}>
                  {shownValue(one, value) || (one.kind === 'any' ? t.any : '')}
                </bdi>
              ) : (
                <Cell
                  column={one}
                  row={n}
                  value={row.values[one.field]}
                  told={told}
                  change={(to) => set({ [one.field]: to }, one.clears)}
                  wrong={wrong.some((fault) => fault.field === one.field)}
                />
              )}
            </td>
          )
        })}
        {set && !part.fixed ? (
          <td class="acts">
            {row.shipped ? (
              <span class="muted">{t.shipped}</span>
            ) : (
              <>
                <button
                  type="button"
                  class="button quiet"
                  title={t.copyRow}
                  aria-label={`${t.copyRow} ${n}`}
                  onClick={copy}>
                  <Icon name="copy" />
                </button>
                <button
                  type="button"
                  class="button quiet"
                  title={t.removeRow}
                  aria-label={`${t.removeRow} ${n}`}
                  onClick={remove}>
                  <Icon name="close" />
                </button>
              </>
            )}
          </td>
        ) : null}
      </tr>
      {wrong.length > 0 ? (
        <tr class="told">
          <td colSpan={columns.length + 2} id={told}>
            {wrong.map((one) => (
              <p key={`${one.field} ${one.reason}`}>
                <Reason wrong={one} columns={part.columns} />
              </p>
            ))}
          </td>
        </tr>
      ) : null}
    </>
  )
}

function Pages({ here, pages, turn }: { here: number; pages: number; turn: (to: number) => void }) {
  const t = w().settings
  return (
    <nav class="tools" aria-label={t.pages}>
      <button type="button" class="button" disabled={here === 0} onClick={() => turn(here - 1)}>
        {t.previousPage}
      </button>
      <span class="muted" role="status">
        {t.page(here + 1, pages)}
      </span>
      <button type="button" class="button" disabled={here === pages - 1} onClick={() => turn(here + 1)}>
        {t.nextPage}
      </button>
    </nav>
  )
}
