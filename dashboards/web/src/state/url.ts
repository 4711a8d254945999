// The address is the state: whatever can be asked can be linked.
import { signal } from '@preact/signals'

export const url = signal(new URL(window.location.href))

window.addEventListener('popstate', () => {
  url.value = new URL(window.location.href)
})

export type Params = Record<string, string | readonly string[] | null>

/** with returns the address with parameters changed: null takes one away. */
export function withParams(from: URL, change: Params): URL {
  const to = new URL(from)
  for (const [name, value] of Object.entries(change)) {
    to.searchParams.delete(name)
    if (value === null) continue
    for (const one of typeof value === 'string' ? [value] : value) to.searchParams.append(name, one)
  }
  return to
}

/** go opens an address of this page. How a table is sorted replaces the entry in the history; a filter adds one. */
export function go(to: URL | string, how: 'push' | 'replace' = 'push'): void {
  const next = new URL(to, url.value)
  if (next.href === url.value.href) return
  if (how === 'replace') window.history.replaceState(null, '', next)
  else window.history.pushState(null, '', next)
  url.value = next
}

export function setParams(change: Params, how: 'push' | 'replace' = 'push'): void {
  go(withParams(url.value, change), how)
}

/** toQuery is this address with parameters changed, for a link. */
export function toQuery(change: Params): string {
  const to = withParams(url.value, change)
  return to.pathname + to.search
}

/** follow makes a click on a link of this page a change of state, and leaves other clicks to the browser. */
export function follow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return
  const link = event.target instanceof Element ? event.target.closest('a') : null
  if (!link || link.target || link.hasAttribute('download') || link.origin !== window.location.origin) return
  if (link.pathname.startsWith('/v1/') || link.pathname.startsWith('/docs')) return
  // Within the view the browser goes there by itself, with the focus.
  if (link.hash && link.pathname === window.location.pathname && link.search === window.location.search) return
  event.preventDefault()
  go(link.href)
  if (!link.hash) window.scrollTo(0, 0)
}
