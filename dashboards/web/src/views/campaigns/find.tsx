// Find a message by its id, or, for who may see whole numbers, the messages to a number. A number stays in the memory
// of the page: an address is kept by browsers, copied to others, and written to logs of proxies.
import { signal } from '@preact/signals'
import { useState } from 'preact/hooks'
import { may } from '../../api/client'
import { w } from '../../i18n'
import { toMessage } from '../../state/links'
import { go } from '../../state/url'
import { ToNumber } from './recipients'

const sought = signal('')

/** recipientOf is the phone number or address that a text is as events have it, '' when it is none. */
function recipientOf(text: string): string {
  if (text.startsWith('+')) return text.replaceAll(/[\s()-]/g, '')
  return text.includes('@') ? text.startsWith('email:') ? text : `email:${text}` : ''
}

export function Find() {
  const t = w().campaigns
  const crm = may('crm')
  const [text, type] = useState(sought.value)
  const name = crm ? t.idOrNumber : t.id
  return (
    <>
      <section class="card wide" id="find" aria-labelledby="find-title">
        <header><h2 id="find-title">{t.find}</h2></header>
        <form class="buttons" role="search" onSubmit={(event) => {
          event.preventDefault()
          const given = text.trim()
          const number = crm ? recipientOf(given) : ''
          sought.value = number
          if (given && !number) go(toMessage(given))
        }}>
          <input type="search" class="field find" aria-label={name} placeholder={name} value={text}
            maxLength={128} required
            autocomplete="off" onInput={(event) => type(event.currentTarget.value)} />
          <button type="submit" class="button primary">{t.show}</button>
        </form>
        {crm ? <p class="muted">{t.numberHow}</p> : null}
      </section>
      {crm && sought.value ? <ToNumber number={sought.value} /> : null}
    </>
  )
}
