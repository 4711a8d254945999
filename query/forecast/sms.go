package forecast

import (
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"kaskad/money"
	"kaskad/schema"
)

// maxSMSBody holds the longest text with each of its characters escaped as a surrogate pair, twelve bytes, and more.
const maxSMSBody = 256 << 10

// smsSegments serves POST /v1/sms/segments: what a text takes as SMS, why, and what would make it cheaper. The text is
// in the answer to its sender and nowhere else: neither stored nor logged.
func (f *Forecasts) smsSegments(c *gin.Context) error {
	p, err := f.gate.BodyParams(c, maxSMSBody)
	if err != nil {
		return err
	}
	text := p.Required("text", `send {"text": "…"}`)
	if utf8.RuneCountInString(text) > schema.MaxSMSCharacters {
		p.Fail("text", fmt.Sprintf("is longer than %d characters", schema.MaxSMSCharacters))
	}
	if err := p.Err(); err != nil {
		return err
	}
	c.PureJSON(http.StatusOK, money.ExplainSMS(text))
	return nil
}
