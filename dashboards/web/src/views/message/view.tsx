// One message: what happened when, on which step, for how much, and what else is known of it.
import { useAnswer } from '../../api/answer'
import { may } from '../../api/client'
import { pathOf } from '../../api/paths'
import { w } from '../../i18n'
import { scope } from '../../state/scope'
import { url } from '../../state/url'
import { Find } from '../campaigns/find'
import type { Message } from './answer'
import { Details } from './details'
import { Happened } from './happened'
import { Waits } from './waits'

export default function MessageView() {
  const id = url.value.searchParams.get('id') ?? ''
  const answer = useAnswer<Message>(id ? pathOf(`/v1/messages/${encodeURIComponent(id)}`,
    { account: scope.value.account || undefined }) : null)
  const { problem } = answer
  if (!id || problem?.status === 404 || problem?.status === 400) {
    return (
      <div class="cards">
        {id ? <Missing id={id} several={problem?.status === 400} /> : null}
        <Find />
      </div>
    )
  }
  const message = answer.stale ? undefined : answer.data
  return (
    <div class="cards">
      <Happened answer={answer} />
      {message && message.parked.length > 0 ? <Waits rows={message.parked} /> : null}
      {message ? <Details message={message} money={may('analyst')} /> : null}
    </div>
  )
}

// What has no such message, or several: then the account says which one is meant.
function Missing({ id, several }: { id: string; several: boolean }) {
  const t = w().message
  return (
    <section class="card wide" id="missing" aria-labelledby="missing-title">
      <header><h2 id="missing-title">{several ? t.several : t.missing}</h2></header>
      <p><code><bdi>{id}</bdi></code></p>
      <p class="muted">{several ? t.severalHow : t.missingHow}</p>
    </section>
  )
}
