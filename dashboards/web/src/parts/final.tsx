// Until when figures may still move: receipts come for some days after the last message, longer on some channels.
import { useAnswer } from '../api/answer'
import type { Definitions } from '../api/types'
import { w } from '../i18n'
import { f } from '../i18n/format'
import { clock, scope } from '../state/scope'
import { Why } from './why'

/** NotFinal says until when figures of messages before `to` may move at the latest. */
export function NotFinal({ to }: { to: string | undefined }) {
  const t = w().card
  const { data } = useAnswer<Definitions>('/v1/definitions')
  const channels = scope.value.filters.channel
  const days = Math.max(0, ...(data?.routes ?? []).filter((one) => !channels || channels.includes(one.channel))
    .map((one) => one.settling_days))
  const last = Math.min(to ? Date.parse(to) : Infinity, clock.value.getTime())
  return (
    <Why text={t.notFinalWhy}>
      <span class="hatched-word">
        {days > 0 ? t.notFinalUntil(f.value.date(new Date(last + days * 86_400_000).toISOString())) : t.notFinal}
      </span>
    </Why>
  )
}
