// Package alert decides when a figure of an account is out of the ordinary: evidence in, verdict out.
//
// Its guarantee: a figure is compared with its own past as that was at the same age, in the same hours, and only where
// both are large enough; it is out of the ordinary when it lies outside of what the spread of that past explains,
// beyond everything the past has shown, and by more than the rule asks for. What is not known is no alarm. The same
// functions decide for the aggregator, hour by hour, and for POST /v1/alerts/try over the past.
//
//	Rules (rules.go)     what an account watches, and whom it tells
//	Series (series.go)   counts by hour, apart for what must not be mixed up
//	Judge (judge.go)     counts up to an hour → Verdict
//	cost (cost.go)       money up to a day → Verdict
//	Walk (walk.go)       verdicts, and the alerts that are open → alerts that begin and end
//
// Package alertlog reads the counts, and keeps the alerts.
package alert
