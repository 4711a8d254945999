import type { ComponentChildren } from 'preact'
import { may } from '../../api/client'
import { w } from '../../i18n'
import { f, NONE } from '../../i18n/format'
import { ChannelMark, reasonName } from '../../parts/names'
import { Table, type Column } from '../../parts/table'
import { toCampaign } from '../../state/links'
import { stateName } from '../campaigns/recipients'
import { outcomeOf, type Message, type Step, type Tariff } from './answer'

export function Details({ message, money }: { message: Message; money: boolean }) {
  const t = w()
  const campaigns = [...new Set(message.steps.map((step) => step.campaign))].filter((one) => one !== '')
  return (
    <section class="card wide" id="details" aria-labelledby="details-title">
      <header><h2 id="details-title">{t.message.details}</h2></header>
      <dl class="facts">
        <Fact name={t.message.id}><code><bdi>{message.message_id}</bdi></code></Fact>
        <Fact name={t.dimensions.account}><bdi>{message.account}</bdi></Fact>
        <Fact name={t.message.submitted}>{message.cohort ? f.value.moment(message.cohort) : t.message.noCohort}</Fact>
        {campaigns.map((one) => (
          <Fact key={one} name={t.dimensions.campaign}><a href={toCampaign(one,
            message.account)}><bdi>{one}</bdi></a></Fact>
        ))}
      </dl>
      {message.steps.length > 0 ? <Steps rows={message.steps} money={money} /> : null}
      {may('crm') ? null : <p class="muted">{t.campaigns.masked}</p>}
    </section>
  )
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return <div><dt class="muted">{name}</dt><dd>{children}</dd></div>
}

function Steps({ rows, money }: { rows: readonly Step[]; money: boolean }) {
  const t = w()
  const text = (key: 'provider' | 'template' | 'sender' | 'operator' | 'country', head: string): Column<Step> =>
    ({ key, head, kind: 'text', show: (row) => row[key] === '' ? NONE : <bdi>{row[key]}</bdi> })
  const columns: readonly Column<Step>[] = [
    { key: 'step', head: t.dimensions.step, show: (row) => f.value.count(row.step) },
    { key: 'channel', head: t.dimensions.channel, kind: 'text', show: (row) => <ChannelMark channel={row.channel} /> },
    { key: 'state', head: t.campaigns.state, kind: 'text', show: (row) => stateName(outcomeOf(row)) },
    { key: 'why', head: t.channels.why, kind: 'text', show: (row) => row.failed ? reasonName(row.reason) : NONE },
    { key: 'code', head: t.channels.code, kind: 'text', show: (row) => row.error_code === '' ? NONE
      : <bdi>{row.error_code}</bdi> },
    ...(money ? [
      { key: 'billing', head: t.message.tariff, kind: 'text' as const,
        show: (row: Step) => <Priced tariff={row.tariff} /> },
      { key: 'reported', head: t.savings.reported, show: (row: Step) =>
        row.reported_prices.map((one) => f.value.price(one.price, one.currency)).join(' + ') || NONE },
    ] : []),
    { key: 'trigger', head: t.dimensions.trigger, kind: 'text', show: (row) => row.trigger === '' ? NONE
      : t.message.triggers[row.trigger] ?? row.trigger },
    { key: 'recipient', head: t.campaigns.recipient, kind: 'text', show: (row) => row.recipient === '' ? NONE
      : <bdi>{row.recipient}</bdi> },
    text('provider', t.dimensions.provider), text('operator', t.dimensions.operator),
      text('sender', t.dimensions.sender),
    text('template', t.dimensions.template), text('country', t.dimensions.country),
    { key: 'segments', head: t.message.segments, show: (row) => row.segments > 0 ? f.value.count(row.segments)
      : row.sms_segments > 0
      ? f.value.count(row.sms_segments) : NONE },
  ]
  return <Table label={t.message.details} columns={columns} rows={rows} rowKey={(row) => String(row.step)} />
}

function Priced({ tariff }: { tariff: Tariff | null }) {
  const t = w().message
  if (!tariff) return NONE
  return (
    <span class="nowrap">
      {t.billings[tariff.billing] ?? tariff.billing}: {f.value.price(tariff.price, tariff.currency)}
      <small>{t.from(f.value.date(tariff.valid_from))}</small>
    </span>
  )
}
