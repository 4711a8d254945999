// A figure with what it is, what it is of, and what it was before.
import type { ComponentChildren } from 'preact'
import { w } from '../i18n'

export function Figures({ children }: { children: ComponentChildren }) {
  return <dl class="figures">{children}</dl>
}

export function Figure({ name, value, of, before, main = false }: {
  name: string
  value: ComponentChildren
  of?: ComponentChildren
  before?: string | undefined
  main?: boolean
}) {
  return (
    <div class={main ? 'main' : ''}>
      <dt>{name}</dt>
      <dd class={main ? 'headline' : 'figure-20'}>{value}</dd>
      {of ? <dd class="muted">{of}</dd> : null}
      {before ? <dd class="muted">{w().card.previous(before)}</dd> : null}
    </div>
  )
}
