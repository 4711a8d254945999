// Filters as chips. A value is typed, or picked from those of the period.
import * as Ariakit from '@ariakit/react'
import { useState } from 'preact/hooks'
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

function Choice({ close }: { close: () => void }) {
  const t = w().shell
  const [name, setName] = useState<Filter>('channel')
  const [value, setValue] = useState('')
  const asked = { ...scope.value, filters: {} }
  // The largest ones first; of more mailings than these the view of mailings has them all.
  const { data, stale, problem, retry } = useAnswer<Report<Record<string, string>>>(
    reportPath('groups', asked, { group_by: name, sort: '-sent', limit: '1000' }))
  const values = stale ? undefined : data?.rows.map((row) => String(row[name] ?? ''))
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
