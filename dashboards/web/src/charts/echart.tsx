// ECharts, for what needs axes to look along. It is loaded when the first such chart is drawn, and draws on a canvas,
// with tooltips on it too: the server's policy allows no style within markup. A chart has a table beside it.
import type { EChartsCoreOption } from 'echarts/core'
import { useEffect, useRef } from 'preact/hooks'
import { language, shown } from '../state/prefs'

/** Ink is what a chart is drawn with: the page's own colours. */
export interface Ink {
  readonly text: string
  readonly muted: string
  readonly line: string
  readonly faint: string
  readonly accent: string
  readonly card: string
  readonly font: string
  /** of is a colour by the name of its property, such as that of a channel. */
  readonly of: (name: string) => string
}

function ink(): Ink {
  const style = getComputedStyle(document.documentElement)
  const of = (name: string): string => style.getPropertyValue(`--${name}`).trim()
  return { text: of('text'), muted: of('muted'), line: of('line'), faint: of('faint'), accent: of('accent'), card: of('card'),
    font: getComputedStyle(document.body).fontFamily, of }
}

/** openStripes marks what is not final: stripes in the colour of the card, over whatever colour the bar has. */
export function openStripes(colours: Ink): Record<string, unknown> {
  const lines = { symbol: 'rect', dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: -Math.PI / 4 }
  return { decal: { ...lines, color: colours.card } }
}

/** tooltip is how all charts tell figures: on the canvas, by lines of text. */
export function tooltip(colours: Ink): Record<string, unknown> {
  return { trigger: 'axis', renderMode: 'richText', confine: true, backgroundColor: colours.card, borderColor: colours.line,
    textStyle: { color: colours.text, fontFamily: colours.font, fontSize: 13 }, axisPointer: { lineStyle: { color: colours.muted } } }
}

export function EChart({ label, option, onPick }: {
  label: string
  option: (colours: Ink) => EChartsCoreOption
  /** onPick is told which place on a category axis was clicked, wherever above it. */
  onPick?: (index: number) => void
}) {
  const place = useRef<HTMLDivElement>(null)
  const latest = useRef({ option, onPick })
  latest.current = { option, onPick }
  useEffect(() => {
    const element = place.current
    if (!element) return
    let end = (): void => undefined
    let wanted = true
    void import('./echarts').then(({ init }) => {
      if (!wanted) return
      const chart = init(element, null, { renderer: 'canvas', locale: 'EN' })
      const draw = (): void => chart.setOption({ animation: false, ...latest.current.option(ink()) }, true)
      draw()
      if (latest.current.onPick) {
        const place = (event: { offsetX: number; offsetY: number }): number | undefined => {
          if (!chart.containPixel('grid', [event.offsetX, event.offsetY])) return undefined
          return Math.round(chart.convertFromPixel({ xAxisIndex: 0 }, event.offsetX))
        }
        chart.getZr().on('click', (event) => {
          const index = place(event)
          if (index !== undefined) latest.current.onPick?.(index)
        })
        chart.getZr().on('mousemove', (event) => {
          chart.getZr().setCursorStyle(place(event) === undefined ? 'default' : 'pointer')
        })
      }
      // It tells at once how large the element is, which the chart knows, and at the end that it is gone: to draw it
      // once more costs as much as the first time.
      const watch = new ResizeObserver(() => {
        const { clientWidth, clientHeight } = element
        if (clientWidth === 0 || (clientWidth === chart.getWidth() && clientHeight === chart.getHeight())) return
        chart.resize()
      })
      watch.observe(element)
      end = () => {
        watch.disconnect()
        chart.dispose()
      }
    })
    return () => {
      wanted = false
      end()
    }
  }, [option, shown.value, language.value])
  return <div ref={place} class="echart" role="img" aria-label={label} />
}
