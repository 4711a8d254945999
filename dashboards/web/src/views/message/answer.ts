// GET /v1/messages/{id} as the page reads it.
export interface Tariff {
  readonly provider: string
  readonly operator: string
  readonly billing: string
  readonly price: string
  readonly connect_price: string | null
  readonly currency: string
  readonly valid_from: string
  readonly valid_to: string | null
}

export interface Step {
  readonly step: number
  readonly channel: string
  readonly provider: string
  /** recipient and contact are masked but for crm and admin. */
  readonly recipient: string
  readonly contact: string
  readonly country: string
  readonly campaign: string
  readonly template: string
  readonly sender: string
  readonly app: string
  readonly operator: string
  readonly traffic: string
  readonly trigger: string
  readonly attempted: boolean
  readonly machine_opened: boolean
  readonly bounced: boolean
  readonly not_billed: boolean
  readonly sent: boolean
  readonly delivered: boolean
  readonly read: boolean
  readonly clicked: boolean
  readonly replied: boolean
  readonly failed: boolean
  readonly pending: boolean
  readonly skipped: boolean
  readonly skewed: boolean
  readonly time_to_deliver: number | null
  readonly time_to_read: number | null
  readonly time_to_reply: number | null
  readonly segments: number
  readonly sms_segments: number
  readonly error_code: string
  readonly reason: string
  readonly permanent: boolean
  readonly reported_prices: readonly { readonly currency: string; readonly price: string }[]
  readonly units: number | null
  readonly cost: string | null
  readonly currency: string
  readonly tariff: Tariff | null
  readonly unpriced_reason: string
}

export interface Moment {
  readonly at: string
  readonly step: number
  readonly channel: string
  readonly status: string
}

export interface Parked {
  readonly step: number
  readonly channel: string
  readonly provider: string
  readonly status: string
  readonly occurred_at: string
  readonly parked_at: string
}

export interface Message {
  readonly message_id: string
  readonly account: string
  readonly cohort: string | null
  readonly as_of: string
  readonly delivered: boolean
  readonly read: boolean
  readonly steps: readonly Step[]
  readonly timeline: readonly Moment[]
  readonly parked: readonly Parked[]
}

/** outcomeOf is the first that holds of a step, as a list of messages has it. */
export function outcomeOf(step: Step): string {
  return (['replied', 'read', 'delivered', 'failed', 'pending', 'skipped'] as const).find((one) =>
    step[one]) ?? 'pending'
}
