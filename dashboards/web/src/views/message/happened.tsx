import type { Answer } from '../../api/answer'
import { may } from '../../api/client'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark, channelName } from '../../parts/names'
import { Table, type Column } from '../../parts/table'
import { outcomeOf, type Message, type Moment } from './answer'
import { Lanes } from './lanes'

/** statusName is a status of an event in words. */
export function statusName(status: string): string {
  return w().message.statuses[status] ?? status
}

export function Happened({ answer }: { answer: Answer<Message> }) {
  const t = w().message
  return (
    <Card id="happened" wide title={t.happened} answer={answer} files={false}
      chart={(data) => data.steps.length > 0 ? <Lanes message={data} money={may('analyst')} /> :
        <p class="state">{t.nothingYet}</p>}
      table={(data) => <Moments rows={data.timeline} />}
      sentence={(data) => data.steps.length > 0 ? outcome(data) : null} />
  )
}

const ENDS = [['replied', 'time_to_reply'], ['read', 'time_to_read'], ['delivered', 'time_to_deliver']] as const

/** outcome says in a sentence how it ended. */
function outcome({ steps }: Message): string {
  const t = w().message
  for (const [what, time] of ENDS) {
    const step = steps.find((one) => one[what])
    if (step) return t.ended[what](channelName(step.channel), step[time] === null ? undefined
      : f.value.duration(step[time]))
  }
  const last = steps.findLast((one) => one.attempted)
  if (!last) return t.ended.skipped
  return outcomeOf(last) === 'pending' ? t.ended.pending(channelName(last.channel)) : t.ended.failed
}

/** since is how long after the first moment another one was. */
export function since(at: string, first: string): number {
  return (Date.parse(at) - Date.parse(first)) / 1000
}

function Moments({ rows }: { rows: readonly Moment[] }) {
  const t = w()
  const first = rows[0]?.at ?? ''
  const columns: readonly Column<Moment>[] = [
    { key: 'at', head: t.message.when, kind: 'text', show: (row) => f.value.moment(row.at), sort: (row) => row.at },
    { key: 'since', head: t.message.since, show: (row) => f.value.duration(since(row.at, first)),
      sort: (row) => since(row.at, first) },
    { key: 'step', head: t.dimensions.step, show: (row) => f.value.count(row.step), sort: (row) => row.step },
    { key: 'channel', head: t.dimensions.channel, kind: 'text', show: (row) => <ChannelMark channel={row.channel} />,
      sort: (row) => channelName(row.channel) },
    { key: 'status', head: t.campaigns.state, kind: 'text', show: (row) => statusName(row.status),
      sort: (row) => statusName(row.status) },
  ]
  return <Table label={t.message.happened} columns={columns} rows={rows}
    rowKey={(row) => `${row.at} ${row.step} ${row.status} ${rows.indexOf(row)}`} />
}
