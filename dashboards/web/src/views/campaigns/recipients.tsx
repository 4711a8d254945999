// Recipients with what became of their messages, one row each, which leads to the message.
import type { ComponentChildren } from 'preact'
import { useAnswer } from '../../api/answer'
import { may } from '../../api/client'
import { pathOf, reportPath } from '../../api/paths'
import type { Report } from '../../api/types'
import { w } from '../../i18n'
import { f, NONE } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark, channelName, CHANNELS, nameOf, reasonName } from '../../parts/names'
import { More, usePages } from '../../parts/paged'
import { Picker } from '../../parts/picker'
import { Table, type Column } from '../../parts/table'
import { Why } from '../../parts/why'
import { toMessage } from '../../state/links'
import { scope } from '../../state/scope'
import { setParams, url } from '../../state/url'
import { STATES, type MessageRow } from './rows'

const PAGE = '50'

/** given is a choice of the address, '' for none. */
function given(name: string, known: readonly string[]): string {
  return known.find((one) => one === url.value.searchParams.get(name)) ?? ''
}

function Choices({ states, channels }: { states: string; channels: string }) {
  const t = w().campaigns
  return (
    <>
      <Picker label={t.state} value={states} onPick={(to) => setParams({ status: to || null }, 'replace')}
        options={[{ value: '', label: t.allStates }, ...STATES.map((one) =>
          ({ value: one, label: stateName(one) }))]} />
      <Picker label={w().dimensions.channel} value={channels} onPick={(to) => setParams({ via: to || null }, 'replace')}
        options={[{ value: '', label: t.allChannels }, ...CHANNELS.map((one) =>
          ({ value: one, label: channelName(one) }))]} />
    </>
  )
}

export function Recipients() {
  const t = w().campaigns
  const status = given('status', STATES)
  const via = given('via', CHANNELS)
  const query = { ...(status ? { status } : {}), ...(via ? { channel: via } : {}) }
  return <Messages id="recipients" title={t.who} path={(more) =>
    reportPath('messages', scope.value, { ...query, ...more })}
    chosen={status !== '' || via !== ''} controls={<Choices states={status} channels={via} />} />
}

/** ToNumber lists the messages to a phone number or an address. */
export function ToNumber({ number }: { number: string }) {
  const s = scope.value
  const path = (more: Record<string, string>): string => pathOf(`/v1/numbers/${encodeURIComponent(number)}/messages`,
    { from: s.period.from, to: s.period.to, tz: s.tz, account: s.account || undefined, ...more })
  return <Messages id="number" title={w().campaigns.toNumber(number)} path={path} named />
}

function Messages({ id, title, path, chosen = false, controls, named = false }: {
  id: string
  title: string
  path: (more: Record<string, string>) => string
  /** chosen: a filter of the card leaves rows out. */
  chosen?: boolean
  controls?: ComponentChildren
  /** named: the rows are of one recipient, so the mailing tells them apart. */
  named?: boolean
}) {
  const t = w().campaigns
  const answer = useAnswer<Report<MessageRow>>(path({ limit: PAGE }))
  const pages = usePages<MessageRow>(answer.path, answer.data)
  return (
    <Card id={id} wide title={title} answer={answer} {...(named ? {} : { report: 'messages' as const })}
      whole={path({ limit: 'all' })} controls={controls}
      none={chosen ? <p class="state">{t.nobody}</p> : undefined}
      table={() => (
        <>
          <Rows rows={pages.rows} named={named} label={t.who} />
          <More pages={pages} />
        </>
      )}
      sentence={() => may('crm') ? null : <span class="muted">{t.masked}</span>} />
  )
}

export function stateName(state: string): string {
  return w().message.states[state] ?? state
}

// The channel that reached the person, and below it the others that were tried, in their order.
function Reached({ row }: { row: MessageRow }) {
  const path = row.path.split('>')
  return (
    <>
      {row.reached_by ? <ChannelMark channel={row.reached_by} /> : NONE}
      {path.length > 1 || !row.reached_by ? <small>{path.filter(Boolean).map(channelName).join(' → ')}</small> : null}
    </>
  )
}

function when(time: string | null): string {
  return time === null ? NONE : f.value.time(time)
}

function Rows({ rows, named, label }: { rows: readonly MessageRow[]; named: boolean; label: string }) {
  const t = w()
  const columns: readonly Column<MessageRow>[] = [
    named
      ? { key: 'campaign', head: t.dimensions.campaign, kind: 'text',
        show: (row) => <bdi>{nameOf(row.campaign)}</bdi> }
      : { key: 'recipient', head: t.campaigns.recipient, kind: 'text',
        show: (row) => <bdi>{row.recipient || row.contact || row.message_id}</bdi> },
    { key: 'state', head: t.campaigns.state, kind: 'text', show: (row) => stateName(row.state) },
    { key: 'reached', head: t.campaigns.reachedBy, kind: 'text', show: (row) => <Reached row={row} /> },
    { key: 'sent', head: t.figures.sent, show: (row) => when(row.sent_at) },
    { key: 'delivered', head: t.figures.delivered, show: (row) => when(row.delivered_at) },
    { key: 'read', head: t.figures.read, show: (row) => when(row.read_at) },
    { key: 'why', head: t.channels.why, kind: 'text', show: (row) => row.reason === '' ? NONE
      : <>{reasonName(row.reason)}{row.error_code ? <small><bdi>{row.error_code}</bdi></small> : null}</> },
    ...(may('analyst') ? [{ key: 'cost', head: t.savings.paid, show: (row: MessageRow) => row.cost === null
      ? <Why text={t.message.unpriced[row.unpriced_reason] ?? t.states.unknown}>{NONE}</Why>
      : f.value.price(row.cost, row.currency) }] : []),
  ]
  return <Table label={label} columns={columns} rows={rows} rowKey={(row) => `${row.account} ${row.message_id}`}
    open={(row) => toMessage(row.message_id, row.account)} />
}
