// One number: what is known of it, what became of it, and what somebody has set by hand.
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { useAnswer } from '../../api/answer'
import { pathOf } from '../../api/paths'
import { w } from '../../i18n'
import { f, NONE } from '../../i18n/format'
import { ChannelMark } from '../../parts/names'
import { Waiting } from '../../parts/states'
import { Why } from '../../parts/why'
import { go, url } from '../../state/url'
import { ChangeTable } from './changes'
import { Override } from './override'
import { readNumber } from './parse'
import { account, numberAt, ofAll, OptedOut, StateMark, Trouble, useEdits } from './parts'
import type { ChangeRow, List, OneNumber } from './types'
import { dayOf, evidence } from './words'

export function One() {
  const t = w().numbers
  const number = numberAt()
  const card = useRef<HTMLElement>(null)
  const known = /^(\+\d|email:.)/.test(number)
  const answer = useEdits(useAnswer<OneNumber>(known
    ? pathOf(`/v1/numbers/${encodeURIComponent(number)}`, { account: account() }) : null))
  useEffect(() => {
    if (known) card.current?.scrollIntoView({ block: 'nearest' })
  }, [number])
  const { data, problem } = answer
  const shown = known && data && !answer.stale ? data : undefined
  return (
    <section class="card wide" id="one" ref={card} aria-labelledby="one-title" aria-busy={known && !shown && !problem}>
      <header><h2 id="one-title">{t.search}</h2></header>
      <Search number={known ? number : ''} />
      {known && problem ? <Trouble problem={problem} retry={answer.retry} /> : null}
      {known && !shown && !problem ? <Waiting lines={4} retry={answer.retry} /> : null}
      {shown && !problem ? <Known key={`${shown.account} ${shown.number}`} of={shown} /> : null}
    </section>
  )
}

function Search({ number }: { number: string }) {
  const t = w().numbers
  const [text, type] = useState(number.replace(/^email:/, ''))
  const [wrong, say] = useState('')
  useEffect(() => {
    type(number.replace(/^email:/, ''))
    say('')
  }, [number])
  return (
    <form class="inline" onSubmit={(event) => {
      event.preventDefault()
      const read = readNumber(text)
      if ('wrong' in read) {
        say(t.wrongs[read.wrong])
        return
      }
      say('')
      const to = new URL(url.value)
      to.hash = encodeURIComponent(read.number)
      go(to)
    }}>
      <label>{t.searchFor}
        <input class="field" type="search" dir="ltr" value={text} aria-invalid={wrong !== ''}
          aria-describedby={wrong ? 'one-wrong' : undefined}
          onInput={(event) => type(event.currentTarget.value)} />
      </label>
      <button type="submit" class="button">{t.find}</button>
      {wrong ? <p id="one-wrong" role="alert">{wrong}</p> : null}
    </form>
  )
}

function Known({ of }: { of: OneNumber }) {
  const t = w().numbers
  const why = evidence(of)
  const unseen = of.state === 'unknown' && of.last_failed_at === null && of.opt_outs.length === 0 && !of.override
  const changes = useEdits(useAnswer<List<ChangeRow>>(pathOf('/v1/numbers/changes',
    { account: of.account || undefined, number: of.number, order: 'newest', limit: '10' })))
  return (
    <div class="content">
      <p class="found">
        <strong class="figure-20"><bdi dir="ltr">{of.number.replace(/^email:/, '')}</bdi></strong>
        <StateMark state={of.state} />
      </p>
      {why ? <p class="sentence">{of.rule === 'override' ? why : t.whyIs(why)}</p> : null}
      {unseen ? <p>{t.unseen}</p> : of.state === 'dead' ? null
        : <p class="muted">{t.told[of.state]}</p>}
      {of.possible_reassignment ? <p><strong>{t.reassigned}</strong></p> : null}
      <Facts of={of} />
      <Override of={of} />
      {(changes.data?.rows.length ?? 0) > 0
        ? (
          <>
            <h3>{t.history}</h3>
            <ChangeTable rows={changes.data?.rows ?? []} one />
          </>
        )
        : null}
    </div>
  )
}

function Facts({ of }: { of: OneNumber }) {
  const t = w().numbers
  const yes = (told: boolean): string => told ? t.yes : t.no
  const facts: [string, ComponentChildren][] = []
  if (ofAll() && of.account) facts.push([t.whose, <bdi key="account">{of.account}</bdi>])
  facts.push([t.lastDelivered, of.last_delivered_at === null ? t.never : f.value.time(of.last_delivered_at)])
  if (of.last_failed_at !== null) facts.push([t.lastFailed, f.value.time(of.last_failed_at)])
  if (of.failed_mailings > 0) {
    facts.push([t.mailings, f.value.count(of.failed_mailings)], [t.days, f.value.count(of.failed_days)])
    if (of.guessed > 0) facts.push([t.guessed, f.value.count(of.guessed)])
    facts.push([t.wasted, of.wasted_cost === null ? <Why text={t.wastedWhy}>{NONE}</Why>
      : f.value.money(of.wasted_cost, of.currency)])
  }
  if (of.reachable_on.length > 0) {
    facts.push([t.reachable, of.reachable_on.map((one) => (
      <span key={one.channel} class="each"><ChannelMark channel={one.channel} /> {dayOf(one.last_delivered_at)}</span>
    ))])
  }
  if (of.opt_outs.length > 0) facts.push([t.optOut,
    of.opt_outs.map((one) => <OptedOut key={JSON.stringify(one)} of={one} />)])
  if (of.operator) facts.push([t.operator, <bdi key="operator">{of.operator}</bdi>])
  if (of.ported !== null) facts.push([t.ported, yes(of.ported)])
  if (of.valid !== null) facts.push([t.valid, yes(of.valid)])
  if (of.owner_changed_at !== null) facts.push([t.owner, dayOf(of.owner_changed_at)])
  return <dl class="facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
}
