// Times of lists as people type them, in the zone of the page: "2026-01-01", or "2026-01-01 03:00".

const TYPED = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{1,2}):(\d{2}))?$/

const printers = new Map<string, Intl.DateTimeFormat>()

function local(at: number, tz: string): string {
  let printer = printers.get(tz)
  if (!printer) {
    // Swedes write dates as ISO 8601 does.
    printer = new Intl.DateTimeFormat('sv-SE', {
      timeZone: tz,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
    printers.set(tz, printer)
  }
  return printer.format(at)
}

/** shownTime is a time of the API as it is typed; what is no time stays as it is. */
export function shownTime(text: string, tz: string): string {
  const at = Date.parse(text)
  if (Number.isNaN(at) || TYPED.test(text)) return text
  const shown = local(at, tz)
  return shown.endsWith(' 00:00') ? shown.slice(0, 10) : shown
}

/** readTime is what was typed as the API takes it. What is no time stays as it is, for the API to say so. */
export function readTime(typed: string, tz: string): string {
  const text = typed.trim()
  const [, date, hour = '00', minute = '00'] = TYPED.exec(text) ?? []
  if (!date) return text
  const wall = Date.parse(`${date}T${hour.padStart(2, '0')}:${minute}:00Z`)
  if (Number.isNaN(wall) || new Date(wall).toISOString().slice(0, 10) !== date) return text
  // What a clock in the zone shows is off by the zone's offset, which is that of the time that is sought.
  let at = wall
  for (let i = 0; i < 2; i++) at = wall - (Date.parse(`${local(at, tz).replace(' ', 'T')}:00Z`) - at)
  return new Date(at).toISOString().replace('.000Z', 'Z')
}
