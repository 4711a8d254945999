// Answers of the API that the page reads, by the types of its OpenAPI document (openapi.ts). Rates are JSON numbers
// with six decimals, money are texts.
import type {
  GetDefinitions, GetErrorMapUnmappedRow, GetOverview, GetReportsChannels, GetReportsChannelsRow, GetReportsCompareRow,
  GetReportsFailuresRow, GetReportsLatencyRow, GetReportsSavings, GetReportsSavingsRow, GetSession, GetStatus, GetViews,
  PostRejectedReplayBody, Problem as AnyProblem,
} from './openapi'

/** Problem is an error of the API. after is in how many seconds the server wants to be asked again. */
export type Problem = AnyProblem & { readonly after?: number }
export type Session = GetSession

/** Report is a page of a report, around its rows. */
export type Report<Row> = Omit<GetReportsChannels, 'report' | 'rows'> &
  Partial<Pick<GetReportsSavings, 'tariff_version' | 'template_version'>> & {
    readonly report: string
    readonly rows: readonly Row[]
  }

export type ChannelRow = GetReportsChannelsRow
export type LatencyRow = GetReportsLatencyRow
export type CompareRow = GetReportsCompareRow
/** FailureRow is grouped by all that the report is grouped by where nothing else is said. */
export type FailureRow = GetReportsFailuresRow &
  Required<Pick<GetReportsFailuresRow, 'channel' | 'provider' | 'reason' | 'error_code'>>
export type SavingsRow = GetReportsSavingsRow
export type Overview = GetOverview
export type Status = GetStatus
export type UnmappedRow = GetErrorMapUnmappedRow
export type Definitions = GetDefinitions
export type SavedViews = GetViews

export type Bound = ChannelRow['open_rate_bound']
/** Reason is why an attempt failed, UnpricedReason why a message has no price, LetterReason why an event was refused. */
export type Reason = FailureRow['reason']
export type UnpricedReason = SavingsRow['unpriced_reasons'][number]['reason']
export type LetterReason = NonNullable<PostRejectedReplayBody['reason']>
