/** Hatch is the pattern of what is not known or not final; it stands once in each drawing that uses it. */
export function Hatch() {
  return (
    <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
      <line x1="1" x2="1" y1="0" y2="6" class="hatch-line" />
    </pattern>
  )
}
