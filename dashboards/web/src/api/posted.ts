// Answers to questions that are POSTs: the newest question wins, and the last answer stays until the next one is there.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Answer } from './answer'
import { Refused, send } from './client'
import type { Problem } from './types'

// While something is dragged a question is asked this often at most.
const EVERY_MS = 60

/** usePosted asks for body; nothing where it is null. It stores nothing on the server. */
export function usePosted<T>(path: string, body: string | null): Answer<T> {
  const [round, again] = useState(0)
  const [known, know] = useState<{ body: string; data?: T; at?: number; problem?: Problem | undefined }>()
  const last = useRef(0)
  useEffect(() => {
    if (body === null) return
    const stop = new AbortController()
    const timer = window.setTimeout(() => {
      last.current = Date.now()
      send<T>(path, { method: 'POST', body, signal: stop.signal }).then(
        (data) => know({ body, data, at: Date.now() }),
        (error: unknown) => {
          if (error instanceof Refused) know((before) => ({ ...before, body, problem: error.problem }))
        })
    }, Math.max(0, last.current + EVERY_MS - Date.now()))
    return () => {
      window.clearTimeout(timer)
      stop.abort()
    }
  }, [path, body, round])
  return {
    path: body === null ? null : path,
    data: known?.data,
    at: known?.at,
    stale: known?.data !== undefined && known.body !== body,
    problem: known?.problem,
    retry: () => {
      know((before) => before?.data === undefined ? undefined : { ...before, problem: undefined })
      again((n) => n + 1)
    },
  }
}
