// The versions of a list: who put each, when and why, what it changed, and the way back to it.
import { useEffect, useState } from 'preact/hooks'
import { useAnswer } from '../../api/answer'
import { ask, Refused } from '../../api/client'
import { pathOf } from '../../api/paths'
import type { Problem, Report } from '../../api/types'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { More, usePages } from '../../parts/paged'
import { Failed, Waiting } from '../../parts/states'
import { Table, type Column } from '../../parts/table'
import { setParams, toQuery, url } from '../../state/url'
import { Changes } from './changes'
import { compare, readList, type ListAnswer } from './draft'
import type { Kind } from './kinds'
import type { Upload } from './save'

interface Version {
  readonly version: number
  readonly at: string
  readonly by: string
  readonly rows: number
  readonly note: string
  readonly why: string
}

// As many changes of a version are read at once.
const MOST_SHOWN = 200

export function History({
  kind,
  account,
  version,
  round,
  back,
}: {
  kind: Kind
  account: string
  /** round goes on when something was saved. */
  round: number
  /** version is the one that holds. */
  version: number
  back: ((upload: Upload) => void) | undefined
}) {
  const t = w().settings
  const answer = useAnswer<Report<Version>>(pathOf(`${kind.route}/versions`, { account, limit: '20' }))
  useEffect(() => {
    if (round > 0) answer.retry()
  }, [round])
  const pages = usePages<Version>(answer.path, answer.data)
  const wanted = Number(url.value.searchParams.get('version')) || 0
  const columns: readonly Column<Version>[] = [
    { key: 'version', head: t.version, show: (row) => f.value.count(row.version) },
    { key: 'at', head: t.savedAt, kind: 'text', show: (row) => f.value.time(row.at) },
    { key: 'by', head: t.by, kind: 'text', show: (row) => <bdi>{row.note ? `${row.note} (${row.by})` : row.by}</bdi> },
    { key: 'rows', head: t.rows, show: (row) => f.value.count(row.rows) },
    { key: 'why', head: t.note, kind: 'text', show: (row) => <bdi>{row.why}</bdi> },
    {
      key: 'look',
      head: t.whatChanged,
      kind: 'text',
      show: (row) => (
        <a
          href={`${toQuery({ version: String(row.version) })}#history`}
          aria-label={`${t.show}: ${t.versionName(row.version)}`}
          aria-current={row.version === wanted ? 'true' : undefined}>
          {t.show}
        </a>
      ),
    },
  ]
  return (
    <section class="card wide" id="history" aria-labelledby="history-title" aria-busy={!answer.data && !answer.problem}>
      <header>
        <h2 id="history-title">{t.history}</h2>
      </header>
      {answer.problem ? <Failed problem={answer.problem} retry={answer.retry} /> : null}
      {!answer.data && !answer.problem ? <Waiting lines={3} retry={answer.retry} /> : null}
      {answer.data ? (
        pages.rows.length > 0 ? (
          <>
            <Table label={t.history} columns={columns} rows={pages.rows} rowKey={(row) => String(row.version)} />
            <More pages={pages} />
          </>
        ) : (
          <p class="muted">{t.noVersion}</p>
        )
      ) : null}
      {wanted > 0 && answer.data ? (
        <Difference key={wanted} kind={kind} account={account} wanted={wanted} version={version} back={back} />
      ) : null}
    </section>
  )
}

/** Difference is what a version changed of the one before. */
function Difference({
  kind,
  account,
  wanted,
  version,
  back,
}: {
  kind: Kind
  account: string
  wanted: number
  version: number
  back: ((upload: Upload) => void) | undefined
}) {
  const t = w().settings
  const [problem, fail] = useState<Problem>()
  const at = (one: number): string => pathOf(kind.route, { account, version: String(one) })
  // Versions count over all accounts, and a version that the account lacks is the one that held then.
  const after = useAnswer<ListAnswer>(at(wanted))
  const before = useAnswer<ListAnswer>(wanted > 1 ? at(wanted - 1) : null)
  const failed = after.problem ?? before.problem ?? problem
  const whole = after.data && (wanted === 1 || before.data)
  const changes =
    whole && after.data ? compare(kind, before.data && readList(kind, before.data), readList(kind, after.data)) : []
  const goBack = (): void => {
    ask<ListAnswer>(at(wanted)).answer.then(
      ({ data }) => back?.({ body: JSON.stringify(data), type: 'application/json', version, note: t.backTo(wanted) }),
      (error: unknown) => {
        if (error instanceof Refused) fail(error.problem)
      },
    )
  }
  return (
    <div class="difference" aria-busy={!whole && !failed}>
      <h3>
        {t.versionName(wanted)}: {t.whatChanged}
      </h3>
      {failed ? (
        <Failed
          problem={failed}
          retry={() => {
            fail(undefined)
            after.retry()
            before.retry()
          }}
        />
      ) : null}
      {!whole && !failed ? <Waiting lines={2} /> : null}
      {whole ? (
        changes.length > 0 ? (
          <Changes kind={kind} changes={changes.slice(0, MOST_SHOWN)} />
        ) : (
          <p>{t.noChanges}</p>
        )
      ) : null}
      {changes.length > MOST_SHOWN ? <p class="muted">{t.leftOff(changes.length - MOST_SHOWN)}</p> : null}
      <div class="buttons">
        {back && whole && wanted !== version ? (
          <button type="button" class="button" onClick={goBack}>
            {t.goBack(wanted)}
          </button>
        ) : null}
        <button type="button" class="button quiet" onClick={() => setParams({ version: null }, 'replace')}>
          {w().shell.close}
        </button>
      </div>
    </div>
  )
}
