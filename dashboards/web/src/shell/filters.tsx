// Filters as chips. A value is typed, or picked from those of the period.
import * as Ariakit from '@ariakit/react'
import { useEffect, useState } from 'preact/hooks'
import { useAnswer } from '../api/answer'
import { reportPath } from '../api/paths'
import type { Report } from '../api/types'
import { w } from '../i18n'
import { Icon } from '../parts/icons'
import { Picker } from '../parts/picker'
import { Failed, Waiting } from '../parts/states'
import { channelName, nameOf } from '../parts/names'
import { FILTERS, scope, type Filter } from '../state/scope'
import { setParams } from '../state/url'

function shown(name: Filter, value: string): string {
  return name === 'channel' ? channelName(value) : nameOf(value)
}

export function Filters() {
  const t = w().shell
  const set = scope.value.filters
  const chips = FILTERS.flatMap((name) => (set[name] ?? []).map((value) => ({ name, value })))
  return (
    <div class="filters" role="group" aria-label={t.addFilter}>
      {chips.map(({ name, value }) => {
        const text = `${w().dimensions[name]}: ${shown(name, value)}`
        return (
          <button key={`${name} ${value}`} type="button" class="chip" aria-label={t.removeFilter(text)}
            onClick={() => setParams({ [name]: (set[name] ?? []).filter((one) => one !== value) })}>
            <bdi>{text}</bdi><Icon name="close" />
          </button>
        )
      })}
      <AddFilter />
      {chips.length > 1
        ? <button type="button" class="button quiet" onClick={() => setParams(Object.fromEntries(FILTERS.map((one) => [one, null])))}>{t.clearFilters}</button>
        : null}
    </div>
  )
}

function AddFilter() {
  const t = w().shell
  const dialog = Ariakit.useDialogStore()
  const open = Ariakit.useStoreState(dialog, 'open')
  return (
    <>
      <Ariakit.Button className="button quiet" onClick={dialog.show}><Icon name="plus" />{t.addFilter}</Ariakit.Button>
      <Ariakit.Dialog store={dialog} className="dialog" backdrop={<div class="backdrop" />} unmountOnHide>
        {open ? <Choice close={dialog.hide} /> : null}
      </Ariakit.Dialog>
    </>
  )
}

type Row = Record<string, string>

const MOST = '1000'
const MOST_FOUND = '200'
// Typing asks when it pauses.
const PAUSE_MS = 250

function usePause(text: string): string {
  const [paused, set] = useState(text)
  useEffect(() => {
    const timer = window.setTimeout(() => set(text), PAUSE_MS)
    return () => window.clearTimeout(timer)
  }, [text])
  return paused
}

function Choice({ close }: { close: () => void }) {
  const t = w().shell
  const [name, setName] = useState<Filter>('channel')
  const [value, setValue] = useState('')
  const [typed, type] = useState('')
  const sought = usePause(typed.trim())
  const asked = { ...scope.value, filters: {} }
  const path = (more: Record<string, string>): string =>
    reportPath('groups', asked, { group_by: name, sort: '-sent', limit: MOST, ...more })
  // The largest ones first. Where there are more, the server looks for what is typed.
  const { data, stale, problem, retry } = useAnswer<Report<Row>>(path({}))
  const many = !stale && data !== undefined && data.next_cursor !== null
  const found = useAnswer<Report<Row>>(many && sought ? path({ search: sought, limit: MOST_FOUND }) : null)
  const rows = [...data?.rows ?? [], ...found.data?.rows ?? []]
  const values = stale || !data ? undefined : [...new Set(rows.map((row) => String(row[name] ?? '')))]
  return (
    <form class="form" onSubmit={(event) => {
      event.preventDefault()
      setParams({ [name]: [...new Set([...scope.value.filters[name] ?? [], value])] })
      close()
    }}>
      <Ariakit.DialogHeading className="heading">{t.addFilter}</Ariakit.DialogHeading>
      <div class="pair"><span>{t.filterBy}</span>
        <Picker label={t.filterBy} quiet={false} value={name} onPick={(to) => {
          setName(FILTERS.find((one) => one === to) ?? 'channel')
          setValue('')
        }} options={FILTERS.map((one) => ({ value: one, label: w().dimensions[one] }))} />
      </div>
      <div class="pair"><span>{t.filterValue}</span>
        {values
          ? <Picker label={t.filterValue} quiet={false} value={value} onPick={setValue}
            {...(many ? { onSeek: type } : {})}
            waiting={many && !found.problem
              && (sought !== typed.trim() || found.stale || (sought !== '' && !found.data))}
            options={values.map((one) => ({ value: one, label: shown(name, one) }))} />
          : problem ? <Failed problem={problem} retry={retry} /> : <Waiting lines={1} retry={retry} />}
      </div>
      <div class="buttons">
        <button type="submit" class="button primary" disabled={!values?.includes(value)}>{t.apply}</button>
        <Ariakit.DialogDismiss className="button">{t.cancel}</Ariakit.DialogDismiss>
      </div>
    </form>
  )
}
