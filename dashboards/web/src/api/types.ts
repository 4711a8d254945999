// Answers of the API that the page reads. Rates are JSON numbers with six decimals, money are texts.

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly errors?: readonly { readonly parameter: string; readonly reason: string }[]
}

export interface Session {
  readonly auth: 'keys' | 'off'
  readonly key_id: string | null
  readonly csrf_token: string | null
  readonly expires_at: string | null
  /** account is null for a key of all accounts. */
  readonly account: string | null
  readonly scopes: readonly string[]
}

export interface Report<Row> {
  readonly report: string
  readonly from: string
  readonly to: string
  readonly tz: string
  readonly as_of: string | null
  readonly lag_seconds: number | null
  readonly mature: boolean
  readonly rows: readonly Row[]
  readonly next_cursor: string | null
  readonly tariff_version?: number
  readonly template_version?: number
}

export type Bound = 'exact' | 'lower' | 'upper' | 'mixed' | null

/** Rate is a rate with what it was computed from and its 95 % interval. */
export type RateOf<Name extends string> = {
  readonly [K in `${Name}_rate` | `${Name}_rate_low` | `${Name}_rate_high`]: number | null
} & { readonly [K in `${Name}_num` | `${Name}_den`]: number }

type Rates = 'delivery' | 'open' | 'read_of_sent' | 'reply' | 'click' | 'delivered_1m' | 'delivered_24h' |
  'read_24h' | 'unsubscribe' | 'block' | 'complaint'
type Counts = 'attempted' | 'sent' | 'delivered' | 'read' | 'clicked' | 'replied' | 'failed' | 'pending' | 'skipped'
type Latencies = `time_to_${'deliver' | 'read' | 'reply'}_p${'50' | '90' | '99'}`

type Union<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer I) => void ? I : never

export type ChannelRow = { readonly [K in Counts]: number } & { readonly [K in Latencies]: number | null } &
  Union<{ [Name in Rates]: RateOf<Name> }[Rates]> & {
    readonly open_rate_bound: Bound
    readonly mature: boolean
    readonly account?: string
    readonly channel?: string
    readonly weekday?: number
    readonly hour_of_day?: number
    readonly day?: string
  }

export interface FailureRow {
  readonly channel: string
  readonly provider: string
  readonly reason: string
  readonly error_code: string
  readonly count: number
  readonly share_rate: number | null
  readonly share_num: number
  readonly share_den: number
}

export interface SavingsRow {
  readonly currency: string
  readonly messages: number
  readonly reached: number
  readonly read: number
  readonly unpriced: number
  readonly estimated: number
  readonly priced_messages: number
  readonly priced_reached: number
  readonly sms_segments: number
  readonly sms_only_cost: string | null
  readonly actual_cost: string | null
  readonly saved: string | null
  readonly saved_rate: number | null
  readonly saved_reached: string | null
  readonly saved_unreached: string | null
  readonly double_paid: string | null
  readonly double_paid_unread: string | null
  readonly wasted_cost: string | null
  readonly minimum_top_up: string | null
  readonly saved_after_minimum: string | null
  readonly by_channel: readonly { readonly channel: string; readonly attempts: number; readonly units: number; readonly cost: string }[]
  readonly unpriced_reasons: readonly { readonly reason: string; readonly channel: string; readonly messages: number }[]
  readonly mature: boolean
}

export interface Status {
  readonly balance: Readonly<Record<'consumed' | 'stored' | 'rejected' | 'parked' | 'in_flight' | 'empty', number>>
  readonly lag_events: number | null
  readonly disk: { readonly state: 'ok' | 'warning' | 'full' | null }
  readonly losses: { readonly broken_parts: readonly unknown[]; readonly hours: readonly unknown[] }
}

export interface UnmappedRow {
  readonly provider: string
  readonly error_code: string
  readonly channel: string
  readonly guess: string | null
  readonly count: number
}
