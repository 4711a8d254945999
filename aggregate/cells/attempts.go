package cells

import (
	"kaskad/schema"
)

// attemptKey is a cell of rollup_attempts. windowEnd is the quarter hour, in Unix seconds, by which the first minute of
// a timed attempt is over, 0 for others.
type attemptKey struct {
	place, dims, windowEnd uint32
	step                   uint8
}

// The counts of a cell of rollup_attempts, by their columns.
const (
	attempted = iota
	sent
	delivered
	read
	clicked
	replied
	failed
	pending
	skipped
	skewed
	machineOpened
	lowered
	timed
	in1m
	in24h
	readIn24h
	counts
)

type attemptCell struct {
	counts      [counts]int64
	cohortMaxMS int64
}

// latencyKey is a cell of one of the histograms of a cell of rollup_attempts.
type latencyKey struct {
	cell uint32
	of   uint8
	at   uint16
}

// The histograms of a cell.
const (
	toDeliver = iota
	toRead
	toReply
	histograms
)

// failureKey is a cell of rollup_failures.
type failureKey struct {
	place, dims, errorCode   uint32
	step, permanent, expired uint8
}

type failureCell struct{ failed, cohortMaxMS int64 }

const (
	minuteMS = 60 * 1000
	dayMS    = 24 * 60 * minuteMS
)

// windowEnd is the first quarter hour, in Unix seconds, that is not before the end of an attempt's first minute.
func windowEnd(startMS int64) uint32 {
	return uint32((startMS + minuteMS + quarterMS - 1) / quarterMS * quarterMS / 1000)
}

// addAttempt adds an attempt to its cells of rollup_attempts and rollup_failures.
func (s *Sum) addAttempt(h *message, st *step, n int64) {
	key := attemptKey{place: h.place, dims: st.dims, step: st.Step}
	// Latencies and windows are of attempts whose start is known, and whose clocks agree.
	isTimed := st.StartMS != schema.Never && !st.Skewed
	inWindow := isTimed && st.Sent
	if inWindow {
		key.windowEnd = windowEnd(st.StartMS)
	}
	index := s.attempts.index(key)
	cell := &s.attempts.values[index]
	cell.cohortMaxMS = max(cell.cohortMaxMS, h.cohortMS)
	for count, counted := range [counts]bool{
		st.Attempted, st.Sent, st.Delivered, st.Read, st.Clicked, st.Outcome.RepliedMS != schema.Never, st.Failed,
		st.Pending, st.Skipped, st.Skewed, st.MachineOpened, st.Lowered, inWindow,
		inWindow && st.DeliveredMS-st.StartMS <= minuteMS, inWindow && st.DeliveredMS-st.StartMS <= dayMS,
		inWindow && st.ReadMS-st.StartMS <= dayMS,
	} {
		if counted {
			cell.counts[count] += n
		}
	}
	if isTimed {
		for of, ms := range [histograms]int64{st.DeliveredMS, st.ReadMS, st.RepliedMS} {
			if ms != schema.Never {
				latency, _ := s.latencies.of(latencyKey{index, uint8(of), schema.LatencyCell(ms - st.StartMS)})
				*latency += n
			}
		}
	}
	if st.Failed {
		failure, _ := s.failures.of(failureKey{h.place, st.dims, s.names.of(st.ErrorCode()), st.Step, st.Permanent,
			bit(st.Outcome.Expired)})
		failure.failed += n
		failure.cohortMaxMS = max(failure.cohortMaxMS, h.cohortMS)
	}
}

func bit(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
