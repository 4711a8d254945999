// One way to the API: requests that are the same share an answer, and answers are kept to be shown again at once.
import { signal } from '@preact/signals'
import type { Problem, Session } from './types'

/** Refused is an answer of the API that is an error, or none at all: then its status is 0. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail)
  }
}

/** session is undefined until the server has said who asks, and null where a key is needed. */
export const session = signal<Session | null | undefined>(undefined)

/** over tells that a session has ended by itself, in the middle of something. */
export const over = signal(false)

const AWAY: Problem = { type: 'urn:kaskad:problem:away', title: '', status: 0, detail: '' }
const TRIES = 3
// A busy server is asked again by itself where it wants that so soon; for longer, who looks is told and decides.
const MOST_WAIT_S = 10

async function problemOf(answer: Response): Promise<Problem> {
  try {
    return (await answer.json()) as Problem
  } catch {
    return { ...AWAY, status: answer.status } // of something between the page and the server
  }
}

/** whole reads an answer. One that breaks off is none. */
async function whole<T>(answer: Response): Promise<T> {
  try {
    return (await answer.json()) as T
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new Refused(AWAY)
  }
}

function pause(seconds: number, stop?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = window.setTimeout(resolve, seconds * 1000)
    stop?.addEventListener('abort', () => {
      window.clearTimeout(timer)
      reject(new DOMException('', 'AbortError'))
    })
  })
}

// When a busy server wants questions again, by question. Whoever asks the same meanwhile waits as well: a card that is
// drawn anew asks anew.
const again = new Map<string, number>()

async function untilWanted(question: string, stop?: AbortSignal): Promise<void> {
  const left = (again.get(question) ?? 0) - performance.now()
  if (left > 0) await pause(left / 1000, stop)
  again.delete(question)
}

/**
 * send asks the API. A busy server says when to come again; a request that is repeatable, for it stores nothing, is
 * sent again then.
 */
export async function send<T>(path: string, init: RequestInit = {},
  repeatable = (init.method ?? 'GET') === 'GET'): Promise<T> {
  const headers = new Headers(init.headers)
  headers.set('Accept', 'application/json')
  const method = init.method ?? 'GET'
  if (init.body !== undefined && !headers.has('Content-Type')) headers.set('Content-Type', 'application/json')
  const token = session.value?.csrf_token
  if (method !== 'GET' && token) headers.set('X-CSRF-Token', token)
  const question = `${method} ${path}`
  for (let tries = 1; ; tries++) {
    if (repeatable) await untilWanted(question, init.signal ?? undefined)
    let answer: Response
    try {
      // How long a question may take the server decides, which ends it by itself.
      answer = await fetch(path, { ...init, headers, credentials: 'same-origin' })
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') throw error
      throw new Refused(AWAY)
    }
    if (answer.status === 204) return undefined as T
    if (answer.ok) return await whole<T>(answer)
    const after = Number(answer.headers.get('Retry-After'))
    const busy = answer.status === 429 || answer.status === 503
    if (repeatable && busy && after > 0 && after <= MOST_WAIT_S && tries < TRIES) {
      again.set(question, performance.now() + after * 1000)
      continue
    }
    if (answer.status === 401) {
      if (session.value) over.value = true
      session.value = null
    }
    const problem = await problemOf(answer)
    throw new Refused(busy && after > 0 ? { ...problem, after } : problem)
  }
}

export async function openSession(): Promise<void> {
  try {
    session.value = await send<Session>('/v1/session')
  } catch (error) {
    if (error instanceof Refused && error.problem.status === 401) session.value = null
    else throw error
  }
}

export async function signIn(key: string): Promise<void> {
  const begun = await send<Session>('/v1/session', { method: 'POST', body: JSON.stringify({ key }) })
  kept.clear() // another key may see other things
  over.value = false
  session.value = begun
}

export async function signOut(): Promise<void> {
  await send('/v1/session', { method: 'DELETE' })
  kept.clear()
  session.value = null
}

/** may tells whether who asks has one of the scopes. An admin may everything, and so does whoever needs no key. */
export function may(...scopes: readonly string[]): boolean {
  const s = session.value
  if (!s) return false
  return s.auth === 'off' || s.scopes.includes('admin') || scopes.some((one) => s.scopes.includes(one))
}

export interface Kept<T> {
  readonly data: T
  /** at is when it came, by this machine's clock. */
  readonly at: number
}

// The answers of this page, the oldest first; enough for going back and forth.
const MOST_KEPT = 200
const kept = new Map<string, Kept<unknown>>()

export function lastAnswer<T>(path: string): Kept<T> | undefined {
  return kept.get(path) as Kept<T> | undefined
}

/** keepAnswer makes what was stored the answer to a question, as if it had been asked again. */
export function keepAnswer<T>(path: string, data: T): Kept<T> {
  const one = { data, at: Date.now() }
  kept.delete(path)
  kept.set(path, one)
  for (const oldest of kept.keys()) {
    if (kept.size <= MOST_KEPT) break
    kept.delete(oldest)
  }
  return one
}

interface Flight {
  readonly answer: Promise<Kept<unknown>>
  readonly stop: AbortController
  users: number
}
const flights = new Map<string, Flight>()

/** ask gets an answer once for all who want it at the same time. leave ends the request when nobody wants it any more. */
export function ask<T>(path: string): { answer: Promise<Kept<T>>; leave: () => void } {
  let flight = flights.get(path)
  if (!flight) {
    const stop = new AbortController()
    const answer = send<T>(path, { signal: stop.signal }).then((data) => {
      return keepAnswer(path, data)
    }).finally(() => {
      if (flights.get(path)?.stop === stop) flights.delete(path)
    })
    answer.catch(() => undefined) // whoever waits handles it; nobody may be waiting any more
    flight = { answer, stop, users: 0 }
    flights.set(path, flight)
  }
  const mine = flight
  mine.users++
  return {
    answer: mine.answer as Promise<Kept<T>>,
    leave: () => {
      if (--mine.users > 0) return
      if (flights.get(path) === mine) flights.delete(path)
      mine.stop.abort()
    },
  }
}
