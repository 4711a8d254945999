import * as Ariakit from '@ariakit/react'
import { useEffect, useState } from 'preact/hooks'
import { w } from '../i18n'
import { f } from '../i18n/format'
import { Icon } from '../parts/icons'
import { addDays, isDate, PRESETS, type Period } from '../state/period'
import { DEFAULT_PERIOD, scope } from '../state/scope'
import { setParams } from '../state/url'

/** nameOf prints a period: a preset by its name, another by its days. */
export function nameOf(p: Period): string {
  if (p.preset !== 'custom') return w().period[p.preset]
  const last = addDays(p.to, -1)
  return p.from === last ? f.value.date(p.from) : `${f.value.date(p.from)} – ${f.value.date(last)}`
}

export function PeriodPicker() {
  const t = w().period
  const { period, compare } = scope.value
  const pop = Ariakit.usePopoverStore({ placement: 'bottom-start' })
  const [from, setFrom] = useState(period.from)
  const [last, setLast] = useState(addDays(period.to, -1))
  useEffect(() => {
    setFrom(period.from)
    setLast(addDays(period.to, -1))
  }, [period.from, period.to])
  const backwards = isDate(from) && isDate(last) && last < from
  return (
    <>
      <Ariakit.PopoverDisclosure store={pop} className="button quiet" aria-label={`${t.label}: ${nameOf(period)}`} title={t.label}>
        <Icon name="calendar" /><span class="chosen">{nameOf(period)}</span><Icon name="down" />
      </Ariakit.PopoverDisclosure>
      <Ariakit.Popover store={pop} className="pop form" gutter={4} portal unmountOnHide aria-label={t.label}>
        <div class="presets" role="group" aria-label={t.label}>
          {PRESETS.map((one) => (
            <button key={one} type="button" class="button" aria-pressed={period.preset === one} onClick={() => {
              setParams({ period: one === DEFAULT_PERIOD ? null : one, from: null, to: null })
              pop.hide()
            }}>{t[one]}</button>
          ))}
        </div>
        <form onSubmit={(event) => {
          event.preventDefault()
          if (!isDate(from) || !isDate(last) || backwards) return
          setParams({ period: null, from, to: addDays(last, 1) })
          pop.hide()
        }}>
          <label>{t.from}<input type="date" class="field" required value={from} onInput={(e) => setFrom(e.currentTarget.value)} /></label>
          <label>{t.to}<input type="date" class="field" required value={last} onInput={(e) => setLast(e.currentTarget.value)} /></label>
          {backwards ? <p role="alert">{t.backwards}</p> : null}
          <button type="submit" class="button primary" disabled={backwards}>{w().shell.apply}</button>
        </form>
        <label class="check">
          <input type="checkbox" checked={compare} onChange={(e) => setParams({ compare: e.currentTarget.checked ? '1' : null })} />
          {t.compare}
        </label>
      </Ariakit.Popover>
    </>
  )
}
