// How far the figures are, and whether everything that came is accounted for.
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { useAnswer, type Answer } from '../../api/answer'
import { pathOf } from '../../api/paths'
import type { Report } from '../../api/types'
import { w } from '../../i18n'
import { f, NONE } from '../../i18n/format'
import { Card } from '../../parts/card'
import { Figure, Figures } from '../../parts/figure'
import { Table, type Column } from '../../parts/table'
import { scope } from '../../state/scope'
import type { FullStatus } from './types'

const LATE_SECONDS = 300
const EVERY_MS = 10_000

/** useStatus asks how the service is, again and again while somebody looks. */
export function useStatus(): Answer<FullStatus> {
  const answer = useAnswer<FullStatus>('/v1/status')
  useEffect(() => {
    const timer = window.setInterval(() => {
      if (!document.hidden) answer.retry()
    }, EVERY_MS)
    return () => window.clearInterval(timer)
  }, [])
  return answer
}

function freshness(asOf: string | null, lag: number | null): string {
  const t = w().quality
  if (asOf === null || lag === null) return w().freshness.none
  const ago = f.value.duration(Math.round(lag))
  return lag > LATE_SECONDS ? t.late(f.value.time(asOf), ago) : t.fresh(f.value.time(asOf), ago)
}

/** Fresh is for who sees one account: how far its figures are. */
export function Fresh() {
  const t = w().quality
  const answer = useAnswer<Report<unknown>>(
    pathOf('/v1/reports/channels', { group_by: '', limit: '1', account: scope.value.account || undefined }),
  )
  return (
    <Card
      id="fresh"
      lines={7}
      wide
      title={t.freshTitle}
      answer={answer}
      files={false}
      none={<p class="sentence">{w().freshness.none}</p>}
      chart={(data) => <p class="sentence">{freshness(data.as_of, data.lag_seconds)}</p>}
    />
  )
}

const TERMS = ['stored', 'rejected', 'parked', 'in_flight', 'empty'] as const

/** adds tells whether the terms add up to what came in. What is asked while events pass is off by some for a moment. */
function missing({ balance }: FullStatus): number {
  return balance.consumed - TERMS.reduce((sum, name) => sum + balance[name], 0)
}

/** Complete is for operators: what came, and where each event of it is. */
export function Complete() {
  const t = w().quality
  const answer = useStatus()
  return (
    <Card
      id="fresh"
      lines={7}
      wide
      title={t.completeTitle}
      answer={answer}
      files={false}
      chart={(data) => (
        <>
          <p class="sentence">{freshness(data.as_of, data.lag_seconds)}</p>
          <Balance status={data} />
          <Figures>
            <Figure
              name={t.lag}
              value={f.value.count(data.lag_events)}
              of={data.lag_events === null ? t.lagUnknown : t.lagOf}
            />
            <Figure name={t.buckets} value={f.value.count(data.pending_buckets)} of={t.bucketsOf} />
            <Figure name={t.verdicts} value={f.value.count(data.pending_numbers)} of={t.verdictsOf} />
            <Figure
              name={t.audited}
              value={f.value.count(data.audit.hours)}
              of={
                data.audit.hours === 0
                  ? t.auditNone
                  : data.audit.differences === 0
                    ? t.auditGood
                    : t.auditBad(data.audit.differences)
              }
            />
            <Figure
              name={t.disk}
              value={data.disk ? f.value.bytes(data.disk.free_bytes) : NONE}
              of={
                data.disk
                  ? `${t.diskOf(f.value.bytes(data.disk.total_bytes))}${data.disk.state === 'ok' ? '' : `. ${t.diskStates[data.disk.state]}`}`
                  : null
              }
            />
          </Figures>
          <Losses status={data} />
        </>
      )}
    />
  )
}

function Balance({ status }: { status: FullStatus }) {
  const t = w().quality
  const { balance } = status
  const off = missing(status)
  const term = (name: keyof FullStatus['balance'], sign: string): ComponentChildren => (
    <li key={name} class={balance[name] === 0 ? 'muted' : ''}>
      <span aria-hidden="true">{sign}</span> <span>{t.terms[name]}</span> <b>{f.value.count(balance[name])}</b>
    </li>
  )
  return (
    <div>
      <ul class="balance" aria-label={t.balance}>
        {term('consumed', '')}
        {TERMS.map((name, i) => term(name, i === 0 ? (off === 0 ? '=' : '≠') : '+'))}
      </ul>
      <p class="muted">{off === 0 ? t.balanced : t.unbalanced(off)}</p>
    </div>
  )
}

type Hour = FullStatus['losses']['hours'][number]

function Losses({ status }: { status: FullStatus }) {
  const t = w().quality
  const { hours, broken_parts: parts, rereading } = status.losses
  if (hours.length + parts.length === 0) return rereading > 0 ? <p role="status">{t.rereading(rereading)}</p> : null
  const columns: readonly Column<Hour>[] = [
    {
      key: 'account',
      head: w().dimensions.account,
      kind: 'text',
      show: (row) => <bdi>{row.account}</bdi>,
      sort: (row) => row.account,
    },
    { key: 'hour', head: t.hour, kind: 'text', show: (row) => f.value.time(row.hour), sort: (row) => row.hour },
    { key: 'published', head: t.published, show: (row) => f.value.count(row.published), sort: (row) => row.published },
    { key: 'found', head: t.found, show: (row) => f.value.count(row.found), sort: (row) => row.found },
  ]
  return (
    <div role="alert">
      <p>
        <strong>{t.lost(hours.length, parts.length)}</strong>
      </p>
      <p class="muted">
        {t.lostHow} <code>kaskad reread</code>
      </p>
      {hours.length > 0 ? (
        <Table label={t.hour} columns={columns} rows={hours} rowKey={(row) => `${row.account} ${row.hour}`} />
      ) : null}
      {parts.length > 0 ? (
        <ul>
          {parts.map((one) => (
            <li key={one.part}>
              <code>
                {one.table} {one.part}
              </code>
            </li>
          ))}
        </ul>
      ) : null}
      {rereading > 0 ? <p>{t.rereading(rereading)}</p> : null}
    </div>
  )
}
