import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { ChannelRow, Report } from '../../api/types'
import { bounded } from '../../charts/dots'
import { Weeks } from '../../charts/weeks'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { Table, type Column } from '../../parts/table'
import { addDays } from '../../state/period'
import { scope } from '../../state/scope'
import { toQuery } from '../../state/url'
import { useFirst } from './first'

type Row = ChannelRow & { readonly week: string }

// As many weeks are drawn, and as many before them behind.
const SHOWN = 8

function mondayOf(day: string): string {
  return addDays(day, -((new Date(day).getUTCDay() + 6) % 7))
}

/** shown are the Mondays of the weeks up to the end of the period. */
function shown(): readonly string[] {
  const last = mondayOf(addDays(scope.value.period.to, -1))
  return Array.from({ length: SHOWN }, (_, i) => addDays(last, -7 * (SHOWN - 1 - i)))
}

export function Changes() {
  const t = w().overview
  const s = scope.value
  const weeks = shown()
  const from = addDays(weeks[0] ?? s.period.from, -7 * SHOWN)
  const answer = useAnswer<Report<Row>>(reportPath('channels', s, { group_by: 'week', from }), useFirst().now)
  return (
    <Card
      id="changes"
      lines={7}
      wide
      title={t.changes}
      answer={answer}
      report="channels"
      chart={(data) => <Multiples rows={data.rows} weeks={weeks} />}
      table={(data) => <Lines rows={data.rows} />}
      sentence={(data) => {
        const last = data.rows.at(-1)
        return last ? t.changesWord(f.value.date(last.week), last.sent) : null
      }}
    />
  )
}

interface Figure {
  readonly name: string
  readonly of: (row: Row) => number | null
  readonly show: (row: Row) => string
  readonly note: (row: Row) => string
}

function figures(): readonly Figure[] {
  const t = w().figures
  const rate = (name: string, key: 'delivery' | 'click' | 'reply', note: (count: number) => string): Figure => ({
    name,
    of: (row) => row[`${key}_rate`],
    show: (row) => f.value.rate(row[`${key}_rate`]),
    note: (row) => note(row[`${key}_den`]),
  })
  return [
    { name: t.sent, of: (row) => row.sent, show: (row) => f.value.count(row.sent), note: () => '' },
    rate(t.deliveryRate, 'delivery', t.ofSent),
    {
      name: t.openRate,
      of: (row) => row.open_rate,
      show: (row) => bounded(row.open_rate, row.open_rate_bound),
      note: (row) => t.ofDelivered(row.open_den),
    },
    rate(t.clickRate, 'click', t.ofDelivered),
    rate(t.replyRate, 'reply', t.ofDelivered),
  ]
}

function Multiples({ rows, weeks }: { rows: readonly Row[]; weeks: readonly string[] }) {
  const t = w()
  const of = new Map(rows.map((row) => [row.week, row]))
  const known = weeks.map((week) => of.get(week))
  const newest = known.findLast((row) => row !== undefined)
  return (
    <>
      <div class="multiples">
        {figures().map((one) => (
          <Weeks
            key={one.name}
            name={one.name}
            newest={newest ? one.show(newest) : f.value.count(null)}
            bars={weeks.map((week, i) => {
              const row = known[i]
              const was = of.get(addDays(week, -7 * SHOWN))
              return {
                key: week,
                value: row ? one.of(row) : null,
                before: was ? one.of(was) : null,
                open: row?.mature === false,
                told: row
                  ? [
                      t.overview.week(f.value.date(week)),
                      one.show(row),
                      one.note(row),
                      row.mature ? '' : t.card.notFinal,
                    ]
                      .filter((part) => part !== '')
                      .join(', ')
                  : '',
              }
            })}
          />
        ))}
      </div>
      <p class="muted">
        {f.value.date(weeks[0] ?? '')} – {f.value.date(addDays(weeks.at(-1) ?? '', 6))};{' '}
        <span class="weeks-key" aria-hidden="true" /> {t.overview.earlier}
      </p>
    </>
  )
}

function Lines({ rows }: { rows: readonly Row[] }) {
  const columns: readonly Column<Row>[] = [
    {
      key: 'week',
      head: w().overview.time,
      kind: 'text',
      show: (row) => f.value.date(row.week),
      sort: (row) => row.week,
    },
    ...figures().map((one): Column<Row> => ({ key: one.name, head: one.name, show: one.show, sort: one.of })),
  ]
  return (
    <Table
      label={w().overview.changes}
      columns={columns}
      rows={rows}
      rowKey={(row) => row.week}
      first={{ key: 'week', down: true }}
      open={(row) => toQuery({ period: null, from: row.week, to: addDays(row.week, 7) })}
    />
  )
}
