export default function Overview() {
  return <div class="cards" />
}
