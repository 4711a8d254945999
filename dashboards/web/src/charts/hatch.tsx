/** Hatch is the pattern of what is not known; it stands once in each drawing that uses it. */
export function Hatch() {
  return (
    <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
      <line x1="1" x2="1" y1="0" y2="6" class="hatch-line" />
    </pattern>
  )
}

/** Open is the pattern of what is not final: it cuts stripes out of what lies below it. */
export function Open() {
  return (
    <pattern id="open" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
      <line x1="2" x2="2" y1="0" y2="8" class="open-line" />
    </pattern>
  )
}
