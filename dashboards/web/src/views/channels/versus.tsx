// Two channels side by side: of all messages, and of the people who were tried on both.
import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { ChannelRow, CompareRow, Report } from '../../api/types'
import { bounded, Dots, interval } from '../../charts/dots'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark, channelName } from '../../parts/names'
import { Picker } from '../../parts/picker'
import { Table, type Column } from '../../parts/table'
import { scope } from '../../state/scope'
import { setParams, url } from '../../state/url'

type Row = ChannelRow & { readonly channel: string }
type Comparison = Report<CompareRow> & { readonly minimum_sample: number }

const METRICS = ['open', 'delivery', 'click', 'reply', 'read_of_sent', 'delivered_of_attempted'] as const

export function Versus() {
  const t = w().channels
  const s = scope.value
  const q = url.value.searchParams
  // What is chosen as a filter is no choice here: the channels are compared with each other.
  const { channel: _, ...filters } = s.filters
  const all = { ...s, filters }
  const channels = useAnswer<Report<Row>>(reportPath('channels', all))
  const names = (channels.data?.rows ?? [])
    .toSorted((a, b) => b.open_den - a.open_den || b.sent - a.sent)
    .map((row) => row.channel)
  const a = names.find((one) => one === q.get('a')) ?? names.find((one) => one !== q.get('b'))
  const b = names.find((one) => one === q.get('b') && one !== a) ?? names.find((one) => one !== a)
  const metric = METRICS.find((one) => one === q.get('metric')) ?? 'open'
  const answer = useAnswer<Comparison>(
    a !== undefined && b !== undefined ? reportPath('compare', all, { by: 'channel', values: [a, b], metric }) : null,
    channels
  )
  // Without two channels nothing is asked, and the answer about channels is what there is to say.
  const none = channels.data !== undefined && b === undefined
  const options = names.map((one) => ({ value: one, label: channelName(one) }))
  // Who picks the other one's channel swaps them.
  const pick = (first: string, second: string): void => setParams({ a: first, b: second }, 'replace')
  if (none) {
    return (
      <section class="card wide" id="versus" aria-labelledby="versus-title">
        <header>
          <h2 id="versus-title">{t.versus}</h2>
        </header>
        <p>{channels.data?.rows.length === 0 ? w().states.empty : t.onlyOne}</p>
      </section>
    )
  }
  return (
    <Card
      id="versus"
      lines={16}
      wide
      title={t.versus}
      answer={answer}
      report="compare"
      definition="difference"
      chart={(data) => (
        <>
          <div class="pickers">
            <Picker
              label={t.first}
              value={a ?? ''}
              quiet={false}
              options={options}
              onPick={(to) => pick(to, to === b ? (a ?? '') : (b ?? ''))}
            />
            <Picker
              label={t.second}
              value={b ?? ''}
              quiet={false}
              options={options}
              onPick={(to) => pick(to === a ? (b ?? '') : (a ?? ''), to)}
            />
            <Picker
              label={t.by}
              value={metric}
              quiet={false}
              onPick={(to) => setParams({ metric: to === 'open' ? null : to }, 'replace')}
              options={METRICS.map((one) => ({ value: one, label: t.rates[one] }))}
            />
          </div>
          {data.rows.map((row) => (
            <Pair key={row.among} row={row} least={data.minimum_sample} />
          ))}
        </>
      )}
      table={(data) => <Figures rows={data.rows} />}
    />
  )
}

function Pair({ row, least }: { row: CompareRow; least: number }) {
  const t = w().channels
  const dots = (['a', 'b'] as const).map((side) => ({
    key: side,
    label: <ChannelMark channel={row[side]} />,
    tone: `c-${row[side]}`,
    rate: row[`${side}_rate`],
    low: row[`${side}_rate_low`],
    high: row[`${side}_rate_high`],
    bound: row[`${side}_bound`],
    of: t.of(row[`${side}_den`]),
    weight: row[`${side}_den`] / Math.max(1, row.a_den, row.b_den),
    hatched: !row.mature,
    why: w().states.unknown,
  }))
  return (
    <div class="pair-of">
      <h3>
        {t.among[row.among]}
        {row.people === null ? '' : `: ${row.tried === 0 ? t.nobody : t.people(row.people)}`}
      </h3>
      <Dots
        label={t.among[row.among]}
        rows={dots}
        head={{ name: w().dimensions.channel, rate: t.rates[row.metric], of: t.tried }}
      />
      <p class="sentence">{verdict(row, least)}</p>
      {row.difference === null ? null : (
        <p class="muted">
          {t.difference}: {points(row)} ({f.value.points(row.difference_low)} … {f.value.points(row.difference_high)}{' '}
          {t.points})
        </p>
      )}
    </div>
  )
}

/** points prints the difference, with ≥ or ≤ where it is a bound. */
function points(row: CompareRow): string {
  const sign = row.difference_bound === 'lower' ? '≥\u00a0' : row.difference_bound === 'upper' ? '≤\u00a0' : ''
  return `${sign}${f.value.points(row.difference)} ${w().channels.points}`
}

function verdict(row: CompareRow, least: number): string {
  const t = w().channels
  if (row.why_not !== null) return t.whyNot[row.why_not](least)
  const ahead = (row.difference ?? 0) > 0
  const by = f.value.points(row.difference).replace(/^[+\u2212-]/, '')
  return ahead
    ? t.better(channelName(row.a), channelName(row.b), by)
    : t.better(channelName(row.b), channelName(row.a), by)
}

function Figures({ rows }: { rows: readonly CompareRow[] }) {
  const t = w().channels
  const side = (name: 'a' | 'b', head: string): readonly Column<CompareRow>[] => [
    { key: name, head, kind: 'text', show: (row) => <ChannelMark channel={row[name]} /> },
    {
      key: `${name}_rate`,
      head: t.rates[rows[0]?.metric ?? 'open'],
      show: (row) => bounded(row[`${name}_rate`], row[`${name}_bound`]),
    },
    {
      key: `${name}_interval`,
      head: w().figures.interval,
      show: (row) => interval(row[`${name}_rate_low`], row[`${name}_rate_high`]),
    },
    { key: `${name}_of`, head: t.tried, show: (row) => f.value.count(row[`${name}_den`]) },
  ]
  const columns: readonly Column<CompareRow>[] = [
    { key: 'among', head: t.by, kind: 'text', show: (row) => t.among[row.among] },
    ...side('a', t.first),
    ...side('b', t.second),
    { key: 'difference', head: t.difference, show: points },
    {
      key: 'low',
      head: w().figures.interval,
      show: (row) => `${f.value.points(row.difference_low)} … ${f.value.points(row.difference_high)}`,
    },
  ]
  return <Table label={t.versus} columns={columns} rows={rows} rowKey={(row) => row.among} />
}
