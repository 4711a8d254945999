import type { Overview } from '../../api/types'
import { bounded, interval } from '../../charts/dots'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { Figure, Figures } from '../../parts/figure'
import { Why } from '../../parts/why'
import { toView } from '../../state/scope'
import { useFirst } from './first'

type Attempts = NonNullable<Overview['attempts']>

export function Arrive() {
  const t = w().overview
  const { now, was } = useFirst()
  const earlier = was?.attempts
  const stamped = {
    ...now,
    data: now.data && { ...now.data, ...(now.data.attempts ? { mature: now.data.attempts.mature } : {}) },
  }
  return (
    <Card
      id="arrive"
      lines={12.2}
      title={t.arrive}
      answer={stamped}
      report="overview"
      definition="open"
      files={false}
      chart={({ attempts, messages }) =>
        attempts ? (
          <Figures>
            <Figure
              main
              name={t.read}
              value={<Rate row={attempts} />}
              of={w().figures.ofDelivered(attempts.open_den)}
              before={earlier && bounded(earlier.open_rate, earlier.open_rate_bound)}
            />
            <Figure
              name={t.delivered}
              value={f.value.rate(attempts.delivery_rate)}
              of={w().figures.ofSent(attempts.delivery_den)}
              before={earlier && f.value.rate(earlier.delivery_rate)}
            />
            <Figure name={t.messagesSent} value={f.value.count(messages)} before={was && f.value.count(was.messages)} />
            <Figure
              name={t.sent}
              value={f.value.count(attempts.sent)}
              of={t.attempts}
              before={earlier && f.value.count(earlier.sent)}
            />
          </Figures>
        ) : null
      }
      sentence={({ attempts }) =>
        attempts && attempts.open_rate !== null ? (
          <>
            {t.word(bounded(attempts.open_rate, attempts.open_rate_bound), attempts.open_den)}{' '}
            <a href={toView('/channels')}>{w().views.channels}</a>
          </>
        ) : null
      }
    />
  )
}

function Rate({ row }: { row: Attempts }) {
  const t = w().figures
  const why =
    row.open_rate === null
      ? w().states.unknown
      : `${t.interval}: ${interval(row.open_rate_low, row.open_rate_high)}. ${row.open_rate_bound ? t.bounds[row.open_rate_bound] : ''}`
  return <Why text={why}>{bounded(row.open_rate, row.open_rate_bound)}</Why>
}

/** Whom says who is not to be sent to: dead numbers of now, and those who said so in the period. */
export function Whom() {
  const t = w().overview
  const { now, was } = useFirst()
  const dead = now.data?.dead_numbers
  const count = (value: number | undefined): string => f.value.count(value)
  return (
    <Card
      id="whom"
      lines={7}
      wide
      title={t.whom}
      answer={now}
      report="overview"
      definition={dead ? 'dead' : 'unsubscribe'}
      files={false}
      chart={(data) => (
        <Figures>
          {dead ? <Figure main name={t.deadPhones} value={count(dead.phone)} of={t.now} /> : null}
          {dead ? <Figure name={t.deadEmails} value={count(dead.email)} /> : null}
          {data.opt_outs
            ? (['unsubscribed', 'blocked', 'complained'] as const).map((name) => (
                <Figure
                  key={name}
                  name={t[name]}
                  value={count(data.opt_outs?.[name])}
                  before={was?.opt_outs && count(was.opt_outs[name])}
                />
              ))
            : null}
        </Figures>
      )}
      sentence={() =>
        dead ? (
          <>
            {t.whomWord(dead.phone + dead.email)} <a href={toView('/numbers')}>{t.toList}</a>
          </>
        ) : null
      }
    />
  )
}
