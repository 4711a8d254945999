// A button with a menu. Ariakit does keys, focus and roles; what is here is how it looks.
import * as Ariakit from '@ariakit/react'
import type { ComponentChildren } from 'preact'
import { Icon, type IconName } from './icons'

export type Action =
  | { readonly label: string; readonly href: string; readonly download?: boolean; readonly checked?: undefined }
  | { readonly label: string; readonly run: () => void; readonly checked?: boolean }

export function ActionMenu({ label, icon, actions, children }: {
  label: string
  icon?: IconName
  actions: readonly Action[]
  children?: ComponentChildren
}) {
  return (
    <Ariakit.MenuProvider placement="bottom-end">
      <Ariakit.MenuButton className="button quiet" aria-label={label} title={label}>
        {children ?? <Icon name={icon ?? 'dots'} />}
      </Ariakit.MenuButton>
      <Ariakit.Menu className="pop" gutter={4} portal unmountOnHide>
        {actions.map((one) => 'href' in one
          ? (
            <Ariakit.MenuItem key={one.label} className="item"
              render={<a href={one.href} {...(one.download ? { download: '' } : {})} />}>
              {one.label}
            </Ariakit.MenuItem>
          )
          : (
            <Ariakit.MenuItem key={one.label} className="item" onClick={one.run}>
              {one.label}{one.checked ? <Icon name="check" /> : null}
            </Ariakit.MenuItem>
          ))}
      </Ariakit.Menu>
    </Ariakit.MenuProvider>
  )
}
