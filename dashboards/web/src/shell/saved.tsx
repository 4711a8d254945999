// Saved views: names for addresses of this page, kept by the server for the key.
import * as Ariakit from '@ariakit/react'
import { useState } from 'preact/hooks'
import { useAnswer } from '../api/answer'
import { keepAnswer, Refused, send } from '../api/client'
import type { Problem, SavedViews } from '../api/types'
import { w } from '../i18n'
import { Icon } from '../parts/icons'
import { Told } from '../parts/problem'
import { Failed, Waiting } from '../parts/states'
import { follow, url } from '../state/url'

type View = SavedViews['views'][number]
const PATH = '/v1/views'

export function Saved() {
  const t = w().shell.saved
  const dialog = Ariakit.useDialogStore()
  const open = Ariakit.useStoreState(dialog, 'open')
  return (
    <>
      <Ariakit.Button className="button quiet" aria-label={t.menu} title={t.menu} onClick={dialog.show}>
        <Icon name="bookmark" />
      </Ariakit.Button>
      <Ariakit.Dialog store={dialog} className="dialog" backdrop={<div class="backdrop" />} unmountOnHide>
        {open ? <Views close={dialog.hide} /> : null}
      </Ariakit.Dialog>
    </>
  )
}

/** here is this address as it is saved: the server takes no host. */
function here(): string {
  return url.value.pathname + url.value.search + url.value.hash
}

function Views({ close }: { close: () => void }) {
  const t = w().shell.saved
  const answer = useAnswer<SavedViews>(PATH)
  const [refused, refuse] = useState<{ text: string; problem?: Problem }>()
  const [said, say] = useState<{ text: string; undo?: readonly View[] }>({ text: '' })
  const [busy, work] = useState(false)
  const known = answer.data
  const put = async (views: readonly View[], done: typeof said = { text: '' }): Promise<boolean> => {
    if (!known) return false
    work(true)
    refuse(undefined)
    say({ text: '' })
    try {
      const { version } = await send<{ version: number }>(PATH, {
        method: 'PUT',
        headers: { 'If-Match': `"${known.version}"` },
        body: JSON.stringify({ views }),
      })
      keepAnswer<SavedViews>(PATH, { ...known, version, views })
      say(done)
      return true
    } catch (error) {
      const problem: Problem | undefined = error instanceof Refused ? error.problem : undefined
      if (problem?.status === 412) answer.retry()
      refuse(
        problem?.status === 412
          ? { text: t.changed }
          : { text: `${t.refused}.`, ...(problem ? { problem } : {}) }
      )
      return false
    } finally {
      work(false)
    }
  }
  const views = known?.views
  return (
    <div class="form">
      <Ariakit.DialogHeading className="heading">{t.menu}</Ariakit.DialogHeading>
      {answer.problem && !known ? <Failed problem={answer.problem} retry={answer.retry} /> : null}
      {!views && !answer.problem ? <Waiting lines={2} retry={answer.retry} /> : null}
      {views?.length === 0 ? <p class="muted">{t.none}</p> : null}
      {views && views.length > 0 ? (
        <ul class="lines">
          {views.map((one) => (
            <One
              key={one.name}
              view={one}
              busy={busy}
              taken={views.map((other) => other.name)}
              close={close}
              copied={() => say({ text: t.copied })}
              rename={(name) => put(views.map((other) => (other === one ? { ...one, name } : other)))}
              remove={() =>
                void put(
                  views.filter((other) => other !== one),
                  { text: t.removed(one.name), undo: views }
                )
              }
            />
          ))}
        </ul>
      ) : null}
      {refused ? (
        <p role="alert">
          {refused.text} {refused.problem ? <Told problem={refused.problem} /> : null}
        </p>
      ) : null}
      <p role="status" class="muted">
        {said.text}
        {said.undo ? (
          <>
            {' '}
            <button type="button" class="button quiet" onClick={() => void put(said.undo ?? [])}>
              {t.undo}
            </button>
          </>
        ) : null}
      </p>
      {views ? (
        <Naming
          label={t.save}
          busy={busy}
          taken={views.map((one) => one.name)}
          named={(name) => put([...views, { name, url: here() }])}
        />
      ) : null}
      <div class="buttons">
        <Ariakit.DialogDismiss className="button">{w().shell.close}</Ariakit.DialogDismiss>
      </div>
    </div>
  )
}

function One({
  view,
  busy,
  taken,
  close,
  copied,
  rename,
  remove,
}: {
  view: View
  busy: boolean
  taken: readonly string[]
  close: () => void
  copied: () => void
  rename: (name: string) => Promise<boolean>
  remove: () => void
}) {
  const t = w().shell.saved
  const [naming, name] = useState(false)
  if (naming) {
    return (
      <li>
        <Naming
          label={t.rename}
          first={view.name}
          busy={busy}
          taken={taken.filter((one) => one !== view.name)}
          named={async (to) => {
            const done = to === view.name || (await rename(to))
            if (done) name(false)
            return done
          }}
        />
      </li>
    )
  }
  return (
    <li class="saved-view">
      <a
        href={view.url}
        aria-current={view.url === here() ? 'page' : undefined}
        onClick={(event) => {
          follow(event)
          if (event.defaultPrevented) close()
        }}
      >
        <bdi>{view.name}</bdi>
      </a>
      <span class="buttons">
        <button
          type="button"
          class="button quiet"
          aria-label={`${t.copy}: ${view.name}`}
          title={t.copy}
          onClick={() => {
            void navigator.clipboard.writeText(new URL(view.url, url.value).href).then(copied)
          }}
        >
          <Icon name="link" />
        </button>
        <button
          type="button"
          class="button quiet"
          aria-label={`${t.rename}: ${view.name}`}
          title={t.rename}
          onClick={() => name(true)}
        >
          <Icon name="pencil" />
        </button>
        <button
          type="button"
          class="button quiet"
          aria-label={`${t.remove}: ${view.name}`}
          title={t.remove}
          disabled={busy}
          onClick={remove}
        >
          <Icon name="close" />
        </button>
      </span>
    </li>
  )
}

// A field and a button for a name. named tells whether the name is stored.
function Naming({
  label,
  first = '',
  busy,
  taken,
  named,
}: {
  label: string
  first?: string
  busy: boolean
  taken: readonly string[]
  named: (name: string) => Promise<boolean>
}) {
  const t = w().shell.saved
  const [name, write] = useState(first)
  const tidy = name.trim()
  const double = taken.includes(tidy)
  return (
    <form
      class="naming"
      onSubmit={(event) => {
        event.preventDefault()
        if (tidy !== '' && !double) {
          void named(tidy).then((done) => {
            if (done) write('')
          })
        }
      }}
    >
      <label>
        {label}
        <input
          class="field"
          required
          maxLength={100}
          value={name}
          placeholder={t.name}
          aria-invalid={double}
          autofocus={first !== ''}
          onInput={(event) => write(event.currentTarget.value)}
        />
      </label>
      {double ? <p role="alert">{t.taken}</p> : null}
      <button type="submit" class="button primary" disabled={busy || tidy === '' || double}>
        {t.store}
      </button>
    </form>
  )
}
