// Error codes that no line of the error map knows: what touches most comes first, and each leads to where it is set.
import { useAnswer } from '../../api/answer'
import { may } from '../../api/client'
import { pathOf } from '../../api/paths'
import type { Report, UnmappedRow } from '../../api/types'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { ChannelMark, nameOf, reasonName } from '../../parts/names'
import { More, usePages } from '../../parts/paged'
import { Table, type Column } from '../../parts/table'
import { scope, toView } from '../../state/scope'

/** setClass leads to a new line of the error map for the code, with what is guessed of it. */
function setClass(row: UnmappedRow): string {
  const to = toView('/settings')
  const q = new URLSearchParams({
    'tab': 'error-map',
    'add.provider': row.provider,
    'add.code': row.error_code,
    ...(row.guess ? { 'add.class': row.guess } : {}),
  })
  return `${to}${to.includes('?') ? '&' : '?'}${q.toString()}`
}

export function Codes() {
  const t = w().quality
  const s = scope.value
  const answer = useAnswer<Report<UnmappedRow>>(
    pathOf('/v1/error-map/unmapped', {
      from: s.period.from,
      to: s.period.to,
      tz: s.tz,
      account: s.account || undefined,
      limit: '100',
    }),
  )
  const pages = usePages<UnmappedRow>(answer.path, answer.data)
  const columns: readonly Column<UnmappedRow>[] = [
    {
      key: 'provider',
      head: w().dimensions.provider,
      kind: 'text',
      show: (row) => <bdi>{nameOf(row.provider)}</bdi>,
      sort: (row) => row.provider,
    },
    {
      key: 'code',
      head: t.code,
      kind: 'text',
      show: (row) => (
        <code>
          <bdi>{row.error_code}</bdi>
        </code>
      ),
      sort: (row) => row.error_code,
    },
    {
      key: 'channel',
      head: w().dimensions.channel,
      kind: 'text',
      show: (row) => <ChannelMark channel={row.channel} />,
      sort: (row) => row.channel,
    },
    { key: 'count', head: t.touched, show: (row) => f.value.count(row.count), sort: (row) => row.count },
    {
      key: 'guess',
      head: t.takenFor,
      kind: 'text',
      show: (row) => (row.guess === null ? t.noClass : t.guess(reasonName(row.guess))),
      sort: (row) => row.guess,
    },
    {
      key: 'do',
      head: t.todo,
      kind: 'text',
      show: (row) =>
        may('admin') ? (
          <a href={setClass(row)} aria-label={`${t.setClass}: ${row.provider} ${row.error_code}`}>
            <bdi>{t.setClass}</bdi>
          </a>
        ) : (
          t.askAdmin
        ),
    },
  ]
  return (
    <Card
      id="codes"
      lines={25}
      wide
      title={t.codesTitle}
      answer={answer}
      none={<p class="sentence">{t.allMapped}</p>}
      table={() => (
        <>
          <Table
            label={t.codesTitle}
            columns={columns}
            rows={pages.rows}
            first={{ key: 'count', down: true }}
            rowKey={(row) => `${row.provider} ${row.error_code} ${row.channel}`}
          />
          <More pages={pages} />
        </>
      )}
      sentence={() => t.codesWord}
    />
  )
}
