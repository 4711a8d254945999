// Pages of a list, one below the other: next_cursor leads on.
import { useEffect, useState } from 'preact/hooks'
import { ask, Refused } from '../api/client'
import type { Problem } from '../api/types'
import { w } from '../i18n'
import { Told } from './problem'

/** Page is a page of a report or of a list. */
interface Page<Row> {
  readonly rows: readonly Row[]
  readonly next_cursor: string | null
}

export interface Pages<Row> {
  readonly rows: readonly Row[]
  readonly more: (() => void) | undefined
  readonly problem: Problem | undefined
}

/** usePages adds pages to the first one, which useAnswer has brought. */
export function usePages<Row>(path: string | null, first: Page<Row> | undefined): Pages<Row> {
  const [added, add] = useState<{ of: Page<Row>; rows: readonly Row[]; next: string | null }>()
  const [problem, fail] = useState<Problem>()
  useEffect(() => fail(undefined), [path])
  const mine = added && added.of === first ? added : undefined
  const next = mine ? mine.next : first?.next_cursor ?? null
  const more = path !== null && first && next
    ? (): void => {
      const url = `${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(next)}`
      ask<Page<Row>>(url).answer.then(({ data }) => {
        fail(undefined)
        add({ of: first, rows: [...mine?.rows ?? [], ...data.rows], next: data.next_cursor })
      }, (error: unknown) => {
        if (error instanceof Refused) fail(error.problem)
      })
    }
    : undefined
  return { rows: [...first?.rows ?? [], ...mine?.rows ?? []], more, problem }
}

export function More<Row>({ pages }: { pages: Pages<Row> }) {
  return (
    <>
      {pages.problem ? <p role="alert">{w().states.failed}. <Told problem={pages.problem} /></p> : null}
      {pages.more ? <button type="button" class="button" onClick={pages.more}>{w().card.perPage}</button> : null}
    </>
  )
}
