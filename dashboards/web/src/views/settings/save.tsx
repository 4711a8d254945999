// What would change, a note, and saving; and what to do when somebody else was faster.
import * as Ariakit from '@ariakit/react'
import { useEffect, useState } from 'preact/hooks'
import { Refused, send } from '../../api/client'
import type { Problem } from '../../api/types'
import { w } from '../../i18n'
import { Told } from '../../parts/problem'
import { Waiting } from '../../parts/states'
import { Changes } from './changes'
import { putPath } from './check'
import { wrongs, type DryRun } from './draft'
import type { Kind } from './kinds'
import { Reason } from './reason'

// As many faults of a file as are read at once.
const MOST_TOLD = 20

/** Upload is what is to be saved: a draft, a file, or an older version. */
export interface Upload {
  readonly body: string | Blob
  readonly type: string
  /** version is that which it was made from. */
  readonly version: number
  readonly note?: string
  /** setting goes beside a form that has no place for it. */
  readonly setting?: string
  /** name is that of a file. */
  readonly name?: string
}

export function Save({
  kind,
  account,
  upload,
  close,
  saved,
  theirs,
}: {
  kind: Kind
  account: string
  upload: Upload | undefined
  close: () => void
  saved: (version: number) => void
  /** theirs drops what was edited. */
  theirs: () => void
}) {
  return (
    <Ariakit.Dialog
      open={upload !== undefined}
      onClose={close}
      className="dialog broad"
      backdrop={<div class="backdrop" />}
      unmountOnHide>
      {upload ? <Review kind={kind} account={account} upload={upload} saved={saved} theirs={theirs} /> : null}
    </Ariakit.Dialog>
  )
}

function Review({
  kind,
  account,
  upload,
  saved,
  theirs,
}: {
  kind: Kind
  account: string
  upload: Upload
  saved: (version: number) => void
  theirs: () => void
}) {
  const t = w().settings
  // against is the version that is to be replaced: another one once it was agreed to.
  const [against, compareWith] = useState<number | undefined>(upload.version)
  const [dry, know] = useState<DryRun>()
  const [problem, fail] = useState<Problem>()
  const [note, write] = useState(upload.note ?? '')
  const [busy, work] = useState(false)
  const put = <T,>(query: Readonly<Record<string, string | undefined>>, stop?: AbortSignal): Promise<T> =>
    send<T>(putPath(kind, account, { ...query, billing_zone: upload.setting || undefined }), {
      method: 'PUT',
      body: upload.body,
      headers: { 'Content-Type': upload.type },
      ...(stop ? { signal: stop } : {}),
    })
  const failed = (error: unknown): void => {
    work(false)
    if (error instanceof Refused) fail(error.problem)
  }
  useEffect(() => {
    const stop = new AbortController()
    fail(undefined)
    put<DryRun>({ dry_run: '1', if_version: against === undefined ? undefined : String(against) }, stop.signal).then(
      (reply) => {
        know(reply)
        fail(undefined)
      },
      failed,
    )
    return () => stop.abort()
  }, [upload, against])
  const save = (): void => {
    work(true)
    put<{ version: number }>({
      if_version: String(dry?.version ?? upload.version),
      why: note.trim() || undefined,
    }).then((reply) => saved(reply.version), failed)
  }
  const conflict = problem?.status === 412
  const nothing = dry !== undefined && dry.added + dry.removed + dry.changed === 0
  return (
    <div class="form">
      <Ariakit.DialogHeading className="heading">{t.wouldChange}</Ariakit.DialogHeading>
      {upload.name ? (
        <p class="muted">
          <bdi>{upload.name}</bdi>
        </p>
      ) : null}
      {!dry && !problem ? <Waiting lines={3} /> : null}
      {conflict ? <p role="alert">{t.conflict}</p> : problem ? <Faults kind={kind} problem={problem} /> : null}
      {dry && !problem ? (
        <>
          <p role="status">
            {nothing ? t.noChanges : t.counts(dry.added, dry.changed, dry.removed)}
            {dry.version !== upload.version ? ` ${t.againstVersion(dry.version)}` : ''}
          </p>
          {nothing ? null : <Changes kind={kind} changes={dry.changes} />}
          {dry.changes_left_off > 0 ? <p class="muted">{t.leftOff(dry.changes_left_off)}</p> : null}
          {nothing ? null : (
            <label>
              {t.note}
              <input
                class="field"
                type="text"
                maxLength={200}
                value={note}
                placeholder={t.noteHow}
                onInput={(event) => write(event.currentTarget.value)}
              />
            </label>
          )}
        </>
      ) : null}
      <div class="buttons">
        {conflict ? (
          <>
            <button
              type="button"
              class="button primary"
              onClick={() => {
                know(undefined)
                fail(undefined)
                compareWith(undefined)
              }}>
              {t.compareTheirs}
            </button>
            <button type="button" class="button" onClick={theirs}>
              {t.takeTheirs}
            </button>
          </>
        ) : (
          <button
            type="button"
            class="button primary"
            disabled={!dry || problem !== undefined || nothing || busy}
            onClick={save}>
            {t.save}
          </button>
        )}
        <Ariakit.DialogDismiss className="button">{w().shell.cancel}</Ariakit.DialogDismiss>
      </div>
    </div>
  )
}

/** Faults are those of a file, each with its row. */
function Faults({ kind, problem }: { kind: Kind; problem: Problem }) {
  const t = w().settings
  const all = wrongs(kind, undefined, problem)
  if (all.length === 0)
    return <p role="alert"><Told problem={problem} /></p>
  return (
    <div role="alert">
      <p>
        <strong>{t.wrongFile}</strong>
      </p>
      <ul class="faults">
        {all.slice(0, MOST_TOLD).map((one) => (
          <li key={`${one.row} ${one.field} ${one.reason}`}>
            {one.row ? <span class="muted">{t.rowNumber(one.row)} </span> : null}
            <Reason wrong={one} columns={kind.parts.find(({ name }) => name === one.part)?.columns ?? []} />
          </li>
        ))}
      </ul>
      {all.length > MOST_TOLD ? <p class="muted">{t.moreFaults(all.length - MOST_TOLD)}</p> : null}
    </div>
  )
}
