// Answers about numbers. Money are texts.

export const STATES = ['dead', 'suspect', 'revived', 'active', 'unknown', 'quarantined'] as const
export type State = (typeof STATES)[number]
export const RULES = ['hard', 'soft', 'deactivated', 'invalid_format', 'override'] as const
export type Rule = (typeof RULES)[number]

export interface CountRow {
  readonly kind: 'phone' | 'email'
  readonly state: State
  readonly rule: Rule | ''
  readonly numbers: number
}

export interface OptOut {
  readonly channel: string
  readonly app: string
  readonly sender: string
  readonly kind: string
  readonly since: string
}

export interface Verdict {
  readonly account: string
  readonly number: string
  readonly since: string | null
  readonly rule: Rule | ''
  readonly reasons: Readonly<Record<string, number>>
  readonly last_delivered_at: string | null
  readonly last_failed_at: string | null
  readonly failed_mailings: number
  readonly failed_days: number
  readonly wasted_cost: string | null
  readonly currency: string
  readonly first_failed_at: string | null
  readonly possible_reassignment: boolean
  readonly operator: string
  readonly ported: boolean | null
  readonly valid: boolean | null
  readonly owner_changed_at: string | null
  readonly guessed: number
  readonly reachable_on: readonly { readonly channel: string; readonly last_delivered_at: string }[]
  readonly opt_outs: readonly OptOut[]
}

export interface OneNumber extends Verdict {
  readonly state: State
  readonly override: { readonly state: State; readonly why: string; readonly at: string; readonly by: string } | null
  readonly as_of: string | null
}

export interface List<Row> {
  readonly as_of: string | null
  readonly lag_seconds: number | null
  readonly rows: readonly Row[]
  readonly next_cursor: string | null
}

export interface ChangeRow {
  readonly account: string
  readonly number: string
  readonly from: State
  readonly to: State
  readonly at: string | null
  readonly rule: Rule | ''
  readonly seen_at: string | null
  readonly seq: number
}

export interface AudienceRow {
  readonly account: string
  readonly recipient: string
  readonly contact: string
  readonly channel: string
  readonly app: string
  readonly since: string
}

export interface DeadSpendRow {
  readonly rule?: Rule
  readonly currency: string
  readonly attempts: number
  readonly unpriced: number
  readonly cost: string
  readonly delivered: number
  readonly avoidable_cost: string
}

export type CheckedRow =
  | { readonly number: string; readonly error: string; readonly state?: undefined }
  | { readonly number: string; readonly error?: undefined; readonly state: State; readonly rule: Rule | '';
      readonly since: string | null; readonly opt_outs: readonly OptOut[] }
