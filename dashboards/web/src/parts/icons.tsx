// Icons are lines of 1.6 px in a field of 20; they take the colour of the text, and never stand without a label.
const LINES = {
  overview: 'M3 10l7-6 7 6M5 9v8h10V9',
  channels: 'M3 5h9M3 10h14M3 15h6M15 5h2M12 15h5',
  savings: 'M3 4v13h14M6 8h3v6M11 11h3v3',
  reach: 'M10 10m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0M5 5a7 7 0 0 0 0 10M15 5a7 7 0 0 1 0 10',
  numbers: 'M7 3L5 17M15 3l-2 14M3 7h14M3 13h14',
  campaigns: 'M3 8v4l9 4V4L3 8zM15 8v4M5 13l1 4',
  quality: 'M10 3l6 2v5c0 4-3 6-6 7-3-1-6-3-6-7V5l6-2zM7 10l2 2 4-4',
  settings: 'M4 6h7M15 6h1M4 14h1M9 14h7M13 6m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0M7 14m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0',
  definitions: 'M4 4h5c1 0 1 1 1 1v12s0-1-1-1H4V4zM16 4h-5c-1 0-1 1-1 1M10 17s0-1 1-1h5V4',
  message: 'M3 5h14v9H9l-4 3v-3H3V5z',
  dots: 'M5 10h.01M10 10h.01M15 10h.01',
  down: 'M6 8l4 4 4-4',
  close: 'M5 5l10 10M15 5L5 15',
  plus: 'M10 4v12M4 10h12',
  calendar: 'M4 5h12v12H4V5zM4 9h12M7 3v3M13 3v3',
  account: 'M10 7m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0M4 17c0-3 3-5 6-5s6 2 6 5',
  view: 'M10 3v2M10 15v2M3 10h2M15 10h2M10 10m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0M5 5l1.5 1.5M13.5 13.5L15 15M15 5l-1.5 1.5M6.5 13.5L5 15',
  bookmark: 'M6 3h8v14l-4-3-4 3V3z',
  link: 'M8.5 11.5a3 3 0 0 0 4.2 0l2.6-2.6a3 3 0 0 0-4.2-4.2L10 5.8M11.5 8.5a3 3 0 0 0-4.2 0l-2.6 2.6a3 3 0 0 0 4.2 4.2L10 14.2',
  pencil: 'M4 16l1-4 8-8 3 3-8 8-4 1zM11.5 5.5l3 3',
  check: 'M4 10l4 4 8-8',
  copy: 'M7 7h9v9H7V7zM4 12V4h8',
} as const
export type IconName = keyof typeof LINES

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={LINES[name]} />
    </svg>
  )
}
