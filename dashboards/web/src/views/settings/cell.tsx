// One field of one row.
import { useState } from 'preact/hooks'
import { w } from '../../i18n'
import { scope } from '../../state/scope'
import type { Column } from './kinds'
import { readTime, shownTime } from './time'

/** shownValue is a value as people read it. */
export function shownValue(column: Column, raw: string): string {
  if (column.kind === 'time') return shownTime(raw, scope.value.tz)
  if (column.kind === 'any' && raw === '*') return ''
  return column.name && raw ? column.name(raw) : raw
}

// ARROW is the room that the arrow of a choice takes, in characters.
const ARROW = 5

function readValue(column: Column, typed: string): string {
  if (column.kind === 'time') return readTime(typed, scope.value.tz)
  if (column.kind === 'any' && typed.trim() === '') return '*'
  return typed
}

/** placeholder says what an empty field means. */
function placeholder(column: Column, value: string | undefined): string {
  const t = w().settings
  if (column.hint === 'kept') return value === '' ? t.kept : ''
  // An empty list says that there are none; otherwise what is empty is left out.
  if (column.hint === 'byDefault') return value === undefined || column.kind !== 'list' ? t.byDefault : ''
  return column.kind === 'any' ? t.any : column.field === 'valid_to' ? t.open : ''
}

export function Cell({
  column,
  row,
  value,
  wrong,
  told,
  change,
}: {
  column: Column
  /** row is the number that the row has for people. */
  row: number
  /** value is undefined where it was never given. */
  value: string | undefined
  wrong: boolean
  /** told is the id of what says why it is wrong. */
  told: string
  change: (value: string) => void
}) {
  const [typed, type] = useState<string>()
  const common = {
    'class': 'cell',
    'aria-label': w().settings.cell(w().settings.fields[column.field], row),
    'aria-invalid': wrong,
    ...(wrong ? { 'aria-describedby': told } : {}),
    // What is chosen cannot be scrolled to its end as what is typed can.
    style: { minWidth: `${Math.max(column.width, column.choices ? shownValue(column, value ?? '').length + ARROW : 0)}ch` },
  } as const
  if (column.kind === 'choice' || column.kind === 'flag') {
    const choices = column.choices ?? []
    const chosen = value ?? ''
    const all = choices.includes(chosen) ? choices : [chosen, ...choices]
    return (
      <select {...common} value={chosen} onChange={(event) => change(event.currentTarget.value)}>
        {all.map((one) => (
          <option key={one} value={one}>
            {column.name?.(one) || one}
          </option>
        ))}
      </select>
    )
  }
  return (
    <input
      {...common}
      type="text"
      autocomplete="off"
      spellcheck={false}
      placeholder={placeholder(column, value)}
      inputMode={column.kind === 'money' ? 'decimal' : column.kind === 'count' ? 'numeric' : 'text'}
      value={typed ?? shownValue(column, value ?? '')}
      onInput={(event) => {
        type(event.currentTarget.value)
        change(readValue(column, event.currentTarget.value))
      }}
      onBlur={() => type(undefined)}
    />
  )
}
