// What an account has set: prices, templates, the meaning of codes, rules, alerts and keys. The address says which.
import './settings.css'
import { useState } from 'preact/hooks'
import { useAnswer } from '../../api/answer'
import { may, session } from '../../api/client'
import { pathOf } from '../../api/paths'
import type { Report } from '../../api/types'
import { w } from '../../i18n'
import { Failed, Waiting } from '../../parts/states'
import { scope } from '../../state/scope'
import { setParams, toQuery, url } from '../../state/url'
import { Editor } from './editor'
import { KINDS, type KindName } from './kinds'
import { Keys } from './keys'

const TABS = ['tariffs', 'templates', 'error-map', 'number-rules', 'alerts', 'keys'] as const
type Tab = (typeof TABS)[number]

function isList(tab: Tab): tab is KindName {
  return tab in KINDS
}

export default function Settings() {
  const t = w().settings
  const wanted = url.value.searchParams.get('tab')
  const tab = TABS.find((one) => one === wanted) ?? 'tariffs'
  const seen = TABS.filter((one) => one === tab || isList(one) || may('admin'))
  return (
    <>
      <nav class="tabs" aria-label={t.tabs}>
        {seen.map((one) => (
          <a
            key={one}
            href={toQuery({ tab: one === 'tariffs' ? null : one, version: null })}
            class="tab"
            aria-current={one === tab ? 'page' : undefined}>
            {t.tabNames[one]}
          </a>
        ))}
      </nav>
      <div class="cards">{isList(tab) ? <OfAccount tab={tab} /> : <Keys />}</div>
    </>
  )
}

/** OfAccount finds the account whose list it is: that of the key, of the address, or the only one there is. */
function OfAccount({ tab }: { tab: KindName }) {
  const own = session.value?.account ?? null
  const chosen = own ?? scope.value.account
  const accounts = useAnswer<Report<{ account: string }>>(
    chosen ? null : pathOf('/v1/reports/channels', { group_by: 'account' }),
  )
  const names = accounts.data?.rows.map((row) => row.account) ?? []
  const account = chosen || (names.length === 1 ? (names[0] ?? '') : '')
  if (account) return <Editor key={`${tab} ${account}`} name={tab} account={account} />
  return (
    <section
      class="card wide"
      id="account"
      aria-labelledby="account-title"
      aria-busy={!accounts.data && !accounts.problem}>
      <header>
        <h2 id="account-title">{w().settings.whichAccount}</h2>
      </header>
      {accounts.problem ? <Failed problem={accounts.problem} retry={accounts.retry} /> : null}
      {!accounts.data && !accounts.problem ? <Waiting lines={3} retry={accounts.retry} /> : null}
      {accounts.data ? <Choice names={names} /> : null}
    </section>
  )
}

function Choice({ names }: { names: readonly string[] }) {
  const t = w().settings
  const [name, type] = useState('')
  return (
    <>
      <div class="buttons">
        {names.map((one) => (
          <a key={one} class="button" href={toQuery({ account: one })}>
            <bdi>{one}</bdi>
          </a>
        ))}
      </div>
      <form
        class="line"
        onSubmit={(event) => {
          event.preventDefault()
          if (name.trim()) setParams({ account: name.trim() })
        }}>
        <label>
          {t.otherAccount}
          <input
            class="field"
            type="text"
            autocomplete="off"
            required
            value={name}
            onInput={(event) => type(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="button">
          {t.go}
        </button>
      </form>
    </>
  )
}
