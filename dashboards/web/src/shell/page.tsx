// The page: who asks, then the view that the address names.
import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { openSession, session } from '../api/client'
import { words, w } from '../i18n'
import { Waiting } from '../parts/states'
import { toView } from '../state/scope'
import { follow, url } from '../state/url'
import { viewAt, type View } from '../view'
import { Bar } from './bar'
import { Filters } from './filters'
import { Login } from './login'
import { Rail } from './rail'

export function Page() {
  const [away, setAway] = useState(false)
  const open = (): void => {
    setAway(false)
    openSession().catch(() => setAway(true))
  }
  useEffect(open, [])
  if (!words.value) return null
  if (away) {
    return (
      <main class="alone">
        <p role="alert">{w().freshness.away}</p>
        <button type="button" class="button" onClick={open}>{w().states.retry}</button>
      </main>
    )
  }
  if (session.value === undefined) return <main class="alone" aria-busy="true"><Waiting retry={open} /></main>
  if (session.value === null) return <Login />
  return (
    <div class="frame" onClick={follow}>
      <a class="skip" href="#content">{w().shell.skip}</a>
      <Rail />
      <div class="side">
        <Bar />
        <Filters />
        <main id="content" tabIndex={-1}><Content /></main>
      </div>
    </div>
  )
}

function Content() {
  const view = viewAt(url.value.pathname)
  const [loaded, show] = useState<{ view: View; component: ComponentType }>()
  const [failed, fail] = useState(false)
  useEffect(() => {
    if (!view) return
    let wanted = true
    fail(false)
    view.load().then((file) => {
      if (wanted) show({ view, component: file.default })
    }, () => {
      if (wanted) fail(true)
    })
    return () => {
      wanted = false
    }
  }, [view])
  useEffect(() => {
    document.title = view ? `${w().views[view.name]} · ${w().title}` : w().title
  })
  if (!view) {
    return (
      <div class="state">
        <h1>{w().shell.noSuchView}</h1>
        <a class="button" href={toView('/')}>{w().shell.toOverview}</a>
      </div>
    )
  }
  const Component = loaded?.view === view ? loaded.component : undefined
  return (
    <>
      <h1 class="unseen">{w().views[view.name]}</h1>
      {failed
        ? (
          <div class="state" role="alert">
            <strong>{w().states.failed}</strong>
            <button type="button" class="button" onClick={() => window.location.reload()}>{w().states.retry}</button>
          </div>
        )
        : Component ? <Component /> : <Waiting />}
    </>
  )
}
