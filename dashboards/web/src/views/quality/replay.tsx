// Sending dead letters through again: asked for once more, and told what came of it.
import * as Ariakit from '@ariakit/react'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Refused, send } from '../../api/client'
import type { Problem } from '../../api/types'
import { w } from '../../i18n'
import { Told } from '../../parts/problem'
import type { Replayed } from './types'

/** Choice is which letters are meant. */
export interface Choice {
  readonly body: Readonly<Record<string, unknown>>
  readonly count: number
  readonly name: string
  readonly field: string
}

export function Replay({ choice, close, done }: { choice: Choice | undefined; close: () => void; done: () => void }) {
  return (
    <Ariakit.Dialog
      open={choice !== undefined}
      onClose={close}
      className="dialog"
      backdrop={<div class="backdrop" />}
      unmountOnHide
      hideOnInteractOutside={false}>
      {choice ? <Run choice={choice} done={done} /> : null}
    </Ariakit.Dialog>
  )
}

interface Sum {
  readonly sent: number
  readonly refused: number
  readonly already: number
  readonly remaining: number
}

function Run({ choice, done }: { choice: Choice; done: () => void }) {
  const t = w().quality
  const [sum, add] = useState<Sum>()
  const [state, go] = useState<'asked' | 'running' | 'over'>('asked')
  const [problem, fail] = useState<Problem>()
  // A run goes on from where the last request has ended, also after an error.
  const cursor = useRef<string | null>(null)
  const total = useRef<Sum>({ sent: 0, refused: 0, already: 0, remaining: 0 })
  const open = useRef(true)
  useEffect(
    () => () => {
      open.current = false
    },
    [],
  )
  const run = async (): Promise<void> => {
    go('running')
    fail(undefined)
    try {
      do {
        const body: Record<string, unknown> = { ...choice.body }
        if (cursor.current !== null) body['cursor'] = cursor.current
        const did = await send<Replayed>('/v1/rejected/replay', { method: 'POST', body: JSON.stringify(body) })
        total.current = {
          sent: total.current.sent + did.sent,
          refused: total.current.refused + did.refused,
          already: did.already,
          remaining: did.remaining,
        }
        cursor.current = did.next_cursor
        if (!open.current) break
        add(total.current)
      } while (cursor.current !== null)
      if (open.current) go('over')
    } catch (error) {
      if (!open.current) return
      go('asked')
      if (error instanceof Refused) fail(error.problem)
    } finally {
      done()
    }
  }
  return (
    <div class="form">
      <Ariakit.DialogHeading className="heading">
        {state === 'over' ? t.replayDone : t.replayAsk(choice.count)}
      </Ariakit.DialogHeading>
      <p>
        {choice.name}
        {choice.field ? (
          <>
            {' '}
            · <code>{choice.field}</code>
          </>
        ) : null}
      </p>
      {state === 'over' ? null : <p class="muted">{t.replayHow}</p>}
      <div role="status">
        {sum ? (
          <>
            <p>
              <strong>{t.sent(sum.sent)}</strong>
            </p>
            <p>{t.stillRefused(sum.refused)}</p>
            {sum.already > 0 ? <p class="muted">{t.already(sum.already)}</p> : null}
            {sum.remaining > 0 ? <p class="muted">{t.remaining(sum.remaining)}</p> : null}
            {state === 'over' && sum.sent > 0 ? <p class="muted">{t.sentHow}</p> : null}
          </>
        ) : state === 'running' ? (
          <p>{w().card.loading}</p>
        ) : null}
      </div>
      {problem ? <p role="alert"><Told problem={problem} /></p> : null}
      <div class="buttons">
        {state === 'over' ? null : (
          <button type="button" class="button primary" disabled={state === 'running'} onClick={() => void run()}>
            {t.replay}
          </button>
        )}
        <Ariakit.DialogDismiss className="button">
          {state === 'asked' ? w().shell.cancel : w().shell.close}
        </Ariakit.DialogDismiss>
      </div>
    </div>
  )
}
