// Ids that are used twice: messages whose events contradict one another.
import { w } from '../../i18n'
import { f } from '../../i18n/format'
import { Card } from '../../parts/card'
import { Figure, Figures } from '../../parts/figure'
import { useStatus } from './fresh'

export function Shared() {
  const t = w().quality
  const answer = useStatus()
  return (
    <Card
      id="shared"
      title={t.sharedTitle}
      answer={answer}
      files={false}
      chart={(data) => (
        <>
          <Figures>
            <Figure name={t.shared} value={f.value.count(data.shared_messages)} of={t.sharedOf} />
            <Figure name={t.split} value={f.value.count(data.split_messages)} of={t.splitOf} />
          </Figures>
          <p class="sentence">{data.shared_messages + data.split_messages === 0 ? t.sharedNone : t.sharedHow}</p>
        </>
      )}
    />
  )
}
