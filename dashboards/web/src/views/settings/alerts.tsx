// Alerts: what is and was out of the ordinary, and what the rules would have found in the past.
import { useState } from 'preact/hooks'
import { useAnswer } from '../../api/answer'
import { may, Refused, send } from '../../api/client'
import { pathOf } from '../../api/paths'
import type { Problem, Report } from '../../api/types'
import type { GetReportsSpendRow } from '../../api/openapi'
import { w } from '../../i18n'
import { f, NONE } from '../../i18n/format'
import { channelName } from '../../parts/names'
import { More, usePages } from '../../parts/paged'
import { Told } from '../../parts/problem'
import { Failed, Waiting } from '../../parts/states'
import { Table, type Column } from '../../parts/table'
import { scope, toView } from '../../state/scope'
import { bodyOf, wrongs, type List } from './draft'
import { KINDS } from './kinds'
import { Reason } from './reason'

export interface Alert {
  readonly id: string
  readonly account: string
  readonly rule: string
  readonly metric: string
  readonly channel: string | null
  readonly provider: string | null
  readonly operator: string | null
  readonly campaign: string | null
  readonly before: number | null
  readonly now: number | null
  readonly low: number | null
  readonly high: number | null
  /** currency and costs are of money alone, whose other figures are null. */
  readonly currency: string | null
  readonly cost_before: string | null
  readonly cost_now: string | null
  readonly cost_low: string | null
  readonly cost_high: string | null
  readonly since: string
  readonly until: string | null
  readonly ended: string | null
}

export interface Tried {
  readonly from: string
  readonly to: string
  readonly not_tried: readonly string[]
  readonly not_judged: readonly {
    readonly rule: string
    readonly days: number
    readonly first_day: string
    readonly last_day: string
  }[]
  readonly rows: readonly Alert[]
  readonly rows_left_off: number
}

// What is no share is a count, or minutes.
const COUNTS: readonly string[] = ['silent', 'dead_letters']

function figure(row: Alert, of: 'before' | 'now' | 'low' | 'high'): string {
  const cost = row[`cost_${of}`]
  if (row.currency) return cost === null ? NONE : f.value.price(cost, row.currency)
  const value = row[of]
  if (row.metric === 'freshness') return value === null ? NONE : f.value.duration(value * 60)
  return COUNTS.includes(row.metric) ? f.value.number(value) : f.value.rate(value)
}

function where(row: Alert): string {
  const parts = [row.channel === null ? null : channelName(row.channel), row.provider, row.operator, row.campaign]
  return parts.filter((one) => one !== null && one !== '').join(' · ') || w().settings.everywhere
}

function Found({ label, rows }: { label: string; rows: readonly Alert[] }) {
  const t = w().settings
  const columns: readonly Column<Alert>[] = [
    { key: 'since', head: t.since, kind: 'text', show: (row) => f.value.time(row.since), sort: (row) => row.since },
    {
      key: 'metric',
      head: t.fields.metric,
      kind: 'text',
      show: (row) => (
        <>
          {t.metrics[row.metric] ?? row.metric}
          <small>
            {t.fields.rule}{' '}
            <code>
              <bdi>{row.rule}</bdi>
            </code>
          </small>
        </>
      ),
      sort: (row) => row.metric,
    },
    { key: 'where', head: t.where, kind: 'text', show: (row) => <bdi>{where(row)}</bdi>, sort: where },
    {
      key: 'before',
      head: t.before,
      // Columns of their own would be more than a tablet has room for.
      show: (row) => (
        <>
          {figure(row, 'before')}
          {(row.cost_low ?? row.low) === null || (row.cost_high ?? row.high) === null ? null : (
            <small class="range" title={t.range}>
              {figure(row, 'low')} – {figure(row, 'high')}
            </small>
          )}
        </>
      ),
    },
    { key: 'now', head: t.now, show: (row) => <b>{figure(row, 'now')}</b> },
    {
      key: 'until',
      head: t.until,
      kind: 'text',
      show: (row) =>
        row.until === null ? (
          <span class="badge bad">{t.isOpen}</span>
        ) : (
          `${f.value.time(row.until)}${row.ended ? ` · ${t.endings[row.ended] ?? row.ended}` : ''}`
        ),
    },
  ]
  return <Table label={label} columns={columns} rows={rows} rowKey={(row) => `${row.id} ${row.since}`} />
}

/** Events are the alerts that there are and were. */
export function Events({ account }: { account: string }) {
  const t = w().settings
  const answer = useAnswer<Report<Alert>>(pathOf('/v1/alerts/events', { account, limit: '50' }))
  const pages = usePages<Alert>(answer.path, answer.data)
  return (
    <section class="card wide" id="events" aria-labelledby="events-title" aria-busy={!answer.data && !answer.problem}>
      <header>
        <h2 id="events-title">{t.eventsTitle}</h2>
      </header>
      {answer.problem ? <Failed problem={answer.problem} retry={answer.retry} /> : null}
      {!answer.data && !answer.problem ? <Waiting lines={3} retry={answer.retry} /> : null}
      {answer.data ? (
        pages.rows.length > 0 ? (
          <Found label={t.eventsTitle} rows={pages.rows} />
        ) : (
          <p class="sentence">{t.noEvents}</p>
        )
      ) : null}
      <More pages={pages} />
    </section>
  )
}

/** Unpriced says, where a rule watches money, that nothing is judged of days of which some price is not known. */
export function Unpriced({ account, list }: { account: string; list: List }) {
  const t = w().settings
  const { period, tz } = scope.value
  const watched = list.parts['alerts']?.some(
    (row) => row.values['metric'] === 'cost_per_reached' && row.values['on'] !== 'false',
  )
  const { data } = useAnswer<Report<GetReportsSpendRow>>(
    watched && may('analyst')
      ? pathOf('/v1/reports/spend', { account, from: period.from, to: period.to, tz, group_by: '' })
      : null,
  )
  const unpriced = data?.rows.reduce((sum, row) => sum + row.unpriced, 0) ?? 0
  return unpriced > 0 ? (
    <p id="unpriced-rule">
      {t.unpricedRule(unpriced)} <a href={`${toView('/savings')}#unpriced`}>{t.whyUnpriced}</a>
    </p>
  ) : null
}

/** Try walks the rules, as they are edited, through the period of the page. */
export function Try({ account, list }: { account: string; list: List }) {
  const t = w().settings
  const kind = KINDS.alerts
  const { period, tz } = scope.value
  const path = pathOf('/v1/alerts/try', { account, from: period.from, to: period.to, tz })
  const body = bodyOf(kind, list)
  const [told, tell] = useState<{ asked: string; tried?: Tried; problem?: Problem }>()
  const [busy, work] = useState(false)
  const asked = `${path} ${body}`
  const fresh = told?.asked === asked ? told : undefined
  const run = (): void => {
    work(true)
    send<Tried>(path, { method: 'POST', body })
      .then(
        (tried) => tell({ asked, tried }),
        (error: unknown) => {
          if (error instanceof Refused) tell({ asked, problem: error.problem })
        },
      )
      .finally(() => work(false))
  }
  const wrong = fresh?.problem ? wrongs(kind, list, fresh.problem) : []
  return (
    <div class="try" aria-busy={busy}>
      <div class="tools">
        <h3>{t.tryTitle}</h3>
        <button type="button" class="button" disabled={busy} onClick={run}>
          {t.tryOut}
        </button>
        <span class="muted" role="status">
          {busy ? w().card.loading : t.tryHow}
        </span>
      </div>
      {fresh?.problem ? (
        <div role="alert">
          {wrong.length > 0 ? (
            wrong.map((one) => (
              <p key={`${one.field} ${one.reason}`}>
                <Reason wrong={one} columns={[]} />
              </p>
            ))
          ) : (
            <p><Told problem={fresh.problem} /></p>
          )}
        </div>
      ) : null}
      {fresh?.tried ? (
        <>
          <p class="sentence" role="status">
            {t.tried(fresh.tried.rows.length + fresh.tried.rows_left_off)}
          </p>
          {fresh.tried.rows.length > 0 ? <Found label={t.tryTitle} rows={fresh.tried.rows} /> : null}
          {fresh.tried.not_judged.map((one) => (
            <p key={one.rule}>
              {t.notJudged(one.days, f.value.date(one.first_day), f.value.date(one.last_day))}{' '}
              <code>
                <bdi>{one.rule}</bdi>
              </code>
            </p>
          ))}
          {fresh.tried.not_tried.length > 0 ? (
            <p class="muted">
              {t.notTried}{' '}
              <code>
                <bdi>{fresh.tried.not_tried.join(', ')}</bdi>
              </code>
            </p>
          ) : null}
        </>
      ) : null}
    </div>
  )
}
