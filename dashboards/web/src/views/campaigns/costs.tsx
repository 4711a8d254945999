// What mailings cost. The list is of attempts and money of messages, so they are two reports; the second one is asked
// for the mailings that are shown, a page at a time.
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ask, Refused } from '../../api/client'
import { reportPath } from '../../api/paths'
import type { Report } from '../../api/types'
import { w } from '../../i18n'
import { f, NONE } from '../../i18n/format'
import { Why } from '../../parts/why'
import { scope } from '../../state/scope'
import type { CostRow, GroupRow } from './rows'

// Each has a row for each currency. Names go into the address, of which proxies take some 8 kB: of Cyrillic each letter
// is six bytes there.
const AT_ONCE = 50
const MOST_LENGTH = 5000

interface Costs {
  readonly of: ReadonlyMap<string, readonly CostRow[]>
  /** waiting: some are still on their way. */
  readonly waiting: boolean
}

function keyOf(row: { readonly account?: string; readonly campaign: string }): string {
  return JSON.stringify([row.account ?? '', row.campaign])
}

/** parts cuts rows into those whose names go into one address. */
function parts(rows: readonly GroupRow[]): readonly (readonly GroupRow[])[] {
  const all: GroupRow[][] = []
  let left = 0
  for (const row of rows) {
    const length = encodeURIComponent(`&campaign=${row.campaign}&account=${row.account ?? ''}`).length
    const last = all.at(-1)
    if (last && last.length < AT_ONCE && length <= left) last.push(row)
    else {
      all.push([row])
      left = MOST_LENGTH
    }
    left -= length
  }
  return all
}

/** useCosts knows what mailings cost, as the savings report says it; those of which nothing is known yet are missing. */
export function useCosts(rows: readonly GroupRow[]): Costs {
  const [, redraw] = useState(0)
  const known = useRef(new Map<string, Map<string, CostRow[]>>())
  const s = scope.value
  const paths = parts(rows).map((some) => {
    const accounts = some[0]?.account === undefined ? {} : { group_by: 'account,campaign',
      account: [...new Set(some.map((row) => row.account ?? ''))] }
    return reportPath('savings', s, { group_by: 'campaign', ...accounts,
      campaign: [...new Set(some.map((row) => row.campaign))],
      limit: '10000' })
  })
  const wanted = paths.join('\n')
  useEffect(() => {
    const missing = paths.filter((path) => !known.current.has(path))
    const flights = missing.map((path) => {
      const { answer, leave } = ask<Report<CostRow>>(path)
      answer.then(({ data }) => {
        const costs = new Map<string, CostRow[]>()
        for (const row of data.rows) costs.set(keyOf(row), [...costs.get(keyOf(row)) ?? [], row])
        known.current.set(path, costs)
        redraw((n) => n + 1)
      }, (error: unknown) => {
        if (!(error instanceof Refused)) return
        known.current.set(path, new Map()) // the list is good without them; what is not known is shown as such
        redraw((n) => n + 1)
      })
      return leave
    })
    return () => {
      for (const leave of flights) leave()
    }
  }, [wanted])
  return { of: new Map(paths.flatMap((path) => [...known.current.get(path) ?? []])),
    waiting: paths.some((path) => !known.current.has(path)) }
}

/** costOf prints what a mailing cost, in each of its currencies, and how many of its messages have no price. */
export function costOf(costs: Costs, row: GroupRow): ComponentChildren {
  const t = w().overview
  const found = costs.of.get(keyOf(row)) ?? []
  if (found.length === 0 && costs.waiting) return <span aria-busy="true">{NONE}</span>
  const unpriced = found.reduce((sum, one) => sum + one.unpriced, 0)
  const paid = found.filter((one) => one.actual_cost !== null).map((one) =>
    f.value.money(one.actual_cost, one.currency))
  const text = paid.join(' + ') || NONE
  return unpriced > 0 ? <Why text={t.unpriced(unpriced)}>{text}</Why> : text
}
