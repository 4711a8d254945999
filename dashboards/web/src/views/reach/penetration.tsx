import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { Report } from '../../api/types'
import { Bars } from '../../charts/bars'
import { bounded, interval } from '../../charts/dots'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark, channelName } from '../../parts/names'
import { Table, type Column } from '../../parts/table'
import { scope } from '../../state/scope'
import type { PenetrationRow } from './types'

/** byReach puts the channel that reaches most people first. */
export function byReach(a: PenetrationRow, b: PenetrationRow): number {
  return b.reached - a.reached || b.tested - a.tested
}

/** atLeast prints the share that was reached; where some were not tried, more may be. */
function atLeast(row: PenetrationRow): string {
  return bounded(row.penetration, row.tested < row.audience ? 'lower' : 'exact')
}

export function Penetration() {
  const t = w().reach
  const answer = useAnswer<Report<PenetrationRow>>(reportPath('penetration', scope.value))
  return (
    <Card id="penetration" lines={21} wide title={t.penetration} answer={answer} report="penetration" definition="penetration"
      chart={(data) => (
        <>
          <ul class="legend" aria-hidden="true">
            {([['behind', t.tried], ['front', t.reached]] as const).map(([look, name]) => (
              <li key={look}>
                <svg viewBox="0 0 14 14" class="barplot key"><rect width="14" height="14" rx="3" class={look} /></svg>
                {name}
              </li>
            ))}
          </ul>
          <Bars label={t.penetration} head={{ name: w().dimensions.channel, share: t.rate, of: t.people }}
            rows={data.rows.toSorted(byReach).map((row) => ({
              key: row.channel, label: <ChannelMark channel={row.channel} />, tone: `c-${row.channel}`,
              share: row.penetration, low: row.penetration_low, high: row.penetration_high, behind: row.tested_share,
              shown: atLeast(row), of: `${f.value.count(row.reached)} ${t.ofPeople(row.audience)}`,
              why: [`${w().figures.interval}: ${interval(row.penetration_low, row.penetration_high)}.`,
                `${t.triedOf(row.tested)}.`, row.tested < row.audience ? t.lower : ''].join(' '),
            }))} />
        </>
      )}
      table={(data) => <Figures rows={data.rows} />}
      sentence={(data) => {
        const [best] = data.rows.toSorted(byReach)
        return best && best.reached > 0 ? t.best(channelName(best.channel), atLeast(best), best.audience,
          f.value.rate(best.tested_share))
          : t.noneReached
      }} />
  )
}

function Figures({ rows }: { rows: readonly PenetrationRow[] }) {
  const t = w().reach
  const count = (key: 'tested' | 'reached' | 'audience' | 'messages_movable', head: string): Column<PenetrationRow> =>
    ({ key, head, show: (row) => f.value.count(row[key]), sort: (row) => row[key] })
  const columns: readonly Column<PenetrationRow>[] = [
    { key: 'channel', head: w().dimensions.channel, kind: 'text', show: (row) => <ChannelMark channel={row.channel} />,
      sort: (row) => channelName(row.channel) },
    { key: 'penetration', head: t.rate, show: atLeast, sort: (row) => row.penetration },
    { key: 'interval', head: w().figures.interval, show: (row) => interval(row.penetration_low, row.penetration_high) },
    count('reached', t.reached), count('tested', t.tried),
    { key: 'tried', head: t.triedShare, show: (row) => f.value.rate(row.tested_share),
      sort: (row) => row.tested_share },
    count('audience', t.people), count('messages_movable', t.movable),
  ]
  return <Table label={t.penetration} columns={columns} rows={rows} rowKey={(row) => row.channel}
    first={{ key: 'penetration', down: true }} />
}
