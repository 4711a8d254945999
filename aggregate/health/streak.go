package health

import (
	"time"

	"kaskad/schema"
	"kaskad/schema/rules"
)

// streak is a run of failures that no success has ended.
type streak struct {
	firstMS, firstHardMS   int64
	mailings, hardMailings map[string]struct{}
	days                   map[int64]struct{}
	reasons                map[string]uint32
	attempts               []schema.StreakAttempt
	guessed                uint32
	// suspect is set by a failure of a hard class, guessed or not; hard by one that is not guessed.
	suspect, hard, hasFailures bool
	// firm is the first rule but soft that a failure completed, "" for none, and firmMS its time. softMS is when the
	// soft rule was completed, 0 for never; a delivery later that day takes it back.
	firm           string
	firmMS, softMS int64
}

// death returns the rule that was completed first, and when. Of two at one moment soft is the later in the table.
func (s *streak) death() (rule string, sinceMS int64) {
	if s.softMS != 0 && (s.firm == "" || s.softMS < s.firmMS) {
		return RuleSoft, s.softMS
	}
	return s.firm, s.firmMS
}

func (s *streak) add(f *Failure, kind string) {
	if s.mailings == nil {
		s.mailings, s.hardMailings, s.days, s.reasons = map[string]struct{}{}, map[string]struct{}{},
			map[int64]struct{}{}, map[string]uint32{}
	}
	if !s.hasFailures {
		s.hasFailures, s.firstMS = true, f.AtMS
	}
	s.mailings[f.Mailing] = struct{}{}
	s.days[floorDay(f.AtMS)] = struct{}{}
	s.reasons[f.Class]++
	if f.Priced {
		s.attempts = append(s.attempts, f.Attempt)
	}
	if f.Guessed {
		s.guessed++
	}
	s.suspect = s.suspect || schema.ClassHard(kind, f.Class)
	if f.hard(kind) {
		if !s.hard {
			s.hard, s.firstHardMS = true, f.AtMS
		}
		s.hardMailings[f.Mailing] = struct{}{}
	}
}

// completeFirm applies the rules but soft to the streak, after the failures of one moment were added; what these were
// is said by the other arguments.
func (s *streak) completeFirm(at int64, rules *rules.Rules, hard, deactivated, invalid bool) {
	if s.firm != "" {
		return
	}
	switch {
	case deactivated:
		s.firm = RuleDeactivated
	case invalid:
		s.firm = RuleInvalidFormat
	case hard && len(s.hardMailings) >= rules.HardMailings &&
		at-s.firstHardMS >= int64(rules.HardHours)*int64(time.Hour/time.Millisecond):
		s.firm = RuleHard
	default:
		return
	}
	s.firmMS = at
}

// completeSoft applies the soft rule, given when the recipient was last delivered to on any channel.
func (s *streak) completeSoft(at int64, rules *rules.Rules, lastDeliveryMS int64) {
	if s.softMS == 0 && len(s.mailings) >= rules.SoftMailings &&
		at-s.firstMS >= int64(rules.SoftDays)*dayMS &&
		lastDeliveryMS < (floorDay(at)-int64(rules.QuietDays))*dayMS {
		s.softMS = at
	}
}

// floorDay returns the number of the UTC day, also before 1970.
func floorDay(ms int64) int64 {
	day := ms / dayMS
	if ms%dayMS < 0 {
		day--
	}
	return day
}
