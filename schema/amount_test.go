package schema

import "testing"

func TestAppendMicros(t *testing.T) {
	for micros, want := range map[int64]string{0: "0.00", 2_500_000: "2.50", 1: "0.000001", 123_456: "0.123456",
		1_230_000: "1.23", -1_005_000: "-1.005", 12_000_000: "12.00"} {
		if got := string(AppendMicros(nil, micros)); got != want {
			t.Errorf("%d: %s, want %s", micros, got, want)
		}
	}
}
