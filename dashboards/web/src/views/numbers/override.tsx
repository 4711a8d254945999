// A verdict that somebody sets by hand: who, when and why; and taking it back.
import { useState } from 'preact/hooks'
import { Refused, send } from '../../api/client'
import { pathOf } from '../../api/paths'
import type { Problem } from '../../api/types'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Picker } from '../../parts/picker'
import { account, edits, Trouble } from './parts'
import type { OneNumber } from './types'
import { stateName } from './words'

const STATES = ['dead', 'active', 'quarantined'] as const
type State = (typeof STATES)[number]
// The API takes as many bytes.
const MOST_WHY = 1000

export function Override({ of }: { of: OneNumber }) {
  const t = w().numbers
  const [state, choose] = useState<State>(of.state === 'dead' ? 'active' : 'dead')
  const [why, tell] = useState('')
  const [busy, work] = useState(false)
  const [said, say] = useState('')
  const [failed, fail] = useState<{ problem: Problem; init: RequestInit }>()
  const path = pathOf(`/v1/numbers/${encodeURIComponent(of.number)}/override`, { account: of.account || account() })
  const save = async (init: RequestInit): Promise<void> => {
    work(true)
    say('')
    fail(undefined)
    try {
      const now = await send<OneNumber & { detail?: string }>(path, init)
      say(now.detail === undefined ? t.saved : t.later)
      tell('')
      edits.value++
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      fail({ problem: error.problem, init })
    } finally {
      work(false)
    }
  }
  const set = (): Promise<void> => save({ method: 'PUT', body: JSON.stringify({ state, why: why.trim() }) })
  return (
    <div class="by-hand">
      <h3>{t.override}</h3>
      {of.override
        ? (
          <>
            <p>{t.overrideWord(stateName(of.override.state), of.override.by, f.value.time(of.override.at))}</p>
            <blockquote><bdi>{of.override.why}</bdi></blockquote>
            <button type="button" class="button" disabled={busy}
              onClick={() => void save({ method: 'DELETE' })}>{t.remove}</button>
          </>
        )
        : <p class="muted">{t.noOverride}</p>}
      <details>
        <summary>{t.overrideHow}</summary>
        <form class="inline" onSubmit={(event) => {
          event.preventDefault()
          void set()
        }}>
          <div class="pair"><span>{t.setTo}</span>
            <Picker label={t.setTo} quiet={false} value={state}
              options={STATES.map((one) => ({ value: one, label: stateName(one) }))}
              onPick={(to) => choose(STATES.find((one) => one === to) ?? 'dead')} />
          </div>
          <label>{t.reason}
            <input class="field" required maxLength={MOST_WHY / 2} value={why} placeholder={t.reasonHow}
              onInput={(event) => tell(event.currentTarget.value)} />
          </label>
          <button type="submit" class="button primary"
            disabled={busy || why.trim() === ''}>{busy ? t.busy : t.set}</button>
        </form>
      </details>
      <p role="status" class="muted">{said}</p>
      {failed ? <Trouble problem={failed.problem} retry={() => void save(failed.init)} /> : null}
    </div>
  )
}
