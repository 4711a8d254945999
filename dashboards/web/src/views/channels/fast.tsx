import { useCallback } from 'preact/hooks'
import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { ChannelRow, LatencyRow, Report } from '../../api/types'
import { EChart, tooltip, type Ink } from '../../charts/echart'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark, channelName, isChannel } from '../../parts/names'
import { Picker } from '../../parts/picker'
import { Beside } from '../../parts/states'
import { Table, type Column } from '../../parts/table'
import { scope } from '../../state/scope'
import { setParams, url } from '../../state/url'

type Row = ChannelRow & { readonly channel: string }
type Point = LatencyRow & { readonly channel: string }

const METRICS = ['time_to_deliver', 'time_to_read', 'time_to_reply'] as const
type Metric = (typeof METRICS)[number]

// The axis goes from a second to 30 days. These are its points: close enough for a smooth line.
const MINUTE = 60
const HOUR = 3600
const DAY = 86_400
const POINTS = [
  1,
  2,
  5,
  10,
  20,
  30,
  45,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  20 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  4 * HOUR,
  8 * HOUR,
  16 * HOUR,
  DAY,
  2 * DAY,
  4 * DAY,
  7 * DAY,
  14 * DAY,
  30 * DAY,
]
const MARKS = [MINUTE, HOUR, DAY]

/** metric is what the address asks for. */
function metric(): Metric {
  const wanted = url.value.searchParams.get('fast')
  return METRICS.find((one) => one === wanted) ?? 'time_to_read'
}

export function Fast() {
  const t = w().channels
  const of = metric()
  const channels = useAnswer<Report<Row>>(reportPath('channels', scope.value))
  const answer = useAnswer<Report<Point>>(
    reportPath('latency', scope.value, { metric: of, le: POINTS.map(String), limit: '10000' }),
    channels
  )
  return (
    <Card
      id="fast"
      lines={14}
      wide
      title={t.fast}
      answer={answer}
      report="latency"
      definition={of}
      controls={
        <Picker
          label={t.metric}
          value={of}
          onPick={(to) => setParams({ fast: to === 'time_to_read' ? null : to }, 'replace')}
          options={METRICS.map((one) => ({ value: one, label: t.metrics[one] }))}
        />
      }
      chart={(data) => <Curves rows={data.rows} />}
      table={() => <Beside answer={channels}>{({ rows }) => <Figures rows={rows} of={of} />}</Beside>}
      sentence={() => {
        const [first] = (channels.data?.rows ?? [])
          .filter((row) => row.time_to_read_p50 !== null)
          .toSorted((a, b) => (a.time_to_read_p50 ?? 0) - (b.time_to_read_p50 ?? 0))
        return first ? t.fastWord(channelName(first.channel), f.value.duration(first.time_to_read_p50)) : t.noneFast
      }}
    />
  )
}

function Curves({ rows }: { rows: readonly Point[] }) {
  const t = w().channels
  const names = [...new Set(rows.map((row) => row.channel))]
  const open = new Set(rows.filter((row) => !row.mature).map((row) => row.channel))
  const option = useCallback(
    (ink: Ink) => {
      const text = { color: ink.muted, fontFamily: ink.font }
      const colour = (channel: string): string => (isChannel(channel) ? ink.of(channel) : ink.muted)
      return {
        grid: { left: 8, right: 24, top: 24, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
        tooltip: {
          ...tooltip(ink),
          order: 'valueDesc',
          formatter: (all: readonly { seriesName: string; value: [number, number, Point] }[]) =>
            [
              `${t.within} ${f.value.mark(all[0]?.value[0] ?? 0)}`,
              ...all.map(
                ({ seriesName, value: [, share, row] }) => `${seriesName}: ${f.value.rate(share)} ${t.of(row.known)}`
              ),
            ].join('\n'),
        },
        xAxis: {
          type: 'log',
          min: 1,
          max: 30 * DAY,
          axisLabel: {
            ...text,
            customValues: [1, 10, ...MARKS, 7 * DAY, 30 * DAY],
            formatter: f.value.mark,
            hideOverlap: true,
          },
          axisTick: { customValues: [1, 10, ...MARKS, 7 * DAY, 30 * DAY] },
          axisLine: { lineStyle: { color: ink.line } },
          splitLine: { show: false },
        },
        yAxis: {
          type: 'value',
          min: 0,
          max: 1,
          axisLabel: { ...text, formatter: f.value.whole },
          splitLine: { lineStyle: { color: ink.line } },
        },
        series: names.map((channel, i) => ({
          type: 'line',
          name: channelName(channel),
          showSymbol: false,
          symbol: 'circle',
          lineStyle: { width: 2, color: colour(channel), type: open.has(channel) ? 'dashed' : 'solid' },
          itemStyle: { color: colour(channel) },
          // A time below a second is drawn at the edge of the axis.
          data: rows
            .filter((row) => row.channel === channel)
            .map((row) => [Math.max(1, Math.round(row.le)), row.share_rate, row]),
          ...(i === 0
            ? {
                markLine: {
                  silent: true,
                  symbol: 'none',
                  lineStyle: { color: ink.muted, type: 'dotted' },
                  label: { show: false },
                  data: MARKS.map((at) => ({ xAxis: at })),
                },
              }
            : {}),
        })),
      }
    },
    [rows, t]
  )
  if (names.length === 0) return <p>{t.noneFast}</p>
  return (
    <>
      <ul class="legend">
        {names.map((one) => (
          <li key={one}>
            <ChannelMark channel={one} />
          </li>
        ))}
        {open.size > 0 ? <li>{t.dashed}</li> : null}
      </ul>
      <EChart label={t.curve} option={option} />
      <p class="muted">{t.curve}</p>
    </>
  )
}

function Figures({ rows, of }: { rows: readonly Row[]; of: Metric }) {
  const t = w()
  const seconds = (key: `${Metric}_p50` | `${Metric}_p90` | `${Metric}_p99`, head: string): Column<Row> => ({
    key,
    head,
    show: (row) => f.value.duration(row[key]),
    sort: (row) => row[key],
  })
  const columns: readonly Column<Row>[] = [
    {
      key: 'channel',
      head: t.dimensions.channel,
      kind: 'text',
      show: (row) => <ChannelMark channel={row.channel} />,
      sort: (row) => channelName(row.channel),
    },
    seconds(`${of}_p50`, t.channels.half),
    seconds(`${of}_p90`, t.channels.most),
    seconds(`${of}_p99`, t.channels.nearlyAll),
  ]
  return (
    <Table
      label={t.channels.fast}
      columns={columns}
      rows={rows.filter((row) => row[`${of}_p50`] !== null)}
      rowKey={(row) => row.channel}
      first={{ key: `${of}_p50`, down: false }}
    />
  )
}
