import { may } from '../api/client'
import { w } from '../i18n'
import { Icon } from '../parts/icons'
import { ActionMenu } from '../parts/menu'
import { toView } from '../state/scope'
import { go, url } from '../state/url'
import { VIEWS, viewAt } from '../view'

// The bar at the bottom of a phone has room for as many; the others are behind "more".
const IN_BAR = 4

export function Rail() {
  const here = viewAt(url.value.pathname)
  const seen = VIEWS.filter((one) => one.order !== undefined && (!one.scopes || may(...one.scopes)))
  return (
    <nav class="rail" aria-label={w().shell.main}>
      <span class="brand" aria-hidden="true">{w().title}</span>
      {seen.map((one, i) => (
        <a key={one.path} href={toView(one.path)} class={i < IN_BAR ? 'place' : 'place late'}
          aria-current={one === here ? 'page' : undefined} title={w().views[one.name]}>
          <Icon name={one.icon} />
          <span>{w().views[one.name]}</span>
        </a>
      ))}
      {seen.length > IN_BAR
        ? (
          <div class="place more">
            <ActionMenu label={w().shell.more} actions={seen.slice(IN_BAR).map((one) => ({
              label: w().views[one.name], run: () => go(toView(one.path)),
            }))}>
              <Icon name="dots" /><span>{w().shell.more}</span>
            </ActionMenu>
          </div>
        )
        : null}
    </nav>
  )
}
