// What the cards about numbers share.
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { session } from '../../api/client'
import { type Answer, useAnswer } from '../../api/answer'
import { pathOf } from '../../api/paths'
import type { Problem } from '../../api/types'
import { w } from '../../i18n'
import { ChannelMark } from '../../parts/names'
import { Failed } from '../../parts/states'
import type { Column } from '../../parts/table'
import { scope } from '../../state/scope'
import { url } from '../../state/url'
import type { CountRow, List, OptOut } from './types'
import { dayOf, stateName } from './words'

/** edits counts the verdicts that were set here: what shows verdicts is asked for again then. */
export const edits = signal(0)

/** useEdits asks again when a verdict was set. */
export function useEdits<T>(answer: Answer<T>): Answer<T> {
  const count = edits.value
  useEffect(() => {
    if (count > 0) answer.retry()
  }, [count])
  return answer
}

/** account is the parameter of the account that the page is about, undefined for all. */
export function account(): string | undefined {
  return scope.value.account || undefined
}

/** useCounts is what the view asks first: how many numbers are in which state. */
export function useCounts(): Answer<List<CountRow>> {
  return useAnswer<List<CountRow>>(pathOf('/v1/numbers/counts', { account: account() }))
}

/** ofAll tells whether rows may be of several accounts. */
export function ofAll(): boolean {
  return session.value?.account == null && scope.value.account === ''
}

/** numberAt is the number that the address names. It stands behind #, for what is there is sent to no server. */
export function numberAt(): string {
  try {
    return decodeURIComponent(url.value.hash.slice(1))
  } catch {
    return ''
  }
}

export function Trouble({ problem, retry }: { problem: Problem; retry: () => void }) {
  if (problem.errors?.some((one) => one.parameter === 'account')) {
    return (
      <div class="state" role="alert">
        <strong>{w().numbers.needsAccount}</strong>
        <p>{w().numbers.needsAccountHow}</p>
      </div>
    )
  }
  return <Failed problem={problem} retry={retry} />
}

export function None({ text }: { text: string }) {
  return <div class="state"><strong>{text}</strong></div>
}

/** Day is a moment's day in the zone of the page, on one line. */
export function Day({ at }: { at: string | null }) {
  return <span class="number">{dayOf(at)}</span>
}

export function StateMark({ state }: { state: string }) {
  return <span class={`verdict is-${state}`}>{stateName(state)}</span>
}

/** NumberLink leads to what is known of a number: of a phone's, which is one word, or of an address, which may be long. */
export function NumberLink({ number }: { number: string }) {
  const shown = number.replace(/^email:/, '')
  return (
    <a href={`#${encodeURIComponent(number)}`} class={shown === number ? 'number' : undefined}><bdi dir="ltr">{shown}</bdi></a>
  )
}

/** accountColumn is there where rows may be of several accounts. */
export function accountColumn<Row extends { readonly account: string }>(): readonly Column<Row>[] {
  return ofAll() ? [{ key: 'account', head: w().numbers.whose, kind: 'text', show: (row) => <bdi>{row.account}</bdi>,
    sort: (row) => row.account }] : []
}

/** OptedOut is one thing that a person does not want. */
export function OptedOut({ of }: { of: OptOut }) {
  const kinds: Readonly<Record<string, string>> = w().numbers.optOutKinds
  const where = [of.app, of.sender].filter((one) => one !== '')
  return (
    <span class="each">
      <ChannelMark channel={of.channel} /> {where.length > 0 ? <bdi>{where.join(', ')} </bdi> : null}
      {kinds[of.kind] ?? of.kind} {dayOf(of.since)}
    </span>
  )
}
