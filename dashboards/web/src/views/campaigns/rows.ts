// Answers of the API that these views read.
import type { Bound, RateOf, SavingsRow } from '../../api/types'

type Counts = 'attempted' | 'sent' | 'delivered' | 'read' | 'clicked' | 'replied' | 'failed' | 'pending' | 'skipped'

export type GroupRow = { readonly [K in Counts]: number } & RateOf<'delivery'> & RateOf<'open'> & RateOf<'click'> &
  RateOf<'reply'> & {
    readonly account?: string
    readonly campaign: string
    readonly first_at: string | null
    readonly open_rate_bound: Bound
    readonly mature: boolean
  }

export type CostRow = SavingsRow & { readonly account?: string; readonly campaign: string }

export interface MessageRow {
  readonly account: string
  readonly message_id: string
  readonly submitted_at: string
  /** recipient and contact are masked but for crm and admin. */
  readonly recipient: string
  readonly contact: string
  readonly campaign: string
  readonly template: string
  readonly path: string
  readonly state: string
  readonly reached_by: string
  readonly sent_at: string | null
  readonly delivered_at: string | null
  readonly read_at: string | null
  readonly replied_at: string | null
  readonly failed_at: string | null
  readonly reason: string
  readonly error_code: string
  readonly cost: string | null
  readonly currency: string
  readonly unpriced_reason: string
}

/** STATES are what may have become of a message; the first that holds is its state. */
export const STATES = ['replied', 'read', 'delivered', 'failed', 'pending', 'skipped'] as const
