// What the API says of a draft while it is typed: its rules stay in one place.
import { useEffect, useState } from 'preact/hooks'
import { Refused, send } from '../../api/client'
import { pathOf } from '../../api/paths'
import type { Problem } from '../../api/types'
import { bodyOf, type DryRun, type List } from './draft'
import type { Kind } from './kinds'

// A pause in typing; a long list takes the server longer to read.
const SOON_MS = 250
const LATER_MS = 1000
const LONG = 2000

export type Check =
  | { readonly state: 'none' | 'checking' }
  | { readonly state: 'good'; readonly dry: DryRun }
  /** wrong: rows are; failed: there was no answer about them. */
  | { readonly state: 'wrong' | 'failed'; readonly problem: Problem }

/** putPath is where a list is put. */
export function putPath(kind: Kind, account: string, query: Readonly<Record<string, string | undefined>>): string {
  return pathOf(kind.route, { account, ...query })
}

/** useCheck asks about the draft, and about nothing where there is none. */
export function useCheck(kind: Kind, account: string, draft: List | undefined): Check {
  const [known, know] = useState<{ draft: List; check: Check }>()
  useEffect(() => {
    if (!draft) return
    const stop = new AbortController()
    const long = Object.values(draft.parts).some((rows) => rows.length > LONG)
    const timer = window.setTimeout(
      () => {
        send<DryRun>(putPath(kind, account, { dry_run: '1' }), {
          method: 'PUT',
          body: bodyOf(kind, draft),
          signal: stop.signal,
        }).then(
          (dry) => know({ draft, check: { state: 'good', dry } }),
          (error: unknown) => {
            if (!(error instanceof Refused)) return
            know({ draft, check: { state: error.problem.errors ? 'wrong' : 'failed', problem: error.problem } })
          },
        )
      },
      long ? LATER_MS : SOON_MS,
    )
    return () => {
      window.clearTimeout(timer)
      stop.abort()
    }
  }, [kind, account, draft])
  if (!draft) return { state: 'none' }
  return known?.draft === draft ? known.check : { state: 'checking' }
}
