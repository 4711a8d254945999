// The spot that an address names, also where cards above it are still growing.
import { useEffect } from 'preact/hooks'
import { url } from '../state/url'

// Cards have what they asked for by then.
const GROWING_MS = 4000
const MOVES = ['wheel', 'touchmove', 'keydown', 'pointerdown'] as const

/** useSpot keeps the element of the address's hash in sight until the page has loaded, or somebody moves. */
export function useSpot(): void {
  const id = url.value.hash.slice(1)
  useEffect(() => {
    const main = document.getElementById('content')
    if (!id || !main) return
    const show = (): void => document.getElementById(id)?.scrollIntoView({ block: 'start' })
    const growing = new ResizeObserver(show)
    const end = (): void => {
      growing.disconnect()
      window.clearTimeout(timer)
      for (const move of MOVES) window.removeEventListener(move, end)
    }
    const timer = window.setTimeout(end, GROWING_MS)
    for (const move of MOVES) window.addEventListener(move, end, { passive: true })
    growing.observe(main)
    show()
    return end
  }, [id])
}
