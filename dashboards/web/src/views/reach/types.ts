/** PenetrationRow is who was tried and reached on a channel, of all people of the period. */
export interface PenetrationRow {
  readonly channel: string
  readonly audience: number
  readonly tested: number
  readonly reached: number
  readonly penetration: number | null
  readonly penetration_low: number | null
  readonly penetration_high: number | null
  readonly tested_share: number | null
  readonly messages: number
  readonly messages_movable: number
  readonly message_penetration: number | null
  readonly mature: boolean
}

/** OverlapRow are the people that the same channels reach. */
export interface OverlapRow {
  /** channels are names with commas, '' for none. */
  readonly channels: string
  readonly people: number
  readonly audience: number
  readonly share: number | null
  readonly share_low: number | null
  readonly share_high: number | null
}

export interface BestCount {
  readonly channel: string
  readonly evidence: 'read' | 'delivered'
  readonly people: number
  readonly unpriced: number
}
