// The question that the overview asks, which several of its cards share.
import { useAnswer, type Answer } from '../../api/answer'
import { before, reportPath } from '../../api/paths'
import type { Overview } from '../../api/types'
import { scope } from '../../state/scope'

/** useFirst is GET /v1/overview of the period, and of the one before where they are compared. */
export function useFirst(): { now: Answer<Overview>; was: Overview | undefined } {
  const s = scope.value
  const now = useAnswer<Overview>(reportPath('overview', s))
  const earlier = useAnswer<Overview>(s.compare ? reportPath('overview', before(s)) : null)
  return { now, was: s.compare ? earlier.data : undefined }
}
