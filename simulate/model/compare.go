package model

import (
	"encoding/json"
	"math/big"
)

// CompareQuery asks to compare two values of a name by a rate.
type CompareQuery struct {
	Query
	By     string
	Values [2]string
	Metric string
}

// CompareRow is a row of the comparison but for its intervals of the difference and what follows from them: of all
// attempts, or of the people who were tried on both.
type CompareRow struct {
	CompareQuery
	People bool
	Rates  [2]Rate
	Bounds [2]string
	Tried  int64
	Cells  [4]int64 // in neither numerator, of the first, of the second, of both
}

// MarshalJSON writes the row as the report does.
func (r CompareRow) MarshalJSON() ([]byte, error) {
	var w RowWriter
	w.Field("among", map[bool]string{true: "both", false: "all"}[r.People])
	w.Field("metric", r.Metric)
	w.Field("by", r.By)
	for i, side := range []string{"a", "b"} {
		w.Field(side, r.Values[i])
		w.Field(side+"_num", r.Rates[i].Num)
		w.Field(side+"_den", r.Rates[i].Den)
		w.Share(side+"_rate", r.Rates[i])
		w.Field(side+"_bound", orNull(r.Bounds[i]))
	}
	a, b := r.Rates[0], r.Rates[1]
	if a.Den == 0 || b.Den == 0 {
		w.Field("difference", nil)
	} else {
		w.Field("difference", json.RawMessage(new(big.Rat).Sub(big.NewRat(a.Num, a.Den),
			big.NewRat(b.Num, b.Den)).FloatString(6)))
	}
	for i, name := range []string{"tried", "people", "on_both", "on_a_only", "on_b_only", "on_neither"} {
		if !r.People {
			w.Field(name, nil)
			continue
		}
		w.Field(name, []int64{r.Tried, r.Rates[0].Den, r.Cells[3], r.Cells[1], r.Cells[2], r.Cells[0]}[i])
	}
	return w.Finish()
}

// onSide is what is known of a person on one of the values.
type onSide struct{ tried, den, num bool }

// Compare returns both rows.
func (m *Model) Compare(q CompareQuery) ([]CompareRow, error) {
	all, both := CompareRow{CompareQuery: q}, CompareRow{CompareQuery: q, People: true}
	type person struct{ account, name string }
	people := map[person]*[2]onSide{}
	bounds := map[person]*[2]group{}
	var allBounds [2]group
	note := func(g *group, reads int) {
		g.exact, g.lower, g.upper = g.exact || reads == readsExact, g.lower || reads == readsLower,
			g.upper || reads == readsUpper
	}
	err := m.selected(q.Query, func(x *Folded) error {
		key, err := m.Key(q.By, x.Account, x.Attempt, x.Cohort, q.Zone())
		if err != nil {
			return err
		}
		for i, value := range q.Values {
			if key.String() != value {
				continue
			}
			delivery, reads := m.routeOf(x.Attempt, q.Aliases[x.Account])
			has, den, num := comparedBy(q.Metric, &x.Facts, delivery, reads != readsNone)
			who := person{x.Account, x.Msg.Person()}
			if people[who] == nil {
				people[who], bounds[who] = &[2]onSide{}, &[2]group{}
			}
			side := &people[who][i]
			side.tried = side.tried || has
			if !has || !den {
				continue
			}
			note(&allBounds[i], reads)
			note(&bounds[who][i], reads)
			side.den = true
			all.Rates[i].Den++
			if num {
				side.num = true
				all.Rates[i].Num++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var bothBounds [2]group
	for who, sides := range people {
		if !sides[0].tried || !sides[1].tried {
			continue
		}
		both.Tried++
		if !sides[0].den || !sides[1].den {
			continue
		}
		cell := 0
		for i, side := range sides {
			of := bounds[who][i]
			bothBounds[i].exact, bothBounds[i].lower, bothBounds[i].upper = bothBounds[i].exact || of.exact,
				bothBounds[i].lower || of.lower, bothBounds[i].upper || of.upper
			both.Rates[i].Den++
			if side.num {
				both.Rates[i].Num++
				cell |= 1 << i
			}
		}
		both.Cells[cell]++
	}
	for i := range q.Values {
		all.Bounds[i], both.Bounds[i] = allBounds[i].finish().OpenRateBound, bothBounds[i].finish().OpenRateBound
		for _, row := range []*CompareRow{&all, &both} {
			if q.Metric != "open" && q.Metric != "read_of_sent" && row.Rates[i].Den > 0 {
				row.Bounds[i] = "exact"
			}
			if row.Rates[i].Den == 0 {
				row.Bounds[i] = ""
			}
		}
	}
	return []CompareRow{all, both}, nil
}

// comparedBy tells whether the attempt's route reports what a rate asks for, and whether the attempt is in its
// denominator, and in its numerator.
func comparedBy(metric string, f *facts, delivery, reads bool) (has, den, num bool) {
	switch metric {
	case "open":
		return reads, f.Delivered, f.Read
	case "read_of_sent":
		return reads, f.Sent, f.Read
	case "click":
		return delivery, f.Delivered, f.clicked
	case "reply":
		return delivery, f.Delivered, f.replied
	case "delivery":
		return delivery, f.Sent, f.Delivered
	}
	return delivery, true, f.Delivered
}
