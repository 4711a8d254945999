// One bar per channel from sent to clicked or replied, as shares of what was sent; failures are below it.
import type { ComponentChildren } from 'preact'
import { w } from '../i18n'
import { f } from '../i18n/format'
import { Hatch, Open, OpenKey } from './hatch'

export interface FunnelRow {
  readonly key: string
  readonly label: ComponentChildren
  readonly tone: string
  readonly attempted: number
  readonly sent: number
  /** reported are those sent on routes that report deliveries. */
  readonly reported: number
  readonly delivered: number
  readonly read: number
  readonly clicked: number
  readonly replied: number
  readonly failed: number
  readonly pending: number
  readonly mature?: boolean
  /** told are its rates with what they are of, on hover. */
  readonly told?: string
}

const W = 1000

export function Funnel({ rows }: { rows: readonly FunnelRow[] }) {
  const t = w().figures
  return (
    <>
      <ul class="legend" aria-hidden="true">
        {(['sent', 'delivered', 'read', 'acted', 'failed'] as const).map((part) => (
          <li key={part}>
            <svg viewBox="0 0 14 14" class="c-sms"><rect width="14" height="14" rx="3" class={`f-${part}`} /></svg>
            {part === 'acted' ? `${t.clicked}, ${t.replied.toLocaleLowerCase()}` : t[part]}
          </li>
        ))}
        <li><svg viewBox="0 0 14 14"><defs><Hatch /></defs><rect width="14" height="14" rx="3" class="f-unreported" /></svg>{w().channels.unreported}</li>
        {rows.some((row) => row.mature === false)
          ? <li><OpenKey tone="weeks-bar" />{w().card.notFinal}</li>
          : null}
      </ul>
      <ul class="funnel">
        {rows.map((row) => {
          const x = (count: number): number => row.attempted > 0 ? W * count / row.attempted : 0
          return (
            <li key={row.key} class={row.tone}>
              {row.label}
              <svg viewBox={`0 0 ${W} 22`} preserveAspectRatio="none" aria-hidden="true">
                {row.told ? <title>{row.told}</title> : null}
                <rect width={x(row.sent)} height="16" class="f-sent" />
                {row.reported < row.sent
                  ? <rect x={x(row.reported)} width={x(row.sent) - x(row.reported)} height="16" class="f-unreported" /> : null}
                <rect width={x(row.delivered)} height="16" class="f-delivered" />
                <rect width={x(row.read)} height="16" class="f-read" />
                <rect width={x(Math.max(row.clicked, row.replied))} height="16" class="f-acted" />
                {row.mature === false ? <defs><Open step={16} /></defs> : null}
                {row.mature === false ? <rect width={x(row.sent)} height="16" class="open" /> : null}
                <rect y="18" width={x(row.failed)} height="4" class="f-failed" />
              </svg>
              <span class="numbers">
                {(['sent', 'delivered', 'read', 'clicked', 'replied', 'failed', 'pending'] as const)
                  .filter((name) => name === 'sent' || row[name] > 0)
                  .map((name) => <span key={name}>{t[name]} <b>{f.value.count(row[name])}</b></span>)}
              </span>
            </li>
          )
        })}
      </ul>
    </>
  )
}
