// What is wrong with how a page looks: what is cut, what lies on something else, what sticks out.
import type { Page } from 'playwright-core'

export async function faultsOfLooks(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const faults: string[] = []
    const root = document.documentElement
    if (root.scrollWidth > root.clientWidth) faults.push(`the page is ${root.scrollWidth} px wide in ${root.clientWidth}`)
    const seen = (element: Element): boolean => element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    const scrolls = (element: Element): boolean => element.closest('.scroll, .heat-scroll, .pop') !== null
    interface Piece { readonly text: string; readonly box: DOMRect; readonly of: Element }
    const pieces: Piece[] = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement
      const text = node.textContent?.trim() ?? ''
      if (!element || !text || element.closest('.unseen, .skip, noscript, svg') || !seen(element)) continue
      // What the rail folds away is read by screen readers alone.
      if (getComputedStyle(element).clipPath !== 'none') continue
      const range = document.createRange()
      range.selectNodeContents(node)
      const box = range.getBoundingClientRect()
      if (box.width < 1 || box.height < 1) continue
      pieces.push({ text: text.slice(0, 40), box, of: element })
      let clipped = false
      for (let up: Element | null = element; up && up !== document.body; up = up.parentElement) {
        const style = getComputedStyle(up)
        if (style.overflowX !== 'hidden' && style.overflowX !== 'clip') continue
        clipped = true
        if (up.scrollWidth > up.clientWidth + 1) faults.push(`cut: ${text.slice(0, 60)}`)
        break
      }
      if (!clipped && !scrolls(element) && (box.right > root.clientWidth + 1 || box.left < -1)) faults.push(`sticks out: ${text.slice(0, 60)}`)
    }
    const fixed = (element: Element): boolean => {
      for (let up: Element | null = element; up; up = up.parentElement) {
        const position = getComputedStyle(up).position
        if (position === 'fixed' || position === 'sticky') return true
      }
      return false
    }
    pieces.sort((a, b) => a.box.top - b.box.top)
    const still = pieces.filter((one) => !fixed(one.of) && !scrolls(one.of))
    for (const [i, a] of still.entries()) {
      for (const b of still.slice(i + 1)) {
        if (b.box.top > a.box.bottom) break
        const width = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left)
        const height = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top)
        if (width > 3 && height > 5 && a.of !== b.of && !a.of.contains(b.of) && !b.of.contains(a.of)) {
          faults.push(`overlap: ${a.text} | ${b.text}`)
        }
      }
    }
    return [...new Set(faults)].slice(0, 20)
  })
}

/** textOf is what the page says in its own words, names from data and what is marked as English aside. */
export async function textOf(page: Page): Promise<string> {
  return page.evaluate(() => {
    const parts: string[] = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement
      if (element && !element.closest('bdi, code, noscript, body [lang]')) parts.push(node.textContent ?? '')
    }
    for (const element of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
      if (element.closest('bdi') || element.querySelector('bdi')) continue
      for (const name of ['aria-label', 'title', 'placeholder']) parts.push(element.getAttribute(name) ?? '')
    }
    return parts.join(' \n ')
  })
}
