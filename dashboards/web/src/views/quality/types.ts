// Answers that this view alone reads.

export interface FullStatus {
  readonly kafka: { readonly topic: string; readonly dead_letter_topic: string }
  readonly balance: Readonly<Record<'consumed' | 'stored' | 'rejected' | 'parked' | 'in_flight' | 'empty', number>>
  readonly lag_events: number | null
  readonly lag_seconds: number | null
  readonly as_of: string | null
  readonly pending_buckets: number
  readonly pending_numbers: number
  readonly split_messages: number
  readonly shared_messages: number
  readonly disk: {
    readonly free_bytes: number
    readonly total_bytes: number
    readonly state: 'ok' | 'warning' | 'full'
  } | null
  readonly losses: {
    readonly broken_parts: readonly { readonly table: string; readonly part: string }[]
    readonly hours: readonly {
      readonly account: string
      readonly hour: string
      readonly published: number
      readonly found: number
    }[]
    readonly rereading: number
  }
  readonly audit: { readonly hours: number; readonly at: string | null; readonly differences: number }
}

export interface ReasonRow {
  readonly reason: string
  readonly field: string
  readonly letters: number
  readonly replayed: number
  readonly first_at: string
  readonly last_at: string
}

export interface Letter {
  readonly reason: string
  readonly field: string
  readonly error: string
  readonly raw: string
  readonly encoding?: 'base64'
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly line: number
  readonly at: string
  readonly replayed_at: string | null
}

export interface List<Row> {
  readonly rows: readonly Row[]
  readonly next_cursor: string | null
}

export interface Replayed {
  readonly sent: number
  readonly refused: number
  readonly already: number
  readonly remaining: number
  readonly next_cursor: string | null
}
