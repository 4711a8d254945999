// What a component knows of an answer: the answer, or the last one while a new one is on its way, or what went wrong.
import { useEffect, useRef, useState } from 'preact/hooks'
import { ask, lastAnswer, Refused, type Kept } from './client'
import type { Problem } from './types'

export interface Answer<T> {
  readonly path: string | null
  /** data may be that of the last question: then it is stale. */
  readonly data: T | undefined
  readonly at: number | undefined
  readonly stale: boolean
  readonly problem: Problem | undefined
  readonly retry: () => void
}

// An answer younger than this is not asked for again when a view is opened again.
const FRESH_MS = 15_000

/**
 * useAnswer asks for a path, and for nothing where it is null. What is asked after another answer waits until that is
 * there and drawn, so that what a view is about does not share the processor with what stands below; without it, its
 * error is what is wrong.
 */
export function useAnswer<T>(path: string | null, after?: Answer<unknown>): Answer<T> {
  const early = after !== undefined && (after.data === undefined || after.stale)
  const [, redraw] = useState(0)
  const [round, again] = useState(0)
  const shown = useRef<{ path: string; kept: Kept<T> } | undefined>(undefined)
  const problem = useRef<{ path: string; problem: Problem } | undefined>(undefined)
  const known = path === null ? undefined : lastAnswer<T>(path)
  if (path !== null && known) shown.current = { path, kept: known }

  useEffect(() => {
    if (path === null || early) return
    if (round === 0 && known && Date.now() - known.at < FRESH_MS) return
    const { answer, leave } = ask<T>(path)
    let wanted = true
    answer.then((kept) => {
      if (!wanted) return
      shown.current = { path, kept }
      problem.current = undefined
      redraw((n) => n + 1)
    }, (error: unknown) => {
      if (!wanted || (error instanceof DOMException && error.name === 'AbortError')) return
      problem.current = { path, problem: error instanceof Refused ? error.problem : unexpected(error) }
      redraw((n) => n + 1)
    })
    return () => {
      wanted = false
      leave()
    }
  }, [path, round, early])

  const last = shown.current
  const before = early ? after.problem : undefined
  return {
    path,
    data: path === null ? undefined : last?.kept.data,
    at: last?.kept.at,
    stale: last !== undefined && last.path !== path,
    problem: before ?? (problem.current?.path === path ? problem.current?.problem : undefined),
    retry: before && after ? after.retry : () => {
      problem.current = undefined
      again((n) => n + 1)
    },
  }
}

function unexpected(error: unknown): Problem {
  return { type: 'urn:kaskad:problem:page', title: '', status: 0, detail: String(error) }
}
