// What is known of numbers, as sentences.
import { w } from '../../i18n'
import { f, NONE } from '../../i18n/format'
import { reasonName } from '../../parts/names'
import { dateIn } from '../../state/period'
import { scope } from '../../state/scope'
import { RULES, STATES, type Rule, type State, type Verdict } from './types'

// The classes of which one failure more makes a number dead (GET /v1/definitions); all others are soft.
const HARD = ['unknown_subscriber', 'not_sms_capable', 'deactivated', 'invalid_format', 'no_mailbox']

/** dayOf is a moment's day in the zone of the page. */
export function dayOf(moment: string | null): string {
  return moment === null ? NONE : f.value.date(dateIn(scope.value.tz, new Date(moment)))
}

export function stateName(state: string): string {
  const known: State | undefined = STATES.find((one) => one === state)
  return known ? w().numbers.states[known] : state
}

export function ruleName(rule: string): string {
  const known: Rule | undefined = RULES.find((one) => one === rule)
  return known ? w().numbers.rules[known] : rule
}

type Evidence = Pick<Verdict, 'rule' | 'since' | 'reasons' | 'failed_mailings' | 'first_failed_at'>

/** reasonsOf are the classes of what has failed, the most frequent first. */
export function reasonsOf(of: Pick<Verdict, 'reasons'>): string {
  return Object.entries(of.reasons).toSorted(([, a], [, b]) => b - a)
    .map(([reason, count]) => count > 1 ? w().numbers.times(reasonName(reason), count) : reasonName(reason)).join(', ')
}

/** evidence says in words why a number is what it is. */
export function evidence(of: Evidence): string {
  const t = w().numbers
  if (of.rule === 'override') return t.byHand(dayOf(of.since))
  if (of.rule === 'deactivated' || of.rule === 'invalid_format') return t.whyTold(reasonName(of.rule), dayOf(of.since))
  const failures = Object.values(of.reasons).reduce((sum, count) => sum + count, 0)
  if (failures === 0 || of.first_failed_at === null) return ''
  const hard = Object.keys(of.reasons).every((reason) => HARD.includes(reason))
  return `${t.why(failures, hard, of.failed_mailings, dayOf(of.first_failed_at))}: ${reasonsOf(of)}`
}
