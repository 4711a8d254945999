package rollup

import (
	"bytes"
	"testing"

	"kaskad/query/answer"
)

// What is remembered of a request is not another one's, however its values are called.
func TestFilter_Parts_TellsValuesFromNames(t *testing.T) {
	hash := func(filters ...Filter) []byte {
		var parts []string
		for _, f := range filters {
			parts = append(parts, f.Parts()...)
		}
		return answer.QueryHash(parts...)
	}
	campaign, sender := Dimension("campaign"), Dimension("sender")
	two := hash(Filter{Key: campaign, Values: []string{"a"}}, Filter{Key: sender, Values: []string{"b"}})
	for _, values := range [][]string{{"a", "sender", "b"}, {"a", "", "sender", "b"}, {"a", "sender", "1", "b"}} {
		if bytes.Equal(hash(Filter{Key: campaign, Values: values}), two) {
			t.Errorf("campaigns %q are taken for campaign a of sender b", values)
		}
	}
}
