// What one day of the demo has too little of: numbers that are dead, by each rule. They are of days before it.
import type { Service } from './service'

/** NUMBERS are those of the account of the keys: as many are dead by each rule, and one is suspect. */
export const NUMBERS = { hard: 6, soft: 3, invalid_format: 2, suspect: '+79994000000' } as const

interface Event {
  readonly [name: string]: string | number | boolean
}

/** sms are the events of an SMS that failed by a code, or arrived where there is none. */
function sms(recipient: string, date: string, campaign: string, code: string): readonly Event[] {
  const base = { account: 'lavka', message_id: `${date}-${recipient}`, submitted_at: `${date}T09:00:00Z`, channel: 'sms',
    provider: 'infobip', recipient, campaign, segments: 1, sms_segments: 1 }
  const outcome = code === '' ? 'delivered' : 'failed'
  return [{ ...base, status: 'sent', occurred_at: `${date}T09:00:00Z` },
    { ...base, status: outcome, error_code: code, occurred_at: `${date}T09:05:00Z` }]
}

function events(): readonly Event[] {
  const found: Event[] = []
  for (let i = 0; i < NUMBERS.hard; i++) {
    const number = `+7999100000${i}`
    found.push(...sms(number, '2026-11-02', 'Осенняя <b>распродажа</b> 🍂', '1'),
      ...sms(number, '2026-11-04', 'Скидки', '1'), ...sms(number, '2026-11-06', 'Новинки', '1'))
  }
  for (let i = 0; i < NUMBERS.soft; i++) {
    const days = ['2026-10-12', '2026-10-16', '2026-10-20', '2026-10-26', '2026-11-03']
    found.push(...days.flatMap((day) => sms(`+7999200000${i}`, day, `of ${day}`, '6')))
  }
  for (let i = 0; i < NUMBERS.invalid_format; i++) {
    found.push({ account: 'lavka', status: 'lookup', recipient: `+7999300000${i}`, valid: false,
      occurred_at: '2026-11-05T10:00:00Z' })
  }
  return [...found, ...sms(NUMBERS.suspect, '2026-11-05', 'Скидки', '1')]
}

/** tellOfNumbers sends the events, and waits until their verdicts are there. */
export async function tellOfNumbers({ base, keys }: Service): Promise<void> {
  const headers = { Authorization: `Bearer ${keys['all']}` }
  const answer = await fetch(`${base}/v1/events`, { method: 'POST',
    headers: { ...headers, 'Content-Type': 'application/x-ndjson' },
    body: events().map((one) => JSON.stringify(one)).join('\n') })
  if (answer.status !== 202) throw new Error(`send events of numbers: ${answer.status} ${await answer.text()}`)
  const wanted = NUMBERS.hard + NUMBERS.soft + NUMBERS.invalid_format + 1
  for (let tries = 0; tries < 300; tries++) {
    const counts = await fetch(`${base}/v1/numbers/counts?account=lavka`, { headers })
    const { rows } = (await counts.json()) as { rows: { state: string; rule: string; numbers: number }[] }
    const one = await fetch(`${base}/v1/numbers/${encodeURIComponent(NUMBERS.suspect)}?account=lavka`, { headers })
    const { state } = (await one.json()) as { state: string }
    const dead = rows.filter((row) => row.state === 'dead').reduce((sum, row) => sum + row.numbers, 0)
    if (dead + (state === 'suspect' ? 1 : 0) >= wanted) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error('the numbers of the tests have no verdicts after a minute')
}
