// How many numbers are dead, and why, in words.
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { Figure, Figures } from '../../parts/figure'
import { toQuery } from '../../state/url'
import { None, useCounts, useEdits } from './parts'
import { type CountRow, STATES } from './types'
import { ruleName } from './words'

function sum(rows: readonly CountRow[]): number {
  return rows.reduce((all, row) => all + row.numbers, 0)
}

export function Dead() {
  const t = w().numbers
  const answer = useEdits(useCounts())
  return (
    <Card id="dead" lines={14} title={t.dead} answer={answer} none={<None text={t.none} />}
      chart={(data) => <Counts rows={data.rows} />}
      sentence={(data) => {
        const dead = data.rows.filter((row) => row.kind === 'phone' && row.state === 'dead')
        const [most] = dead.toSorted((a, b) => b.numbers - a.numbers)
        return most ? t.deadWord(sum(dead), ruleName(most.rule)) : t.noDead
      }} />
  )
}

function Counts({ rows }: { rows: readonly CountRow[] }) {
  const t = w().numbers
  const phones = rows.filter((row) => row.kind === 'phone')
  const mails = rows.filter((row) => row.kind === 'email')
  const dead = phones.filter((row) => row.state === 'dead').toSorted((a, b) => b.numbers - a.numbers)
  const most = Math.max(1, ...dead.map((row) => row.numbers))
  const deadOf = (of: readonly CountRow[]): string => f.value.count(sum(of.filter((row) => row.state === 'dead')))
  return (
    <>
      <Figures>
        <Figure main name={t.deadNumbers} value={deadOf(phones)} of={t.ofKnown(sum(phones))} />
      </Figures>
      {dead.length > 0
        ? (
          <ul class="lines reasons" aria-label={t.rule}>
            {dead.map((row) => (
              <li key={row.rule}>
                <a href={`${toQuery({ rule: row.rule, kind: null })}#list`}>{ruleName(row.rule)}</a>
                <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                  <rect width={100 * row.numbers / most} height="8" />
                </svg>
                <b>{f.value.count(row.numbers)}</b>
              </li>
            ))}
          </ul>
        )
        : null}
      <Figures>
        {STATES.filter((state) => state !== 'dead' && phones.some((row) => row.state === state)).map((state) => (
          <Figure key={state} name={t.states[state]}
            value={f.value.count(sum(phones.filter((row) => row.state === state)))} of={t.told[state]} />
        ))}
        {mails.length > 0 ? <Figure name={t.deadEmails} value={deadOf(mails)} of={t.ofKnown(sum(mails))} /> : null}
      </Figures>
    </>
  )
}
