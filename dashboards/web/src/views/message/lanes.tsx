// A lane per step over one time axis, which is logarithmic from the first moment on: a push takes a second, a read a
// day. Marks are drawn; what they are stands below them as words, for eyes and screen readers alike.
import { w } from '../../i18n'
import { f, NONE } from '../../i18n/format'
import { ChannelMark, reasonName } from '../../parts/names'
import { Why } from '../../parts/why'
import { outcomeOf, type Message, type Moment, type Step } from './answer'
import { since, statusName } from './happened'
import { stateName } from '../campaigns/recipients'

const W = 1000
const MARKS_S = [0, 1, 10, 120, 600, 2 * 3600, 86_400, 7 * 86_400, 30 * 86_400]
// Marks of the axis nearer than this to each other would overlap on a phone.
const APART = 0.15
// One beyond this would stick out.
const LAST = 0.86
const BAD = ['undelivered', 'rejected', 'expired', 'failed']
const GOOD = ['delivered', 'read', 'clicked', 'replied']

function lookOf(status: string): 'bad' | 'good' | 'open' {
  return BAD.includes(status) ? 'bad' : GOOD.includes(status) ? 'good' : 'open'
}

/** scaleOf returns where a moment is, 0…1. */
function scaleOf(span: number): (seconds: number) => number {
  const whole = Math.log1p(Math.max(span, 1))
  return (seconds) => Math.log1p(Math.max(seconds, 0)) / whole
}

export function Lanes({ message, money }: { message: Message; money: boolean }) {
  const { timeline, steps } = message
  const first = timeline[0]?.at ?? message.cohort ?? ''
  const at = (one: Moment): number => since(one.at, first)
  const x = scaleOf(Math.max(0, ...timeline.map(at)))
  const marks: number[] = []
  for (const mark of MARKS_S) {
    const last = marks.at(-1)
    if (x(mark) <= LAST && (last === undefined || x(mark) - x(last) >= APART)) marks.push(mark)
  }
  return (
    <>
      <div class="lane-axis" aria-hidden="true">
        {marks.map((mark) => (
          <span key={mark} style={{ left: `${100 * x(mark)}%` }}>{f.value.duration(mark)}</span>
        ))}
      </div>
      <ol class="lanes">
        {steps.map((step) => (
          <Lane key={step.step} step={step} x={(one) => W * x(at(one))}
            moments={timeline.filter((one) => one.step === step.step)}
            since={at} money={money} grid={marks.map((mark) => W * x(mark))} />
        ))}
      </ol>
      <p class="muted">{w().message.axis(f.value.moment(first))}</p>
    </>
  )
}

function Lane({ step, moments, x, since: after, money, grid }: {
  step: Step
  moments: readonly Moment[]
  x: (moment: Moment) => number
  since: (moment: Moment) => number
  money: boolean
  grid: readonly number[]
}) {
  const places = moments.map(x)
  return (
    <li class={`lane c-${step.channel}`}>
      <span class="step"><b>{f.value.count(step.step)}</b><ChannelMark channel={step.channel} /></span>
      <svg viewBox={`0 0 ${W} 24`} preserveAspectRatio="none" aria-hidden="true">
        {grid.map((place) => <line key={place} x1={place} x2={place} y1="0" y2="24" class="grid" />)}
        <line x1={Math.min(...places, W)} x2={Math.max(...places, 0)} y1="12" y2="12" class="track" />
        {moments.map((one, i) => <Mark key={i} at={x(one)} look={lookOf(one.status)} />)}
      </svg>
      {money ? <Cost step={step} /> : null}
      <ul class="moments">
        {moments.map((one, i) => (
          <li key={i}>
            <Dot look={lookOf(one.status)} />{statusName(one.status)} <span
              class="muted">+{f.value.duration(after(one))}</span>
          </li>
        ))}
        {moments.length === 0 ? <li>{stateName(outcomeOf(step))}</li> : null}
        {step.failed ? <li class="failure">{w().message.because(reasonName(step.reason))}{step.error_code
          ? <> (<bdi>{step.error_code}</bdi>)</> : null}</li> : null}
      </ul>
    </li>
  )
}

// A point is a line of no length with a round end, so it stays round however the drawing is stretched.
function Mark({ at, look }: { at: number; look: string }) {
  return (
    <>
      <line x1={at} x2={at} y1="12" y2="12" class={`moment ${look}`} />
      {look === 'open' ? <line x1={at} x2={at} y1="12" y2="12" class="moment hole" /> : null}
    </>
  )
}

function Dot({ look }: { look: string }) {
  return <i class={`moment-dot ${look}`} aria-hidden="true" />
}

/** Cost is what a step cost and why, or why that is not known. */
function Cost({ step }: { step: Step }) {
  const t = w().message
  const { tariff, cost } = step
  if (!step.attempted) return <span class="lane-cost muted">{t.notTried}</span>
  const why = tariff ? t.byTariff(t.billings[tariff.billing] ?? tariff.billing,
    f.value.price(tariff.price, tariff.currency),
    f.value.time(tariff.valid_from)) : t.unpriced[step.unpriced_reason] ?? w().states.unknown
  if (cost === null) {
    return (
      <span class="lane-cost">
        <Why text={step.unpriced_reason ? t.unpriced[step.unpriced_reason] ?? why : why}>{NONE}</Why>
        <small>{step.unpriced_reason ? t.unpriced[step.unpriced_reason] : step.sent ? why : t.notSent}</small>
      </span>
    )
  }
  return (
    <span class="lane-cost">
      <Why text={why}><b>{f.value.price(cost, step.currency)}</b></Why>
      <small>{step.units === null ? null : t.units(step.units)}</small>
    </span>
  )
}
