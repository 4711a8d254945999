// What somebody should look at, by what the key may see; each line leads there.
import { useAnswer } from '../../api/answer'
import { may, session } from '../../api/client'
import { pathOf, reportPath } from '../../api/paths'
import type { Report, SavingsRow, Status, UnmappedRow } from '../../api/types'
import { w } from '../../i18n'
import { Failed, Waiting } from '../../parts/states'
import { scope, toView } from '../../state/scope'

// Codes beyond a page are told as "or more".
const PAGE = 1000

export function Attention() {
  const t = w().overview
  const s = scope.value
  const analyst = may('analyst')
  const operator = may('admin') && session.value?.account === null
  const savings = useAnswer<Report<SavingsRow>>(analyst ? reportPath('savings', s) : null)
  const codes = useAnswer<Report<UnmappedRow>>(analyst ? pathOf('/v1/error-map/unmapped', { from: s.period.from,
    to: s.period.to, tz: s.tz, account: s.account || undefined, limit: String(PAGE) }) : null)
  const status = useAnswer<Status>(operator ? '/v1/status' : null)
  const asked = [savings, codes, status].filter((one) => one.path !== null)
  const lines: { text: string; to: string }[] = []
  const add = (count: number, text: (count: number) => string, to: string): void => {
    if (count > 0) lines.push({ text: text(count), to: toView(to) })
  }
  if (status.data) {
    const { balance, disk, losses } = status.data
    if (losses.broken_parts.length + losses.hours.length > 0) lines.push({ text: t.losses, to: toView('/quality') })
    if (disk.state === 'warning' || disk.state === 'full') lines.push({ text: t.disk, to: toView('/quality') })
    add(status.data.lag_events ?? 0, t.lag, '/quality')
    add(balance.rejected, t.dead, '/quality')
    add(balance.parked, t.parked, '/quality')
  }
  for (const row of savings.data?.rows ?? []) add(row.unpriced, t.unpriced, '/savings')
  const found = codes.data?.rows ?? []
  if (codes.data?.next_cursor) add(found.length, t.atLeast, '/quality')
  else {
    add(found.filter((row) => row.guess === null).length, t.unmapped, '/quality')
    add(found.filter((row) => row.guess !== null).length, t.guessed, '/quality')
  }
  const failed = asked.find((one) => one.problem)
  return (
    <section class="card wide" id="attention" aria-labelledby="attention-title" aria-busy={asked.some((one) => !one.data && !one.problem)}>
      <header><h2 id="attention-title">{t.attention}</h2></header>
      {asked.some((one) => !one.data && !one.problem) ? <Waiting lines={3} /> : null}
      {failed?.problem ? <Failed problem={failed.problem} retry={failed.retry} /> : null}
      {lines.length > 0
        ? <ul class="lines">{lines.map((one) => <li key={one.text}><span>{one.text}</span><a href={one.to} aria-label={`${t.look}: ${one.text}`}>{t.look}</a></li>)}</ul>
        : asked.every((one) => one.data) ? <p>{t.allWell}</p> : null}
    </section>
  )
}
