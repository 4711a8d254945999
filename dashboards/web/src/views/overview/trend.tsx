import { useCallback } from 'preact/hooks'
import { useAnswer } from '../../api/answer'
import { reportPath } from '../../api/paths'
import type { ChannelRow, Report } from '../../api/types'
import { bounded } from '../../charts/dots'
import { EChart, openStripes, tooltip, type Ink } from '../../charts/echart'
import { OpenKey } from '../../charts/hatch'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { Table, type Column } from '../../parts/table'
import { addDays } from '../../state/period'
import { scope } from '../../state/scope'
import { setParams, toQuery } from '../../state/url'
import { useFirst } from './first'

type Row = ChannelRow & { readonly day?: string; readonly hour?: string }

function timeOf(row: Row): string {
  return row.hour === undefined ? f.value.date(row.day ?? '') : f.value.time(row.hour)
}

export function Trend() {
  const t = w().overview
  const s = scope.value
  // A day or two are looked at by the hour.
  const key = addDays(s.period.from, 2) >= s.period.to ? 'hour' : 'day'
  const answer = useAnswer<Report<Row>>(reportPath('channels', s, { group_by: key }), useFirst().now)
  return (
    <Card id="trend" lines={13} wide title={t.trend} answer={answer} report="channels"
      chart={(data) => <Chart rows={data.rows} />}
      table={(data) => <Lines rows={data.rows} />}
      sentence={(data) => {
        const [most] = data.rows.toSorted((a, b) => b.sent - a.sent)
        return most ? t.trendWord(timeOf(most), most.sent) : null
      }} />
  )
}

/** toDay is the address of one day. */
function toDay(day: string): Record<string, string | null> {
  return { period: null, from: day, to: addDays(day, 1) }
}

function Chart({ rows }: { rows: readonly Row[] }) {
  const t = w().overview
  const option = useCallback((ink: Ink) => {
    const bars = (name: string, key: 'sent' | 'delivered' | 'read', opacity: number): object => ({
      type: 'bar', name, barGap: '-100%', barMaxWidth: 40,
      data: rows.map((row) => ({ value: row[key], ...(row.mature ? {} : { itemStyle: openStripes(ink) }) })),
      itemStyle: { color: ink.accent, opacity, borderRadius: [3, 3, 0, 0] }, tooltip: { valueFormatter: f.value.count },
    })
    const axis = { axisLabel: { color: ink.muted, fontFamily: ink.font }, axisLine: { lineStyle: { color: ink.line } } }
    return {
      grid: { left: 8, right: 8, top: 16, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
      tooltip: tooltip(ink),
      xAxis: { ...axis, type: 'category', data: rows.map(timeOf), axisTick: { show: false } },
      yAxis: { ...axis, type: 'value', splitLine: { lineStyle: { color: ink.line } },
        axisLabel: { ...axis.axisLabel, formatter: f.value.count } },
      series: [bars(t.sent, 'sent', 0.22), bars(t.delivered, 'delivered', 0.4), bars(t.read, 'read', 1)],
    }
  }, [rows, t])
  return (
    <>
      <ul class="legend" aria-hidden="true">
        {([['sent', 0.22], ['delivered', 0.55], ['read', 1]] as const).map(([part, opacity]) => (
          <li key={part}><svg viewBox="0 0 14 14"><rect width="14" height="14" rx="3" fill="var(--accent)" fillOpacity={opacity} /></svg>{t[part]}</li>
        ))}
        {rows.some((row) => !row.mature)
          ? <li><OpenKey tone="weeks-bar" />{w().card.notFinal}</li>
          : null}
      </ul>
      <EChart label={t.trend} option={option} {...(rows[0]?.day ? { onPick: (index: number) => {
        const day = rows[index]?.day
        if (day) setParams(toDay(day))
      } } : {})} />
    </>
  )
}

function Lines({ rows }: { rows: readonly Row[] }) {
  const t = w()
  const columns: readonly Column<Row>[] = [
    { key: 'time', head: t.overview.time, kind: 'text', show: timeOf, sort: (row) => row.hour ?? row.day ?? '' },
    { key: 'sent', head: t.figures.sent, show: (row) => f.value.count(row.sent), sort: (row) => row.sent },
    { key: 'delivered', head: t.figures.delivered, show: (row) => f.value.count(row.delivered), sort: (row) => row.delivered },
    { key: 'read', head: t.figures.read, show: (row) => f.value.count(row.read), sort: (row) => row.read },
    { key: 'open', head: t.figures.openRate, show: (row) => bounded(row.open_rate, row.open_rate_bound), sort: (row) => row.open_rate },
  ]
  return <Table label={t.overview.trend} columns={columns} rows={rows} rowKey={(row) => row.hour ?? row.day ?? ''}
    open={(row) => row.hour === undefined && row.day ? toQuery(toDay(row.day)) : undefined} />
}
