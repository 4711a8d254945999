package simulate

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/nyaruka/phonenumbers"
)

func TestCurve_At_GrowsAndStaysInside(t *testing.T) {
	start := time.Date(2026, 3, 1, 7, 13, 0, 0, time.UTC)
	for _, duration := range []time.Duration{time.Millisecond, 20 * time.Minute, 50 * time.Hour} {
		c := newCurve(start, duration, nil)
		last := start.UnixMilli()
		for i := range int64(5000) {
			at := c.at(i, 5000, uint64(i)*0x9e3779b97f4a7c15)
			if at < last || at >= start.Add(duration).UnixMilli() {
				t.Fatalf("%s: message %d at %d, after %d", duration, i, at, last)
			}
			last = at
		}
	}
}

// TestDelay_Draw_Quantiles checks the log-normal times: the median, the sixths at one deviation, the ends.
func TestDelay_Draw_Quantiles(t *testing.T) {
	d := Delay{time.Minute, 5}.compile()
	p, r := newPowers(), &rng{}
	r.seed(1, 2)
	var samples []int64
	for range 100_000 {
		samples = append(samples, d.draw(r, p))
	}
	slices.Sort(samples)
	for _, c := range []struct {
		quantile float64
		want     float64
	}{{0.5, 60_000}, {0.1587, 12_000}, {0.8413, 300_000}} {
		if got := float64(samples[int(c.quantile*100_000)]); math.Abs(got/c.want-1) > 0.06 {
			t.Errorf("quantile %v is %v, want %v", c.quantile, got, c.want)
		}
	}
	if least, most := float64(samples[0]), float64(samples[99_999]); least < 60_000/math.Pow(5, 3.47) ||
		most > 60_000*math.Pow(5, 3.47) {
		t.Errorf("ends %v and %v", least, most)
	}
}

// TestPerson_Phone_Valid checks that libphonenumber takes every phone number for a valid one of its country.
func TestPerson_Phone_Valid(t *testing.T) {
	regions := map[string]int{}
	draw := countryDraw()
	for i := range 3000 {
		number, operator := person{hash: mix(uint64(i))}.phone(draw)
		parsed, err := phonenumbers.Parse(number, "")
		if err != nil || !phonenumbers.IsValidNumber(parsed) || operator == "" {
			t.Errorf("%s (%s): %v", number, operator, err)
			continue
		}
		regions[phonenumbers.GetRegionCodeForNumber(parsed)]++
	}
	if len(regions) != len(countries) {
		t.Errorf("numbers of %v, want %d countries", regions, len(countries))
	}
}

// TestTemplates_Texts measures the texts of templates: 70 characters of UCS-2 are one segment, 67 each are more.
func TestTemplates_Texts(t *testing.T) {
	texts := 0
	for traffic := range traffics {
		for _, template := range newDimensions(traffic, "a").templates {
			if template.text == "" {
				continue
			}
			texts++
			var w writtenEvent
			if err := json.Unmarshal([]byte("{"+template.text[1:]+"}"), &w); err != nil {
				t.Fatal(err)
			}
			units, single, part := len([]rune(w.SMSText)), 70, 67
			if len(w.SMSText) == units {
				single, part = 160, 153
			}
			want := 1
			if units > single {
				want = (units + part - 1) / part
			}
			if template.segments != want {
				t.Errorf("%q takes %d segments, not %d", w.SMSText, want, template.segments)
			}
		}
	}
	if texts < 3 {
		t.Errorf("%d texts", texts)
	}
}
