// Keys: who may see and do what. A key is shown once, when it is made.
import * as Ariakit from '@ariakit/react'
import { useState } from 'preact/hooks'
import { useAnswer } from '../../api/answer'
import { Refused, send, session } from '../../api/client'
import { pathOf } from '../../api/paths'
import type { Problem, Report } from '../../api/types'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Icon } from '../../parts/icons'
import { More, usePages } from '../../parts/paged'
import { Told } from '../../parts/problem'
import { Failed, Waiting } from '../../parts/states'
import { Table, type Column } from '../../parts/table'
import { addDays, dateIn } from '../../state/period'
import { clock, scope } from '../../state/scope'
import { readTime } from './time'

export const SCOPES = ['marketer', 'analyst', 'crm', 'ingest', 'admin'] as const
type Scope = (typeof SCOPES)[number]

export interface Key {
  readonly id: string
  readonly account: string | null
  readonly scopes: readonly Scope[]
  readonly note: string
  readonly made_at: string
  readonly made_by: string
  readonly expires_at: string | null
  readonly revoked_at: string | null
  readonly last_used_at: string | null
}

function stateOf(key: Key): 'revoked' | 'over' | 'holds' {
  if (key.revoked_at) return 'revoked'
  return key.expires_at && Date.parse(key.expires_at) <= clock.value.getTime() ? 'over' : 'holds'
}

export function Keys() {
  const t = w().settings.keys
  const own = session.value?.account ?? null
  const account = own ?? scope.value.account
  const answer = useAnswer<Report<Key>>(pathOf('/v1/keys', { account: account || undefined, limit: '100' }))
  const pages = usePages<Key>(answer.path, answer.data)
  const [creating, create] = useState(false)
  const [revoking, revoke] = useState<Key>()
  const columns: readonly Column<Key>[] = [
    {
      key: 'note',
      head: t.note,
      kind: 'text',
      show: (row) => <bdi>{row.note || t.noNote}</bdi>,
      sort: (row) => row.note,
    },
    { key: 'id', head: t.id, kind: 'text', show: (row) => <code>{row.id}</code> },
    ...(account
      ? []
      : [
          {
            key: 'account',
            head: w().dimensions.account,
            kind: 'text',
            show: (row: Key) => (row.account === null ? t.allAccounts : <bdi>{row.account}</bdi>),
            sort: (row: Key) => row.account ?? '',
          } as const,
        ]),
    {
      key: 'scopes',
      head: t.scopes,
      kind: 'text',
      show: (row) => row.scopes.map((one) => t.scopeNames[one]).join(', '),
    },
    { key: 'made', head: t.made, kind: 'text', show: (row) => f.value.time(row.made_at), sort: (row) => row.made_at },
    {
      key: 'used',
      head: t.used,
      kind: 'text',
      show: (row) => (row.last_used_at ? f.value.time(row.last_used_at) : t.never),
      sort: (row) => row.last_used_at,
    },
    { key: 'state', head: t.state, kind: 'text', show: (row) => <State row={row} />, sort: stateOf },
    {
      key: 'revoke',
      head: t.revoke,
      kind: 'text',
      show: (row) =>
        stateOf(row) === 'holds' ? (
          <button
            type="button"
            class="button"
            aria-label={`${t.revoke} ${row.note || row.id}`}
            onClick={() => revoke(row)}>
            <bdi>{t.revoke}</bdi>
          </button>
        ) : null,
    },
  ]
  return (
    <section class="card wide" id="keys" aria-labelledby="keys-title" aria-busy={!answer.data && !answer.problem}>
      <header>
        <h2 id="keys-title">{t.title}</h2>
        {answer.data ? (
          <button type="button" class="button" onClick={() => create(true)}>
            <Icon name="plus" />
            {t.create}
          </button>
        ) : null}
      </header>
      <p class="muted about">{t.about}</p>
      {answer.problem ? <Failed problem={answer.problem} retry={answer.retry} /> : null}
      {!answer.data && !answer.problem ? <Waiting lines={6} retry={answer.retry} /> : null}
      {answer.data ? <Table label={t.title} columns={columns} rows={pages.rows} rowKey={(row) => row.id} /> : null}
      <More pages={pages} />
      <Ariakit.Dialog
        open={creating}
        onClose={() => create(false)}
        className="dialog"
        backdrop={<div class="backdrop" />}
        unmountOnHide
        hideOnInteractOutside={false}>
        <Create account={account} made={answer.retry} />
      </Ariakit.Dialog>
      <Ariakit.Dialog
        open={revoking !== undefined}
        onClose={() => revoke(undefined)}
        className="dialog"
        backdrop={<div class="backdrop" />}
        unmountOnHide>
        {revoking ? (
          <Revoke
            row={revoking}
            done={() => {
              revoke(undefined)
              answer.retry()
            }}
          />
        ) : null}
      </Ariakit.Dialog>
    </section>
  )
}

function State({ row }: { row: Key }) {
  const t = w().settings.keys
  const state = stateOf(row)
  const until = row.expires_at ? f.value.date(row.expires_at) : undefined
  return (
    <span class={`badge ${state === 'holds' ? 'good' : ''}`}>
      {state === 'revoked'
        ? t.revoked(f.value.date(row.revoked_at ?? ''))
        : state === 'over'
          ? t.over(until ?? '')
          : until
            ? t.until(until)
            : t.holds}
    </span>
  )
}

function Create({ account, made }: { account: string; made: () => void }) {
  const t = w().settings.keys
  const [scopes, choose] = useState<readonly Scope[]>([])
  const [note, write] = useState('')
  const [until, end] = useState('')
  const [of, setOf] = useState(account)
  const [problem, fail] = useState<Problem>()
  const [busy, work] = useState(false)
  const [key, show] = useState<string>()
  if (key) return <Shown secret={key} />
  const fixed = (session.value?.account ?? null) !== null
  const create = (): void => {
    work(true)
    fail(undefined)
    const body = {
      scopes,
      note: note.trim(),
      ...(of.trim() ? { account: of.trim() } : {}),
      ...(until ? { expires_at: readTime(addDays(until, 1), scope.value.tz) } : {}),
    }
    send<{ key: string }>('/v1/keys', { method: 'POST', body: JSON.stringify(body) }).then(
      (reply) => {
        show(reply.key)
        made()
      },
      (error: unknown) => {
        work(false)
        if (error instanceof Refused) fail(error.problem)
      },
    )
  }
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault()
        create()
      }}>
      <Ariakit.DialogHeading className="heading">{t.create}</Ariakit.DialogHeading>
      <label>
        {t.note}
        <input
          class="field"
          type="text"
          maxLength={100}
          required
          value={note}
          placeholder={t.noteHow}
          onInput={(event) => write(event.currentTarget.value)}
        />
      </label>
      {fixed ? null : (
        <label>
          {w().dimensions.account}
          <input
            class="field"
            type="text"
            value={of}
            placeholder={t.allAccounts}
            aria-describedby="of-how"
            onInput={(event) => setOf(event.currentTarget.value)}
          />
          <span id="of-how" class="muted">
            {t.ofHow}
          </span>
        </label>
      )}
      <fieldset class="choices">
        <legend>{t.scopes}</legend>
        {SCOPES.map((one) => (
          <label key={one} class="check">
            <input
              type="checkbox"
              checked={scopes.includes(one)}
              onChange={(event) =>
                choose(event.currentTarget.checked ? [...scopes, one] : scopes.filter((other) => other !== one))
              }
            />
            <span>
              <b>{t.scopeNames[one]}</b> <code>{one}</code>
              <br />
              <span class="muted">{t.scopeHow[one]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <label>
        {t.expires}
        <input
          class="field"
          type="date"
          value={until}
          min={dateIn(scope.value.tz, clock.value)}
          onInput={(event) => end(event.currentTarget.value)}
        />
      </label>
      {problem ? <p role="alert"><Told problem={problem} /></p> : null}
      <div class="buttons">
        <button type="submit" class="button primary" disabled={busy || scopes.length === 0}>
          {t.create}
        </button>
        <Ariakit.DialogDismiss className="button">{w().shell.cancel}</Ariakit.DialogDismiss>
      </div>
    </form>
  )
}

/** Shown is the only sight of a key. */
function Shown({ secret }: { secret: string }) {
  const t = w().settings.keys
  const [copied, note] = useState(false)
  return (
    <div class="form">
      <Ariakit.DialogHeading className="heading">{t.ready}</Ariakit.DialogHeading>
      <p>{t.once}</p>
      <p>
        <code class="secret" tabIndex={0}>
          {secret}
        </code>
      </p>
      <div class="buttons">
        <button
          type="button"
          class="button primary"
          onClick={() => {
            void navigator.clipboard.writeText(secret).then(() => note(true))
          }}>
          {t.copy}
        </button>
        <Ariakit.DialogDismiss className="button">{t.kept}</Ariakit.DialogDismiss>
        <span role="status" class="muted">
          {copied ? w().card.copied : ''}
        </span>
      </div>
    </div>
  )
}

function Revoke({ row, done }: { row: Key; done: () => void }) {
  const t = w().settings.keys
  const [problem, fail] = useState<Problem>()
  const [busy, work] = useState(false)
  return (
    <div class="form">
      <Ariakit.DialogHeading className="heading">{t.revokeAsk}</Ariakit.DialogHeading>
      <p>
        <bdi>{row.note || t.noNote}</bdi> · <code>{row.id}</code>
      </p>
      <p>{t.revokeHow}</p>
      {row.id === session.value?.key_id ? <p role="alert">{t.yours}</p> : null}
      {problem ? <p role="alert"><Told problem={problem} /></p> : null}
      <div class="buttons">
        <button
          type="button"
          class="button primary"
          disabled={busy}
          onClick={() => {
            work(true)
            fail(undefined)
            send(`/v1/keys/${encodeURIComponent(row.id)}`, { method: 'DELETE' }).then(done, (error: unknown) => {
              work(false)
              if (error instanceof Refused) fail(error.problem)
            })
          }}>
          {t.revoke}
        </button>
        <Ariakit.DialogDismiss className="button">{w().shell.cancel}</Ariakit.DialogDismiss>
      </div>
    </div>
  )
}
