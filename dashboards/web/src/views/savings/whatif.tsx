// What moving SMS to a channel would save: the server computes while the sliders move, and the address keeps them.
import { useAnswer } from '../../api/answer'
import { pathOf } from '../../api/paths'
import { usePosted } from '../../api/posted'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { Figure, Figures } from '../../parts/figure'
import { setParams, url } from '../../state/url'

export interface Forecast {
  readonly as_of?: null
  readonly movable: number
  readonly saved: string
  readonly sms_only_cost: string
  readonly cascade_cost: string
  readonly saved_rate: number | null
  readonly worth_it: boolean
}

interface BreakEven {
  readonly segments: number | null
  readonly ratio: number | null
}

const INPUTS = {
  pen: { low: 0, high: 100, step: 1, start: '50' },
  del: { low: 0, high: 100, step: 1, start: '80' },
  seg: { low: 1, high: 6, step: 0.5, start: '2' },
  sms: { low: 0.1, high: 10, step: 0.1, start: '2' },
  chan: { low: 0, high: 10, step: 0.05, start: '0.5' },
} as const
type Input = keyof typeof INPUTS
const MESSAGES = '100000'

/** given is what the address says, as far as a slider can say it. */
function given(name: Input): string {
  const text = url.value.searchParams.get(name)
  const { low, high, start } = INPUTS[name]
  return text !== null && /^\d{1,3}(\.\d{1,2})?$/.test(text) && Number(text) >= low && Number(text) <= high ? text : start
}

/** share is a whole percentage as the decimal that the API takes. */
function share(percent: string): string {
  return (Number(percent) / 100).toFixed(2)
}

export function forecastBody(): string {
  return JSON.stringify({ messages: Number(MESSAGES), penetration: share(given('pen')), delivery_rate: share(given('del')),
    sms_segments: given('seg'), sms_price: given('sms'), channel_price: given('chan'), billing: 'per_message_delivered' })
}

export function WhatIf() {
  const t = w().savings
  const body = forecastBody()
  const answer = usePosted<Forecast>('/v1/forecasts/savings', body)
  const even = useAnswer<BreakEven>(pathOf('/v1/forecasts/break-even', { channel_price: given('chan'), sms_price: given('sms') }))
  return (
    <Card id="what-if" lines={19} title={t.whatIf} answer={answer} files={false} body={body} definition="saved_rate"
      chart={(data) => (
        <>
          <div class="sliders">{(Object.keys(INPUTS) as Input[]).map((name) => <Slider key={name} name={name} />)}</div>
          <Figures>
            <Figure main name={data.saved.startsWith('-') ? t.wouldLose : t.wouldSave}
              value={f.value.money(data.saved.replace(/^-/, ''), '')} of={f.value.rate(data.saved_rate)} />
            <Figure name={t.asSMS} value={f.value.money(data.sms_only_cost, '')} />
            <Figure name={t.cascade} value={f.value.money(data.cascade_cost, '')} of={t.moved(data.movable)} />
          </Figures>
          <Even segments={even.data?.segments ?? null} />
        </>
      )}
      sentence={(data) => `${data.worth_it ? t.worth : t.notWorth} ${even.data && !even.stale
        ? even.data.segments === null ? t.neverEven : t.even(even.data.segments) : ''}`} />
  )
}

function Slider({ name }: { name: Input }) {
  const { low, high, step } = INPUTS[name]
  const value = given(name)
  const percent = name === 'pen' || name === 'del'
  const shown = percent ? f.value.rate(Number(share(value))) : name === 'seg' ? f.value.number(value) : f.value.money(value, '')
  return (
    <label>
      <span class="value"><span>{w().savings.inputs[name]}</span><b>{shown}</b></span>
      <input type="range" min={low} max={high} step={step} value={value} aria-valuetext={shown}
        onInput={(event) => setParams({ [name]: event.currentTarget.value }, 'replace')} />
    </label>
  )
}

const MOST = 6
const W = 600

// What 1, 2, 3 … segments cost, as bars, and the price of the channel as a line through them.
function Even({ segments }: { segments: number | null }) {
  const sms = Number(given('sms'))
  const price = Number(given('chan'))
  const top = Math.max(sms * MOST, price) * 1.05
  const y = (cost: number): number => 90 - 84 * cost / top
  const wide = W / MOST
  return (
    <figure class="plain">
      <svg viewBox={`0 0 ${W} 96`} preserveAspectRatio="none" class="even" aria-hidden="true">
        {Array.from({ length: MOST }, (_, i) => (
          <rect key={i} x={i * wide + 6} width={wide - 12} y={y(sms * (i + 1))} height={90 - y(sms * (i + 1))}
            class={segments !== null && i + 1 >= segments ? 'sms over' : 'sms'} />
        ))}
        <line x1="0" x2={W} y1={y(price)} y2={y(price)} class="price" />
      </svg>
      <figcaption class="muted">{w().savings.evenCaption(MOST)}</figcaption>
    </figure>
  )
}
