// Dead letters: how many, why, what came word for word, and sending them through again.
import { useEffect, useState } from 'preact/hooks'
import { useAnswer } from '../../api/answer'
import { pathOf } from '../../api/paths'
import type { Report } from '../../api/types'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { CardMenu } from '../../parts/card'
import { letterReason } from '../../parts/names'
import { More, usePages } from '../../parts/paged'
import { Picker } from '../../parts/picker'
import { Failed, Waiting } from '../../parts/states'
import { Table, type Column } from '../../parts/table'
import { setParams, toQuery, url } from '../../state/url'
import { Replay, type Choice } from './replay'
import type { Letter, ReasonRow } from './types'

const SHOWN = ['no', 'yes', 'all'] as const

export function Letters() {
  const t = w().quality
  const reasons = useAnswer<Report<ReasonRow>>('/v1/rejected/reasons')
  const [choice, choose] = useState<Choice>()
  const [round, again] = useState(0)
  const waiting = (row: ReasonRow): number => row.letters - row.replayed
  const columns: readonly Column<ReasonRow>[] = [
    {
      key: 'why',
      head: t.why,
      kind: 'text',
      sort: (row) => row.reason,
      show: (row) => (
        <a href={`${toQuery({ reason: row.reason, field: row.field || null })}#letters`}>{letterReason(row.reason)}</a>
      ),
    },
    {
      key: 'field',
      head: t.field,
      kind: 'text',
      show: (row) => (row.field ? <code>{row.field}</code> : ''),
      sort: (row) => row.field,
    },
    { key: 'letters', head: t.letters, show: (row) => f.value.count(row.letters), sort: (row) => row.letters },
    { key: 'replayed', head: t.replayed, show: (row) => f.value.count(row.replayed), sort: (row) => row.replayed },
    { key: 'last', head: t.last, kind: 'text', show: (row) => <span class="number">{f.value.time(row.last_at)}</span>,
      sort: (row) => row.last_at },
    {
      key: 'do',
      head: t.replay,
      kind: 'text',
      show: (row) =>
        waiting(row) > 0 ? (
          <button
            type="button"
            class="button"
            aria-label={`${t.replay}: ${letterReason(row.reason)} ${row.field}`}
            onClick={() =>
              choose({
                body: { reason: row.reason, ...(row.field ? { field: row.field } : {}) },
                count: waiting(row),
                name: letterReason(row.reason),
                field: row.field,
              })
            }>
            <bdi>{t.replay}</bdi>
          </button>
        ) : (
          t.noneWaits
        ),
    },
  ]
  const rows = reasons.data?.rows ?? []
  const all = rows.reduce((sum, row) => sum + waiting(row), 0)
  return (
    <section
      class="card wide"
      id="letters"
      aria-labelledby="letters-title"
      aria-busy={!reasons.data && !reasons.problem}>
      <header>
        <h2 id="letters-title">{t.lettersTitle}</h2>
        {all > 0 ? (
          <button
            type="button"
            class="button"
            onClick={() => choose({ body: {}, count: all, name: t.allReasons, field: '' })}>
            {t.replayAll}
          </button>
        ) : null}
        <CardMenu path={reasons.path} />
      </header>
      <p class="muted about">{t.lettersHow}</p>
      {reasons.problem ? <Failed problem={reasons.problem} retry={reasons.retry} /> : null}
      {!reasons.data && !reasons.problem ? <Waiting lines={16} retry={reasons.retry} /> : null}
      {reasons.data ? (
        rows.length === 0 ? (
          <p class="sentence">{t.noLetters}</p>
        ) : (
          <>
            <Table
              label={t.lettersTitle}
              columns={columns}
              rows={rows}
              first={{ key: 'letters', down: true }}
              rowKey={(row) => `${row.reason} ${row.field}`}
            />
            <Listed round={round} rows={rows} choose={choose} />
          </>
        )
      ) : null}
      <Replay
        choice={choice}
        close={() => choose(undefined)}
        done={() => {
          reasons.retry()
          again((n) => n + 1)
        }}
      />
    </section>
  )
}

/** Listed are the letters of a reason, or the newest of all. */
function Listed({
  round,
  rows,
  choose,
}: {
  /** round goes on when letters have changed. */
  round: number
  rows: readonly ReasonRow[]
  choose: (choice: Choice) => void
}) {
  const t = w().quality
  const q = url.value.searchParams
  const reason = q.get('reason') ?? ''
  const field = q.get('field') ?? ''
  const replayed = SHOWN.find((one) => one === q.get('replayed')) ?? 'no'
  const answer = useAnswer<Report<Letter>>(
    pathOf('/v1/rejected', {
      reason: reason || undefined,
      field: field || undefined,
      replayed: replayed === 'all' ? undefined : replayed,
      limit: '20',
    }),
  )
  useEffect(() => {
    if (round > 0) answer.retry()
  }, [round])
  const pages = usePages<Letter>(answer.path, answer.data)
  const reasons = [...new Set([...rows.map((row) => row.reason), ...(reason ? [reason] : [])])]
  return (
    <div class="listed" aria-busy={(!answer.data || answer.stale) && !answer.problem}>
      <div class="tools">
        <h3>{t.whatCame}</h3>
        <Picker
          label={t.why}
          quiet={false}
          value={reason}
          onPick={(to) => setParams({ reason: to || null, field: null })}
          options={[
            { value: '', label: t.allReasons },
            ...reasons.map((one) => ({ value: one, label: letterReason(one) })),
          ]}
        />
        <Picker
          label={t.which}
          quiet={false}
          value={replayed}
          onPick={(to) => setParams({ replayed: to === 'no' ? null : to })}
          options={SHOWN.map((one) => ({ value: one, label: t.whichNames[one] }))}
        />
        {field ? (
          <button type="button" class="chip" onClick={() => setParams({ field: null })}>
            <span>
              {t.field}: <code>{field}</code>
            </span>{' '}
            ×
          </button>
        ) : null}
      </div>
      {answer.problem ? <Failed problem={answer.problem} retry={answer.retry} /> : null}
      {!answer.data && !answer.problem ? <Waiting lines={5} retry={answer.retry} /> : null}
      {answer.data && pages.rows.length === 0 ? <p class="muted">{t.noneOfThese}</p> : null}
      <ul class="letters">
        {pages.rows.map((row) => (
          <One key={`${row.topic} ${row.partition} ${row.offset} ${row.line}`} row={row} choose={choose} />
        ))}
      </ul>
      <More pages={pages} />
    </div>
  )
}

function One({ row, choose }: { row: Letter; choose: (choice: Choice) => void }) {
  const t = w().quality
  const place = { topic: row.topic, partition: row.partition, offset: row.offset, line: row.line }
  return (
    <li>
      <details>
        <summary>
          <span>{letterReason(row.reason)}</span>
          {row.field ? <code>{row.field}</code> : null}
          <span class="muted">{f.value.time(row.at)}</span>
        </summary>
        <p lang="en">{row.error}</p>
        <pre class="raw" tabIndex={0} aria-label={t.whatCame}>
          <code>
            <bdi>{row.raw}</bdi>
          </code>
        </pre>
        <p class="muted">
          {row.encoding ? `${t.base64} ` : ''}
          {t.place(row.partition, row.offset, row.line)} <code>{row.topic}</code>.{' '}
          {row.replayed_at ? t.replayedAt(f.value.time(row.replayed_at)) : ''}
        </p>
        {row.replayed_at ? null : (
          <button
            type="button"
            class="button"
            onClick={() =>
              choose({ body: { places: [place] }, count: 1, name: letterReason(row.reason), field: row.field })
            }>
            {t.replayOne}
          </button>
        )}
      </details>
    </li>
  )
}
