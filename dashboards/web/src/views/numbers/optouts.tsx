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
import { account, accountColumn, Day, None, NumberLink, useCounts } from './parts'
import type { AudienceRow, List } from './types'

const KINDS = ['unsubscribed', 'blocked', 'complained', 'uninstalled'] as const

/** OptOuts is who does not want to be written to, by channel and app. */
export function OptOuts() {
  const t = w().numbers
  const kind = KINDS.find((one) => one === url.value.searchParams.get('optout')) ?? KINDS[0]
  const route = `/v1/audience/${kind}`
  const query = { account: account(), channel: scope.value.filters.channel }
  const answer = useAnswer<List<AudienceRow>>(pathOf(route, { ...query, limit: '20' }), useCounts())
  const pages = usePages<AudienceRow>(answer.path, answer.data)
  return (
    <Card id="opt-outs" lines={25} wide title={t.optOuts} answer={answer} none={<None text={t.noOptOuts} />}
      whole={pathOf(route, { ...query, limit: 'all' })}
      controls={<Picker label={t.optOut} value={kind} onPick={(to) => setParams({ optout: to }, 'replace')}
        options={KINDS.map((one) => ({ value: one, label: t.optOutKinds[one] }))} />}
      table={() => (
        <>
          <Rows label={t.optOuts} rows={pages.rows} />
          <More pages={pages} />
        </>
      )} />
  )
}

function Rows({ label, rows }: { label: string; rows: readonly AudienceRow[] }) {
  const t = w().numbers
  const columns: readonly Column<AudienceRow>[] = [
    { key: 'recipient', head: t.recipient, kind: 'text', sort: (row) => row.recipient,
      show: (row) => /^(\+|email:)/.test(row.recipient) ? <NumberLink number={row.recipient} />
        : <bdi dir="ltr">{row.recipient}</bdi> },
    ...accountColumn<AudienceRow>(),
    { key: 'channel', head: t.channel, kind: 'text', show: (row) => <ChannelMark channel={row.channel} />,
      sort: (row) => row.channel },
    { key: 'app', head: t.app, kind: 'text', show: (row) => row.app === '' ? NONE : <bdi>{row.app}</bdi>,
      sort: (row) => row.app },
    { key: 'since', head: t.from, kind: 'text', show: (row) => <Day at={row.since} />, sort: (row) => row.since },
  ]
  return <Table label={label} columns={columns} rows={rows}
    rowKey={(row) => [row.account, row.recipient, row.channel, row.app].join('\u0000')} />
}
