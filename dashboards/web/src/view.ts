// A view is a folder in views/: its index.ts says where it is and who sees it, and loads the rest when it is opened.
import type { ComponentType } from 'preact'
import type { Words } from './i18n'
import type { IconName } from './parts/icons'

export interface View {
  readonly path: string
  readonly name: keyof Words['views']
  readonly icon: IconName
  /** order is the place in the rail; a view without one is reached by links. */
  readonly order?: number
  /** scopes are those any of which sees the view; with none everybody does. */
  readonly scopes?: readonly string[]
  readonly load: () => Promise<{ readonly default: ComponentType }>
}

const found = import.meta.glob<{ view: View }>('./views/*/index.ts', { eager: true })

export const VIEWS: readonly View[] = Object.values(found).map((one) => one.view)
  .toSorted((a, b) => (a.order ?? Infinity) - (b.order ?? Infinity))

export function viewAt(path: string): View | undefined {
  const tidy = path.length > 1 ? path.replace(/\/+$/, '') : path
  return VIEWS.find((one) => one.path === tidy)
}
