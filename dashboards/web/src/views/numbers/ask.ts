// Asking about a list through the API, in as many requests as its limits make of it.
import { send } from '../../api/client'
import { pathOf } from '../../api/paths'
import { account } from './parts'
import type { CheckedRow } from './types'

// One request may ask about as many numbers, and its body may have 2 MiB.
const MOST_NUMBERS = 10_000
const MOST_CHARACTERS = 600_000

/** inTurns cuts a list into what one request may ask about. */
export function inTurns(numbers: readonly string[]): readonly (readonly string[])[] {
  const turns: string[][] = []
  let size = Infinity
  for (const number of numbers) {
    const last = turns.at(-1)
    if (!last || last.length >= MOST_NUMBERS || size + number.length + 3 > MOST_CHARACTERS) {
      turns.push([number])
      size = number.length + 3
    } else {
      last.push(number)
      size += number.length + 3
    }
  }
  return turns
}

/** askAbout asks about numbers, and tells after each request what has come. */
export async function askAbout(numbers: readonly string[], stop: AbortSignal,
  told: (rows: readonly CheckedRow[]) => void): Promise<void> {
  const path = pathOf('/v1/numbers/check', { account: account() })
  for (const turn of inTurns(numbers)) {
    const { rows } = await send<{ rows: readonly CheckedRow[] }>(path,
      { method: 'POST', body: JSON.stringify({ numbers: turn }), signal: stop }, true)
    told(rows)
  }
}
