package report

import (
	"testing"

	"kaskad/schema"
)

// A number of 32 bits has a bit for each channel.
func TestAudience_Channels_Fit(t *testing.T) {
	if len(schema.Channels) > len(audience{}.channels) || len(audience{}.channels) > 32 {
		t.Errorf("%d channels", len(schema.Channels))
	}
}
