import { useAnswer } from '../../api/answer'
import { pathOf } from '../../api/paths'
import { w } from '../../i18n'
import { NONE } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark } from '../../parts/names'
import { More, usePages } from '../../parts/paged'
import { Picker } from '../../parts/picker'
import { Table, type Column } from '../../parts/table'
import { scope } from '../../state/scope'
import { setParams, url } from '../../state/url'
import { Day } from '../numbers/parts'
import type { AudienceRow, List } from '../numbers/types'

const STATES = ['subscribed', 'uninstalled'] as const

/** Subscribers is who has said of an app that he is there, or is there no more. */
export function Subscribers() {
  const t = w().reach
  const s = scope.value
  const state = STATES.find((one) => one === url.value.searchParams.get('state')) ?? STATES[0]
  const route = `/v1/audience/${state}`
  const query = { account: s.account || undefined, channel: s.filters.channel, app: s.filters.app }
  const answer = useAnswer<List<AudienceRow>>(pathOf(route, { ...query, limit: '20' }))
  const pages = usePages<AudienceRow>(answer.path, answer.data)
  return (
    <Card id="subscribers" lines={25} wide title={t.subscribers} answer={answer} whole={pathOf(route, { ...query, limit: 'all' })}
      none={<div class="state"><strong>{t.noSubscribers}</strong></div>}
      controls={<Picker label={t.state} value={state} onPick={(to) => setParams({ state: to }, 'replace')}
        options={STATES.map((one) => ({ value: one, label: t.states[one] }))} />}
      table={() => (
        <>
          <Rows rows={pages.rows} />
          <More pages={pages} />
        </>
      )} />
  )
}

function Rows({ rows }: { rows: readonly AudienceRow[] }) {
  const t = w().reach
  const columns: readonly Column<AudienceRow>[] = [
    { key: 'recipient', head: t.recipient, kind: 'text', show: (row) => <bdi dir="ltr">{row.recipient}</bdi>,
      sort: (row) => row.recipient },
    { key: 'contact', head: t.person, kind: 'text', show: (row) => row.contact === '' ? NONE
      : <bdi dir="ltr">{row.contact}</bdi>, sort: (row) => row.contact },
    { key: 'channel', head: w().dimensions.channel, kind: 'text', show: (row) => <ChannelMark channel={row.channel} />,
      sort: (row) => row.channel },
    { key: 'app', head: w().dimensions.app, kind: 'text', show: (row) => row.app === '' ? NONE : <bdi>{row.app}</bdi>,
      sort: (row) => row.app },
    { key: 'since', head: t.since, kind: 'text', sort: (row) => row.since,
      show: (row) => <Day at={row.since} /> },
  ]
  return <Table label={t.subscribers} columns={columns} rows={rows}
    rowKey={(row) => [row.account, row.recipient, row.channel, row.app].join('\u0000')} />
}
