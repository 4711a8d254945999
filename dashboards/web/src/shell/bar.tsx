// What all figures on the page are about, and how fresh they are.
import { may, session, signOut } from '../api/client'
import { useAnswer } from '../api/answer'
import { pathOf } from '../api/paths'
import type { Report } from '../api/types'
import { w } from '../i18n'
import { ActionMenu } from '../parts/menu'
import { Picker } from '../parts/picker'
import { language, LANGUAGES, setLanguage, setTheme, theme, THEMES } from '../state/prefs'
import { browserZone, scope } from '../state/scope'
import { setParams } from '../state/url'
import { Freshness } from './freshness'
import { PeriodPicker } from './period'
import { Saved } from './saved'

export function Bar() {
  const t = w().shell
  const s = session.value
  return (
    <header class="bar" aria-label={t.bar}>
      <Account />
      <PeriodPicker />
      <Zone />
      <span class="gap" />
      <Freshness />
      {may('marketer', 'analyst', 'crm') ? <Saved /> : null}
      <ActionMenu label={t.preferences} icon="view" actions={[
        ...LANGUAGES.map((one) => ({ label: t.languages[one], run: () => setLanguage(one), checked: language.value === one })),
        ...THEMES.map((one) => ({ label: t.themes[one], run: () => setTheme(one), checked: theme.value === one })),
        ...(s?.auth === 'keys' ? [{ label: t.signOut, run: () => void signOut().catch(() => undefined) }] : []),
      ]} />
    </header>
  )
}

function Account() {
  const own = session.value?.account ?? null
  // All of the accounts that have sent something; there is no other list of them.
  const { data } = useAnswer<Report<{ account: string }>>(own === null
    ? pathOf('/v1/reports/channels', { group_by: 'account' }) : null)
  const t = w().shell
  if (own !== null) return <strong class="account"><bdi>{own}</bdi></strong>
  const names = data?.rows.map((row) => row.account) ?? []
  const chosen = scope.value.account
  if (chosen && !names.includes(chosen)) names.unshift(chosen)
  return (
    <Picker label={t.account} icon="account" value={chosen} onPick={(to) => setParams({ account: to || null })}
      options={[{ value: '', label: t.allAccounts }, ...names.map((name) => ({ value: name, label: name }))]} />
  )
}

let zones: readonly string[] | undefined

function Zone() {
  zones ??= ['UTC', ...Intl.supportedValuesOf('timeZone').filter((name) => name !== 'UTC')]
  const tz = scope.value.tz
  const all = zones.includes(tz) ? zones : [tz, ...zones]
  return (
    <Picker label={w().shell.zone} value={tz} options={all.map((name) => ({ value: name, label: name.replaceAll('_', ' ') }))}
      onPick={(to) => setParams({ tz: to === browserZone() ? null : to })} />
  )
}
