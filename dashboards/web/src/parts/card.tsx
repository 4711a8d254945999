// A card asks a question and answers it: a chart or a table, one sentence, and the way from picture to proof.
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Answer } from '../api/answer'
import { asCurl, asFile, leftOut, type ReportName } from '../api/paths'
import { session } from '../api/client'
import { w } from '../i18n'
import { f } from '../i18n/format'
import { scope, toView } from '../state/scope'
import { setParams, url } from '../state/url'
import { NotFinal } from './final'
import { ActionMenu, type Action } from './menu'
import { Empty, Failed, Waiting } from './states'

interface Stamped {
  readonly as_of?: string | null
  readonly to?: string
  readonly mature?: boolean
  readonly rows?: readonly unknown[]
}

/** useTable says whether a card shows its table; the address keeps it. */
export function useTable(id: string): [boolean, () => void] {
  const open = url.value.searchParams.getAll('table')
  const on = open.includes(id)
  return [on, () => setParams({ table: on ? open.filter((one) => one !== id) : [...open, id] }, 'replace')]
}

export function Card<T extends Stamped>({ id, title, answer, report, sentence, chart, table, definition, files = true,
  whole, none, wide = false, body, controls, lines }: {
  id: string
  title: string
  answer: Answer<T>
  /** report names the filters that its answer takes; the others are told to be left out. */
  report?: ReportName
  sentence?: (data: T) => ComponentChildren
  chart?: (data: T) => ComponentChildren
  table?: (data: T) => ComponentChildren
  /** definition is the name of the figure in /v1/definitions. */
  definition?: string
  files?: boolean
  /** whole is the path that files are made of, where the card shows a page of it. */
  whole?: string
  /** none stands where there are no rows, in place of a hint at the period. */
  none?: ComponentChildren
  wide?: boolean
  /** body is what was sent with a question that is a POST. */
  body?: string
  controls?: ComponentChildren
  /** lines is how high the card will be about, so that what stands below hardly moves. */
  lines?: number
}) {
  const [tabled, toggle] = useTable(id)
  const { data, path, problem } = answer
  const showsTable = table !== undefined && (tabled || chart === undefined)
  const empty = data?.rows?.length === 0
  const out = report ? leftOut(report, scope.value) : []
  return (
    <section class={wide ? 'card wide' : 'card'} id={id} aria-labelledby={`${id}-title`} aria-busy={!problem && (answer.stale || !data)}>
      <header>
        <h2 id={`${id}-title`}>{title}</h2>
        {controls}
        <CardMenu path={path} files={files} whole={whole} body={body} definition={definition}
          view={chart && table ? { tabled, toggle } : undefined} />
      </header>
      {answer.stale && answer.at !== undefined ? <Stale at={answer.at} /> : null}
      {problem ? <Failed problem={problem} retry={answer.retry} kept={data !== undefined} /> : null}
      {!problem && !data ? <Waiting lines={lines} retry={answer.retry} /> : null}
      {data && problem?.status !== 403
        ? (
          <div class={answer.stale || problem ? 'content old' : 'content'}>
            {empty ? none ?? <Empty /> : showsTable ? table(data) : chart?.(data)}
            {!empty && sentence ? <p class="sentence">{sentence(data)}</p> : null}
          </div>
        )
        : null}
      {data ? <Stamp data={data} out={out.map((one) => w().dimensions[one]).join(', ')} /> : null}
    </section>
  )
}

function Stamp({ data, out }: { data: Stamped; out: string }) {
  const t = w().card
  return (
    <footer>
      {data.as_of ? <span>{t.asOf(f.value.time(data.as_of))}</span> : null}
      {data.mature === false ? <NotFinal to={data.to} /> : null}
      {data.mature === true && data.as_of ? <span>{t.final}</span> : null}
      {out ? <span>{t.leftOut(out)}</span> : null}
    </footer>
  )
}

function Stale({ at }: { at: number }) {
  const [now, tick] = useState(Date.now())
  useEffect(() => {
    const timer = window.setInterval(() => tick(Date.now()), 1000)
    return () => window.clearInterval(timer)
  }, [])
  const age = Math.floor((now - at) / 1000)
  if (age < 1) return null
  return <p class="muted" role="status">{w().card.stale(f.value.duration(age))}</p>
}

/** CardMenu leads from what a card shows to its proof: files, the call of the API, the definition. */
export function CardMenu({ path, files = true, whole, body, definition, view }: {
  path: string | null
  files?: boolean
  whole?: string | undefined
  body?: string | undefined
  definition?: string | undefined
  view?: { tabled: boolean; toggle: () => void } | undefined
}) {
  const t = w().card
  const [copied, note] = useState(false)
  const actions: Action[] = []
  if (view) actions.push({ label: view.tabled ? t.chart : t.table, run: view.toggle })
  if (path) {
    if (files) {
      actions.push({ label: t.csv, href: asFile(whole ?? path, 'csv'), download: true },
        { label: t.xlsx, href: asFile(whole ?? path, 'xlsx'), download: true })
    }
    actions.push({ label: t.curl, run: () => {
      void navigator.clipboard.writeText(asCurl(path, session.value?.auth === 'keys', body)).then(() => {
        note(true)
        window.setTimeout(() => note(false), 2000)
      })
    } })
  }
  if (definition) actions.push({ label: t.definition, href: `${toView('/definitions')}#${definition}` })
  return (
    <>
      <span role="status" class="muted">{copied ? t.copied : ''}</span>
      {actions.length > 0 ? <ActionMenu label={t.menu} actions={actions} /> : null}
    </>
  )
}
