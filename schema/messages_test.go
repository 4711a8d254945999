package schema

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The messages of a block are all of its rows, those of one message together and as they came, first as they appear and
// then in the order of table attempts. One value serves blocks of any sizes.
func TestMessages_Sort_EveryRowOnceInOrder(t *testing.T) {
	var found Messages
	rapid.Check(t, func(t *rapid.T) {
		type key struct {
			account, id string
			hour        int64
		}
		var facts Facts
		want := map[key][]int{}
		id := rapid.SampledFrom([]string{"", "m", "m\x00", "m1", "0193a7b2-1c4d-7abc-8def-000000000001",
			"0193a7b2-1c4d-7abc-8def-000000000002", "0193a7b2-1c4d-7abd-8def-000000000001", "a longer one than others",
			"\xff"})
		for i := range rapid.IntRange(0, 60).Draw(t, "rows") {
			k := key{rapid.SampledFrom([]string{"acme", "", "b", "ac", "z"}).Draw(t, "account"), id.Draw(t, "id"),
				rapid.Int64Range(0, 2).Draw(t, "hour")}
			facts.Append(&Event{Account: []byte(k.account), MessageID: []byte(k.id), BucketMS: k.hour * HourMS})
			want[k] = append(want[k], i)
		}
		found.Find(&facts)
		if found.Len() != len(want) {
			t.Fatalf("%d messages, want %d", found.Len(), len(want))
		}
		last := -1
		for i := range found.Len() {
			rows := slices.Collect(found.Rows(i))
			if rows[0] <= last {
				t.Fatalf("a message of row %d comes after one of row %d", rows[0], last)
			}
			last = rows[0]
		}
		found.Sort(&facts)
		var before key
		for i := range found.Len() {
			rows := slices.Collect(found.Rows(i))
			k := key{facts.account.at(rows[0]), string(facts.messageID.at(rows[0])),
				facts.bucket[rows[0]] * 1000 / HourMS}
			if !slices.Equal(rows, want[k]) {
				t.Fatalf("%+v has rows %v, want %v", k, rows, want[k])
			}
			order := func(k key) []byte { return fmt.Appendf(nil, "%s\x00%d%s", k.account, k.hour, k.id) }
			if i > 0 && bytes.Compare(order(before), order(k)) >= 0 {
				t.Fatalf("%+v comes before %+v", before, k)
			}
			before = k
		}
	})
}
