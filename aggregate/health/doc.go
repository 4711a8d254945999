// Package health decides the state of a number from the evidence about it: unknown, active, suspect, dead or revived
// (docs/definitions.md section 5).
//
// Its guarantee: a verdict depends on the evidence, the rules and the time of reading alone, and not on the order of
// the evidence, so that it can be decided again at any time. The package reads nothing and writes nothing: package
// aggregate brings the evidence and stores the verdicts.
package health
