// What a page knows of the three answers, by the types that were generated from the OpenAPI document.
import type { paths } from "./api";

type Rows<P extends keyof paths> = paths[P] extends { get: { responses: { 200: { content: { "application/json": { rows: infer R } } } } } }
  ? R
  : never;

export function openRate(rows: Rows<"/v1/reports/channels">): number | null {
  return rows[0].open_rate;
}

export function saved(rows: Rows<"/v1/reports/savings">): string | null {
  return rows[0].saved_reached;
}

export function dead(rows: Rows<"/v1/numbers/dead">): string[] {
  return rows.map((row) => row.number);
}
