// Who works by keys always has a place on the page. Where the element that had the focus is taken away, such as a
// chip, "try again" or a view, what stood around it gets the focus; where it is only busy, it gets it back afterwards.

const PLACES = 'section, form, [role="dialog"], [role="group"], main'

// Dialogs and menus that close give the focus back by themselves: they come first.
const QUIET_MS = 100

function able(element: Element): boolean {
  return element.isConnected && !element.matches(':disabled')
}

function ancestors(of: Element): readonly HTMLElement[] {
  const found: HTMLElement[] = []
  for (let up = of.parentElement; up; up = up.parentElement) found.push(up)
  return found
}

/** keepFocus begins to watch a page that is drawn in root; dialogs and menus stand beside it. */
export function keepFocus(root: HTMLElement): void {
  let held: HTMLElement | undefined
  let lent: HTMLElement | undefined
  let around: readonly HTMLElement[] = []
  let within: readonly HTMLElement[] = []
  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof HTMLElement) || target === lent) return
    held = target
    const own = ancestors(target)
    if (root.contains(target)) within = [target, ...own]
    around = [...own, ...within]
  })
  // Who leaves by himself is not brought back.
  document.addEventListener('focusout', ({ target }) => {
    queueMicrotask(() => {
      if (held === target && able(held)) held = undefined
    })
  })
  const look = (): void => {
    const now = document.activeElement
    if (!held || (now !== document.body && now !== lent)) return
    // What a menu or a dialog was opened by comes before what is around it.
    const place = around.find((one) => able(one) && (one === within[0] || one.matches(PLACES)))
      ?? document.getElementById('content')
    const to = able(held) ? held : place
    if (!to || to === now) return
    lent = to === held ? undefined : to
    if (lent?.matches(PLACES) && !lent.hasAttribute('tabindex')) lent.tabIndex = -1
    to.focus({ preventScroll: true })
  }
  let timer = 0
  new MutationObserver(() => {
    window.clearTimeout(timer)
    timer = window.setTimeout(look, QUIET_MS)
  }).observe(document.body, { childList: true, subtree: true, attributeFilter: ['disabled'] })
}
