// One list: its rows, what is edited of them, files, and its versions.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { useAnswer } from '../../api/answer'
import { may } from '../../api/client'
import { pathOf } from '../../api/paths'
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { ActionMenu, type Action } from '../../parts/menu'
import { Picker } from '../../parts/picker'
import { Told } from '../../parts/problem'
import { Failed, Waiting } from '../../parts/states'
import { dateIn } from '../../state/period'
import { clock, scope } from '../../state/scope'
import { setParams, url } from '../../state/url'
import { Events, Try, Unpriced } from './alerts'
import { useCheck, type Check } from './check'
import {
  bodyOf,
  drafts,
  newRow,
  readList,
  setDraft,
  wrongs,
  type List,
  type ListAnswer,
  type Row,
  type Wrong,
} from './draft'
import { Grid, type Place } from './grid'
import { History } from './history'
import { KINDS, type Kind, type KindName, type Values } from './kinds'
import { Reason } from './reason'
import { Save, type Upload } from './save'
import { readTime } from './time'

const TYPES = { csv: 'text/csv', json: 'application/json', yaml: 'application/yaml' } as const

/** formOf is what a file is, by the end of its name. */
function formOf(name: string): keyof typeof TYPES {
  return /\.csv$/i.test(name) ? 'csv' : /\.ya?ml$/i.test(name) ? 'yaml' : 'json'
}

/** wished is the row that a link asks for: add.provider=…&add.code=…. */
function wished(): Values | undefined {
  const given = [...url.value.searchParams].filter(([name]) => name.startsWith('add.'))
  return given.length > 0
    ? Object.fromEntries(given.map(([name, value]) => [name.slice('add.'.length), value]))
    : undefined
}

function endWish(): void {
  const names = [...url.value.searchParams.keys()].filter((name) => name.startsWith('add.'))
  if (names.length > 0) setParams(Object.fromEntries(names.map((name) => [name, null])), 'replace')
}

export function Editor({ name, account }: { name: KindName; account: string }) {
  const kind = KINDS[name]
  const t = w().settings
  const answer = useAnswer<ListAnswer>(pathOf(kind.route, { account }))
  const data = answer.stale ? undefined : answer.data
  const base = useMemo(() => (data ? readList(kind, data) : undefined), [data])
  const key = `${name} ${account}`
  const draft = drafts.value[key]
  const admin = may('admin')
  const check = useCheck(kind, account, admin ? draft : undefined)
  const [upload, review] = useState<Upload>()
  const [told, tell] = useState('')
  const [place, go] = useState<Place>()
  const [round, again] = useState(0)
  // awaited is the version that was saved: what is shown is older until it has come.
  const [awaited, expect] = useState(0)
  const list = draft ?? base
  const late = awaited > (data?.version ?? 0)
  const today = readTime(dateIn(scope.value.tz, clock.value), scope.value.tz)
  const wrong = check.state === 'wrong' && draft ? wrongs(kind, draft, check.problem) : []

  useEffect(() => {
    const values = wished()
    const [part] = kind.parts
    if (!values || !list || !part || !admin) return
    endWish()
    const rows = list.parts[part.name] ?? []
    const row = newRow({ ...part.fresh?.(rows.at(-1)?.values, today), ...values })
    setDraft(key, { ...list, parts: { ...list.parts, [part.name]: [...rows, row] } })
    go({ id: row.id, field: part.columns.find(({ field }) => !row.values[field])?.field ?? '' })
  }, [list, admin])

  const show = (one: Upload | undefined): void => {
    tell('')
    review(one)
  }
  const change = (edited: List): void => {
    tell('')
    setDraft(key, edited)
  }
  const done = (version: number): void => {
    setDraft(key, undefined)
    review(undefined)
    tell(t.saved(version))
    expect(version)
    setParams({ version: null }, 'replace')
    answer.retry()
    again((n) => n + 1)
  }
  return (
    <>
      <section
        class="card wide"
        id="list"
        aria-labelledby="list-title"
        aria-busy={((!list || late) && !answer.problem) || check.state === 'checking'}>
        <header>
          <h2 id="list-title">{t.titles[name]}</h2>
          <span role="status" class="muted">
            {told}
          </span>
          {list ? <Files kind={kind} account={account} list={list} review={admin ? show : undefined} /> : null}
        </header>
        <p class="muted about">{t.about[name]}</p>
        {answer.problem ? <Failed problem={answer.problem} retry={answer.retry} /> : null}
        {!list && !answer.problem ? <Waiting lines={8} retry={answer.retry} /> : null}
        <div class={late ? 'content old' : 'content'} inert={late}>
          {list && kind.setting ? (
            <Setting value={list.setting} change={admin ? (setting) => change({ ...list, setting }) : undefined} />
          ) : null}
          {list
            ? kind.parts.map((part) => (
                <div key={part.name} class="part-of">
                  {kind.parts.length > 1 ? <h3>{t.parts[part.name]}</h3> : null}
                  {kind.parts.length > 1 ? <p class="muted about">{t.partAbout[part.name]}</p> : null}
                  <Grid
                    part={part}
                    rows={list.parts[part.name] ?? []}
                    wrong={wrong.filter((one) => one.part === part.name)}
                    place={place}
                    today={today}
                    edit={
                      admin
                        ? (rows: readonly Row[]) => change({ ...list, parts: { ...list.parts, [part.name]: rows } })
                        : undefined
                    }
                  />
                </div>
              ))
            : null}
        </div>
        {list && name === 'alerts' ? <Unpriced account={account} list={list} /> : null}
        {list && name === 'alerts' ? <Try account={account} list={list} /> : null}
        {!admin && list ? <p class="muted">{t.readOnly}</p> : null}
        {draft && admin ? (
          <State
            kind={kind}
            draft={draft}
            check={check}
            wrong={wrong}
            go={go}
            drop={() => setDraft(key, undefined)}
            review={() => show({ body: bodyOf(kind, draft), type: TYPES.json, version: draft.version })}
          />
        ) : null}
        {list ? (
          <footer>
            <span>
              {data && data.version > 0 && data.at ? t.versionOf(data.version, f.value.time(data.at)) : t.noVersion}
            </span>
          </footer>
        ) : null}
      </section>
      {name === 'alerts' ? <Events account={account} /> : null}
      <History
        kind={kind}
        account={account}
        version={data?.version ?? 0}
        round={round}
        back={admin ? show : undefined}
      />
      <Save
        kind={kind}
        account={account}
        upload={upload}
        close={() => review(undefined)}
        saved={done}
        theirs={() => {
          setDraft(key, undefined)
          review(undefined)
          answer.retry()
          again((n) => n + 1)
        }}
      />
    </>
  )
}

let zones: readonly string[] | undefined

function Setting({ value, change }: { value: string; change: ((zone: string) => void) | undefined }) {
  const t = w().settings
  zones ??= ['UTC', ...Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')]
  const all = zones.includes(value) ? zones : [value, ...zones]
  return (
    <p class="setting">
      <span>{t.fields.billing_zone}:</span>
      {change ? (
        <Picker
          label={t.fields.billing_zone}
          quiet={false}
          value={value}
          onPick={change}
          options={all.map((name) => ({ value: name, label: name.replaceAll('_', ' ') }))}
        />
      ) : (
        <bdi>{value.replaceAll('_', ' ')}</bdi>
      )}
      <span class="muted">{t.zoneHow}</span>
    </p>
  )
}

/** Files are the list as a file, and a file as the list. */
function Files({
  kind,
  account,
  list,
  review,
}: {
  kind: Kind
  account: string
  list: List
  review: ((upload: Upload) => void) | undefined
}) {
  const t = w().settings
  const input = useRef<HTMLInputElement>(null)
  const actions: Action[] = kind.forms.map((format) => ({
    label: t.download(format.toUpperCase()),
    download: true,
    href: pathOf(kind.route, { account, format, bom: format === 'csv' ? '1' : undefined }),
  }))
  if (review) actions.push({ label: t.upload, run: () => input.current?.click() })
  const read = (file: File): void => {
    const form = formOf(file.name)
    review?.({
      body: file,
      type: TYPES[form],
      version: list.version,
      name: file.name,
      ...(form === 'csv' ? { setting: list.setting } : {}),
    })
  }
  return (
    <>
      <input
        ref={input}
        type="file"
        class="unseen"
        tabIndex={-1}
        aria-label={t.upload}
        accept={kind.forms.map((form) => `.${form}`).join(',')}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0]
          event.currentTarget.value = ''
          if (file) read(file)
        }}
      />
      <ActionMenu label={t.files} actions={actions} />
    </>
  )
}

/** State says how the draft stands, and leads on. */
function State({
  kind,
  draft,
  check,
  wrong,
  go,
  drop,
  review,
}: {
  kind: Kind
  draft: List
  check: Check
  wrong: readonly Wrong[]
  go: (place: Place) => void
  drop: () => void
  review: () => void
}) {
  const t = w().settings
  const [at, next] = useState(0)
  const placed = wrong.filter((one) => one.id !== undefined)
  const whole = wrong.filter((one) => one.id === undefined)
  const nothing = check.state === 'good' && check.dry.added + check.dry.removed + check.dry.changed === 0
  const word =
    check.state === 'good'
      ? nothing
        ? t.noChanges
        : t.counts(check.dry.added, check.dry.changed, check.dry.removed)
      : check.state === 'wrong'
        ? t.wrong(wrong.length)
        : check.state === 'failed'
          ? ''
          : t.checking
  return (
    <div class="draft">
      <div class="draft-word">
        <span
          role="status"
          class={check.state === 'wrong' ? 'badge bad' : check.state === 'good' ? 'badge good' : 'badge'}>
          {word || t.notChecked}
        </span>
        {placed.length > 0 ? (
          <button
            type="button"
            class="button"
            onClick={() => {
              const one = placed[at % placed.length]
              next(at + 1)
              if (one?.id !== undefined) go({ id: one.id, field: one.field })
            }}>
            {t.toFault}
          </button>
        ) : null}
        {check.state === 'good' && check.dry.version !== draft.version ? (
          <span role="alert">{t.newer(check.dry.version)}</span>
        ) : null}
        {check.state === 'failed' ? (
          <span role="alert"><Told problem={check.problem} /></span>
        ) : null}
        {whole.map((one) => (
          <span key={one.reason} role="alert">
            <Reason wrong={one} columns={kind.parts[0]?.columns ?? []} />
          </span>
        ))}
      </div>
      <div class="buttons">
        <button type="button" class="button primary" disabled={check.state !== 'good' || nothing} onClick={review}>
          {t.checkAndSave}
        </button>
        <button type="button" class="button" onClick={drop}>
          {t.discard}
        </button>
      </div>
    </div>
  )
}
