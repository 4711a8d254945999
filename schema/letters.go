package schema

import "time"

// LetterFilter chooses dead letters; empty fields choose all.
type LetterFilter struct {
	Reason Reason
	Field  string
	Topic  string    // where the event came from
	Since  time.Time // refused at or after
	Until  time.Time // refused before
	Places []Place   // these alone
	// After leaves out the letters up to a place, and Limit is how many are looked at: 0 for all.
	After *Place
	Limit int
}

// Replayed counts what sending dead letters through again did.
type Replayed struct {
	Sent         uint64 // sent through again, and marked
	StillRefused uint64 // left where they are
	// Last is the last letter that was looked at, and More says that there are letters after it.
	Last *Place
	More bool
}

// Reasons are all reasons for which events are refused.
func Reasons() []Reason {
	return []Reason{ReasonMalformed, ReasonMissing, ReasonUnknownValue, ReasonOutOfRange, ReasonWrongType,
		ReasonTooLong, ReasonBadTime, ReasonTimeWindow, ReasonBadRecipient, ReasonBadPrice, ReasonBadPart,
		ReasonNoCohort, ReasonUnstorable}
}
