// What is edited: rows as texts, the body that is sent of them, and what the API says of it.
import { signal } from '@preact/signals'
import type { Problem } from '../../api/types'
import type { Kind, Part, Values } from './kinds'

export interface Row {
  readonly id: number
  readonly values: Values
  /** shipped rows come with the program; they can be overruled, and not taken away. */
  readonly shipped: boolean
}

export type Parts = Readonly<Record<string, readonly Row[]>>

/** List is what is stored, or what is to be. */
export interface List {
  readonly version: number
  readonly parts: Parts
  readonly setting: string
}

/** ListAnswer is what the API shows of a list: the parts beside these. */
export interface ListAnswer {
  readonly account: string | null
  readonly version: number
  readonly at: string | null
  readonly billing_zone?: string
}

type Scalar = string | number | boolean | null | undefined
type Raw = Readonly<Record<string, Scalar | readonly string[] | Readonly<Record<string, Scalar | readonly string[]>>>>

let rows = 0

export function newRow(values: Values): Row {
  return { id: ++rows, values, shipped: false }
}

/** rawText is what a row of the API has in a field, as a text. A field within another is named only.channel. */
export function rawText(row: Raw | null, field: string): string {
  const [outer = '', inner] = field.split('.')
  let value: unknown = row?.[field]
  if (value === undefined && inner) value = (row?.[outer] as Raw | undefined)?.[inner]
  return value === null || value === undefined ? '' : Array.isArray(value) ? value.join(', ') : String(value)
}

function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}

/** rawRows are a part's rows as the API shows them. Rules are one object there, and a row each here. */
function rawRows(part: Part, answer: ListAnswer): readonly Raw[] {
  const shown = (answer as unknown as Record<string, unknown>)[part.name]
  if (Array.isArray(shown)) return shown as readonly Raw[]
  return Object.entries((shown ?? {}) as Record<string, number>).map(([rule, value]) => ({ rule, value }))
}

export function readList(kind: Kind, answer: ListAnswer): List {
  const parts = Object.fromEntries(
    kind.parts.map((part) => [
      part.name,
      rawRows(part, answer).map((raw): Row => ({
        ...newRow(Object.fromEntries(part.columns.map(({ field }) => [field, rawText(raw, field)]))),
        shipped: raw['origin'] === 'shipped',
      })),
    ]),
  )
  return { version: answer.version, parts, setting: answer.billing_zone ?? '' }
}

/** written is a row as the API takes it: what is empty is left out, and digits are a number where one is wanted. */
function written(part: Part, { values }: Row): Raw {
  const raw: Record<string, Scalar | readonly string[] | Record<string, readonly string[]>> = {}
  for (const { field, kind } of part.columns) {
    const value = values[field]
    if (value === undefined) continue
    if (kind === 'list') {
      // An empty list is one; what was never given is as it is by default.
      const [outer = '', inner] = field.split('.')
      if (!inner) raw[field] = listOf(value)
      else if (value)
        raw[outer] = { ...(raw[outer] as Record<string, readonly string[]> | undefined), [inner]: listOf(value) }
      continue
    }
    // Segments come from the text where one is given.
    if (value === '' || (field === 'sms_segments' && values['sms_text'])) continue
    raw[field] =
      kind === 'count' && /^\d{1,9}$/.test(value) ? Number(value) : kind === 'flag' ? value === 'true' : value
  }
  return raw
}

/** bodyOf is the list as the API takes it. */
export function bodyOf(kind: Kind, list: List): string {
  const body: Record<string, unknown> = {}
  for (const part of kind.parts) {
    const written_ = (list.parts[part.name] ?? []).map((row) => written(part, row))
    body[part.name] = part.fixed
      ? Object.fromEntries(written_.map((raw) => [raw['rule'], raw['value'] ?? null]))
      : written_
  }
  if (kind.setting && list.setting) body[kind.setting] = list.setting
  return JSON.stringify(body)
}

/** Wrong is a fault of a row, or of the list where it has none. */
export interface Wrong {
  readonly part: string
  readonly row: number | undefined
  readonly id: number | undefined
  readonly field: string
  readonly reason: string
}

interface RowProblem {
  readonly parameter: string
  readonly reason: string
  readonly row?: number
}

/** wrongs are the faults that the API names, at their rows. */
export function wrongs(kind: Kind, list: List | undefined, problem: Problem): readonly Wrong[] {
  const [first] = kind.parts
  return ((problem.errors ?? []) as readonly RowProblem[]).map((one) => {
    const part = kind.parts.find(({ prefix }) => prefix && one.parameter.startsWith(prefix)) ?? first
    const there = list?.parts[part?.name ?? ''] ?? []
    const field = one.parameter.slice(part?.prefix?.length ?? 0)
    const rule = part?.fixed ? there.find((row) => row.values['rule'] === field) : undefined
    if (rule)
      return { part: part?.name ?? '', row: there.indexOf(rule) + 1, id: rule.id, field: 'value', reason: one.reason }
    return {
      part: part?.name ?? '',
      row: one.row,
      id: one.row === undefined ? undefined : there[one.row - 1]?.id,
      field: part?.columns.some((column) => column.field === field) ? field : '',
      reason: one.reason,
    }
  })
}

/** Change is a row before and after, as the API tells it. */
export interface Change {
  readonly list: string
  readonly change: 'added' | 'removed' | 'changed'
  readonly before: Raw | null
  readonly after: Raw | null
}

/** DryRun says what a list would change. */
export interface DryRun {
  readonly version: number
  readonly rows: number
  readonly added: number
  readonly removed: number
  readonly changed: number
  readonly unchanged: number
  readonly changes: readonly Change[]
  readonly changes_left_off: number
}

/** compare says what one stored list has changed of another. */
export function compare(kind: Kind, before: List | undefined, after: List): readonly Change[] {
  const changes: Change[] = []
  for (const part of kind.parts) {
    const keyOf = (row: Row): string => JSON.stringify(part.keys.map((key) => row.values[key]))
    const old = new Map((before?.parts[part.name] ?? []).map((row) => [keyOf(row), row.values]))
    for (const row of after.parts[part.name] ?? []) {
      const key = keyOf(row)
      const was = old.get(key)
      old.delete(key)
      // What comes with the program was not added by anybody.
      if (!was && row.shipped) continue
      if (!was) changes.push({ list: part.name, change: 'added', before: null, after: row.values })
      else if (part.columns.some(({ field }) => was[field] !== row.values[field])) {
        changes.push({ list: part.name, change: 'changed', before: was, after: row.values })
      }
    }
    for (const was of old.values()) changes.push({ list: part.name, change: 'removed', before: was, after: null })
  }
  const zone = before?.setting || 'UTC'
  if (kind.setting && zone !== (after.setting || 'UTC')) {
    changes.push({
      list: kind.setting,
      change: 'changed',
      before: { [kind.setting]: zone },
      after: { [kind.setting]: after.setting },
    })
  }
  return changes
}

/** drafts are what is edited and not saved, by kind and account: another tab or view does not lose them. */
export const drafts = signal<Readonly<Record<string, List>>>({})

export function setDraft(key: string, draft: List | undefined): void {
  const { [key]: _, ...others } = drafts.value
  drafts.value = draft ? { ...others, [key]: draft } : others
}

// Who closes the page with something unsaved is asked by the browser.
window.addEventListener('beforeunload', (event) => {
  if (Object.keys(drafts.value).length > 0) event.preventDefault()
})
