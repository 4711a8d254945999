// What somebody should look at, by what the key may see; each line leads there.
import { useAnswer } from '../../api/answer'
import { may, session } from '../../api/client'
import { PARAMS } from '../../api/openapi'
import { pathOf } from '../../api/paths'
import type { Overview, Status } from '../../api/types'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { letterReason, unpricedReason } from '../../parts/names'
import { Failed, Waiting } from '../../parts/states'
import { scope, toView } from '../../state/scope'
import { useFirst } from './first'

// A server of which the page's types were made before it had alerts has none.
const ALERTS = Object.hasOwn(PARAMS, '/v1/alerts/events')

// As high as what is usually said, in lines of what waits, which are lower; what is known already takes its room of it.
const USUAL = 7

interface Line {
  readonly text: string
  readonly to: string
}

export function Attention() {
  const t = w().overview
  const { now } = useFirst()
  const status = useAnswer<Status>(may('admin') && session.value?.account === null ? '/v1/status' : null)
  const alerts = useAnswer<{ readonly rows: readonly unknown[] }>(
    ALERTS && may('marketer', 'analyst')
      ? pathOf('/v1/alerts/events', { open: '1', account: scope.value.account || undefined })
      : null
  )
  const asked = [now, status, alerts].filter((one) => one.path !== null)
  const waiting = asked.some((one) => !one.data && !one.problem)
  const failed = asked.filter((one) => one.problem)
  const on = alerts.data?.rows.length ?? 0
  const lines = [
    ...(on > 0 ? [{ text: t.alert(on), to: toView('/settings') }] : []),
    ...service(status.data),
    ...data(now.data),
  ]
  return (
    <section class="card wide" id="attention" aria-labelledby="attention-title" aria-busy={waiting}>
      <header>
        <h2 id="attention-title">{t.attention}</h2>
      </header>
      {failed[0]?.problem ? (
        <Failed problem={failed[0].problem} retry={() => failed.forEach((one) => one.retry())} />
      ) : null}
      {lines.length > 0 ? (
        <ul class="lines">
          {lines.map((one) => (
            <li key={one.text}>
              <span>{one.text}</span>
              <a href={one.to} aria-label={`${t.look}: ${one.text}`}>
                {t.look}
              </a>
            </li>
          ))}
        </ul>
      ) : asked.every((one) => one.data) ? (
        <p>{t.allWell}</p>
      ) : null}
      {waiting ? (
        <Waiting
          lines={Math.max(1, USUAL - Math.ceil(lines.length * 1.3))}
          retry={() => asked.filter((one) => !one.data).forEach((one) => one.retry())}
        />
      ) : null}
    </section>
  )
}

// How the service itself is, for whom that concerns.
function service(status: Status | undefined): readonly Line[] {
  const t = w().overview
  if (!status) return []
  const { balance, disk, losses } = status
  const quality = toView('/quality')
  return [
    ...(losses.broken_parts.length + losses.hours.length > 0 ? [{ text: t.losses, to: quality }] : []),
    ...(disk && disk.state !== 'ok' ? [{ text: t.disk, to: quality }] : []),
    ...(status.lag_events ? [{ text: t.lag(status.lag_events), to: quality }] : []),
    ...(balance.parked > 0 ? [{ text: t.parked(balance.parked), to: quality }] : []),
  ]
}

// What the figures lack: prices, classes of error codes, and events that were refused.
function data(all: Overview | undefined): readonly Line[] {
  const t = w().overview
  const letters = all?.dead_letters ?? []
  const codes = all?.unmapped_codes
  const [first, ...others] = letters
    .toSorted((a, b) => b.letters - a.letters)
    .map((one) => `${letterReason(one.reason)} (${f.value.count(one.letters)})`)
  const why = [first, ...others.slice(0, 2)].join(', ') + (others.length > 2 ? ', …' : '')
  const line = (count: number | undefined, text: (count: number) => string, to: string): readonly Line[] =>
    count ? [{ text: text(count), to: toView(to) }] : []
  return [
    ...line(
      letters.reduce((sum, one) => sum + one.letters, 0),
      (count) => t.letters(count, why),
      '/quality'
    ),
    ...(all?.unpriced ?? []).flatMap((one) =>
      line(one.messages, (count) => t.unpricedBy(unpricedReason(one.reason, one.channel), count), '/savings')
    ),
    ...line(codes?.codes, (count) => `${t.unmapped(count)} (${t.failures(codes?.attempts ?? 0)})`, '/quality'),
    ...line(
      codes?.guessed_codes,
      (count) => `${t.guessed(count)} (${t.failures(codes?.guessed_attempts ?? 0)})`,
      '/quality'
    ),
  ]
}
