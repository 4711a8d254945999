// What mailings cost. The list is of attempts and money of messages, so they are two reports; the second one is asked
// for the mailings that are shown, a page at a time.
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ask } from '../../api/client'
import { reportPath } from '../../api/paths'
import type { Report } from '../../api/types'
import { w } from '../../i18n'
import { f, NONE } from '../../i18n/format'
import { Why } from '../../parts/why'
import { scope } from '../../state/scope'
import type { CostRow, GroupRow } from './rows'

// Each has a row for each currency; a page of names and their filters stay well below what a request may hold.
const AT_ONCE = 50

type Costs = ReadonlyMap<string, readonly CostRow[]>

function keyOf(row: { readonly account?: string; readonly campaign: string }): string {
  return JSON.stringify([row.account ?? '', row.campaign])
}

/** useCosts knows what mailings cost, as the savings report says it; those of which nothing is known yet are missing. */
export function useCosts(rows: readonly GroupRow[]): Costs {
  const [, redraw] = useState(0)
  const known = useRef(new Map<string, Map<string, CostRow[]>>())
  const s = scope.value
  const paths: string[] = []
  for (let i = 0; i < rows.length; i += AT_ONCE) {
    const some = rows.slice(i, i + AT_ONCE)
    const accounts = some[0]?.account === undefined ? {} : { group_by: 'account,campaign',
      account: [...new Set(some.map((row) => row.account ?? ''))] }
    paths.push(reportPath('savings', s, { group_by: 'campaign', ...accounts,
      campaign: [...new Set(some.map((row) => row.campaign))],
      limit: '10000' }))
  }
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
      }, () => undefined) // the list is good without them; what is not known is shown as such
      return leave
    })
    return () => {
      for (const leave of flights) leave()
    }
  }, [wanted])
  return new Map(paths.flatMap((path) => [...known.current.get(path) ?? []]))
}

/** costOf prints what a mailing cost, in each of its currencies, and how many of its messages have no price. */
export function costOf(costs: Costs, row: GroupRow): ComponentChildren {
  const t = w().overview
  const found = costs.get(keyOf(row)) ?? []
  const unpriced = found.reduce((sum, one) => sum + one.unpriced, 0)
  const paid = found.filter((one) => one.actual_cost !== null).map((one) =>
    f.value.money(one.actual_cost, one.currency))
  const text = paid.join(' + ') || NONE
  return unpriced > 0 ? <Why text={t.unpriced(unpriced)}>{text}</Why> : text
}
