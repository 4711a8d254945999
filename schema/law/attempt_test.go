package law

import (
	"strings"
	"testing"

	"kaskad/schema"
)

func TestAttempt_Outcome_Cases(t *testing.T) {
	const cohort = int64(5)
	at := func(pairs ...int64) *Attempt {
		a := &Attempt{}
		a.Reset(1)
		for i := 0; i < len(pairs); i += 2 {
			a.Times[pairs[i]-1] = pairs[i+1]
		}
		return a
	}
	shown := func(f Outcome) string {
		var all []string
		for _, x := range []struct {
			name string
			set  bool
		}{{"attempted", f.Attempted}, {"sent", f.Sent}, {"delivered", f.Delivered}, {"read", f.Read},
			{"clicked", f.Clicked}, {"replied", f.Replied},
			{"failed", f.Failed}, {"pending", f.Pending}, {"skipped", f.Skipped}, {"skewed", f.Skewed}} {
			if x.set {
				all = append(all, x.name)
			}
		}
		return strings.Join(all, " ")
	}
	const (
		queued, accepted, sent, delivered, read, clicked, replied = 1, 2, 3, 4, 5, 6, 7
		undelivered, rejected, expired, failed, skipped           = 8, 9, 10, 11, 12
	)
	parts := func(a *Attempt, parts uint8, delivered, failed uint64, failures uint8) *Attempt {
		a.Parts, a.PartFailures, a.PartsDeliveredMS = parts, failures, 5_000
		a.DeliveredParts, a.FailedParts = PartSet{delivered}, PartSet{failed}
		return a
	}
	program := func(a *Attempt, ms int64) *Attempt {
		a.MachineMS = ms
		return a
	}
	bounced := func(a *Attempt) *Attempt {
		a.Channel, a.Permanent = "email", 1
		return a
	}
	single := func(a *Attempt, ms int64) *Attempt {
		a.SingleDeliveredMS, a.Parts = ms, 1
		return a
	}
	for name, c := range map[string]struct {
		a     *Attempt
		want  string
		start int64
	}{
		"a program's open":    {program(at(), 9), "attempted sent delivered", cohort},
		"skipped, but opened": {program(at(skipped, 9), 9), "attempted sent delivered", cohort},
		"bounced":             {bounced(at(delivered, 9, undelivered, 20)), "attempted sent failed", cohort},
		"bounced, then read": {bounced(at(undelivered, 20, read, 30, clicked, 40)), "attempted sent failed",
			cohort},
		"bounced, program's open": {bounced(program(at(delivered, 9, undelivered, 20), 30)), "attempted sent failed",
			cohort},
		"bounced, but replied": {bounced(at(undelivered, 20, replied, 30)), "attempted sent delivered read replied",
			cohort},
		"part 1 of 1":              {single(at(sent, 8), 9), "attempted sent delivered", 8},
		"queued":                   {at(queued, 7), "attempted pending", 7},
		"nothing known of step 1":  {at(rejected, 7), "attempted failed", cohort},
		"accepted":                 {at(accepted, 9, queued, 7), "attempted sent pending", 9},
		"sent first":               {at(accepted, 9, sent, 8), "attempted sent pending", 8},
		"read only":                {at(read, 9), "attempted sent delivered read", cohort},
		"click proves a reader":    {at(clicked, 9), "attempted sent delivered read clicked", cohort},
		"success beats failure":    {at(delivered, 20, undelivered, 10), "attempted sent delivered", cohort},
		"undelivered is sent":      {at(undelivered, 9), "attempted sent failed", cohort},
		"failed alone is not sent": {at(failed, 9), "attempted failed", cohort},
		"expired is sent":          {at(expired, 9), "attempted sent failed", cohort},
		"skipped":                  {at(skipped, 9, queued, 5), "skipped", 5},
		"skipped, then tried":      {at(skipped, 9, sent, 5), "attempted sent pending", 5},
		"skipped and failed":       {at(skipped, 9, failed, 5), "attempted failed", cohort},
		"skewed":                   {at(sent, 100_000, delivered, 39_999), "attempted sent delivered skewed", 100_000},
		"a minute of skew is none": {at(sent, 100_000, delivered, 40_000), "attempted sent delivered", 100_000},
		"all parts":                {parts(at(), 2, 0b11, 0b01, 1), "attempted sent delivered", cohort},
		"a part is missing":        {parts(at(), 2, 0b01, 0, 0), "attempted sent pending", cohort},
		"a part failed":            {parts(at(), 2, 0b01, 0b10, 2), "attempted sent failed", cohort},
		"a part was rejected":      {parts(at(), 2, 0, 0b10, 2), "attempted failed", cohort},
		"a part was undelivered":   {parts(at(), 2, 0, 0b10, 1), "attempted sent failed", cohort},
		"skipped but for a part":   {parts(at(skipped, 1), 2, 0, 0b10, 2), "attempted failed", cohort},
	} {
		f := c.a.Outcome(cohort)
		if got := shown(f); got != c.want || f.StartMS != c.start {
			t.Errorf("%s: %s from %d, want %s from %d", name, got, f.StartMS, c.want, c.start)
		}
	}
	later := at(rejected, 7)
	later.Step = 2
	if o := later.Outcome(cohort); o.StartMS != schema.Never {
		t.Errorf("step 2 starts at %d", o.StartMS)
	}
}
